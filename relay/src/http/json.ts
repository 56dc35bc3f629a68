import type { FastifyInstance } from 'fastify';
import { ProblemError } from './errors.ts';

/**
 * Reads JSON bodies and nothing else. An empty body is no body, whatever its Content-Type says: clients name
 * one on a DELETE or a POST without a body too.
 */
export function readJsonBodies(http: FastifyInstance): void {
	http.removeAllContentTypeParsers();
	http.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
		try {
			done(null, parseJson(body as Buffer));
		} catch (cause) {
			done(new ProblemError('unreadable_request', { detail: 'The body is not JSON in UTF-8.', cause }));
		}
	});
}

function parseJson(body: Buffer): unknown {
	if (body.length === 0) return undefined;
	return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
}
