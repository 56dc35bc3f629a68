import type { FastifyInstance, FastifyRequest } from 'fastify';

/**
 * Reads JSON bodies and nothing else. An empty body is no body, whatever its Content-Type says: clients name one on a
 * DELETE or a POST without a body too.
 *
 * @param options.refusal what is thrown for bytes that are not JSON in UTF-8, given the reason
 * @param options.onBody gets the bytes as they came, before they are read
 */
export function readJsonBodies(
	app: FastifyInstance,
	options: {
		refusal: (reason: string, cause: unknown) => Error;
		onBody?: (request: FastifyRequest, body: Buffer) => void;
	},
): void {
	const { refusal, onBody } = options;
	app.removeAllContentTypeParsers();
	app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
		onBody?.(request, body);
		try {
			done(null, parseJson(body));
		} catch (error) {
			done(refusal(error instanceof SyntaxError ? error.message : 'not valid UTF-8', error));
		}
	});
}

function parseJson(body: Buffer): unknown {
	if (body.length === 0) return undefined;
	return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
}
