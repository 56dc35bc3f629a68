import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '../log.ts';
import { ProblemError } from './errors.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** What Node's parser refuses: it never becomes a request, so no route and no hook sees it. */
const PROBLEMS: Record<string, ProblemError> = {
	ERR_HTTP_REQUEST_TIMEOUT: new ProblemError('request_timeout', {
		detail: 'The request did not arrive in the time it may take.',
	}),
	HPE_HEADER_OVERFLOW: new ProblemError('headers_too_large', {
		detail: 'The headers of the request are larger than what is read.',
	}),
};
/** Not Node's own list: `import … from 'node:http'` loads its fetch too, for an idle relay to hold in 2 MiB. */
const REASONS: Record<number, string> = {
	400: 'Bad Request',
	408: 'Request Timeout',
	431: 'Request Header Fields Too Large',
};
const MALFORMED = new ProblemError('malformed_request', { detail: 'What was sent is not valid HTTP/1.1.' });

/**
 * Answers what is not HTTP. Fastify's own handler would log the raw bytes, tokens included, as a list of numbers
 * that no scrubbing recognises.
 */
export function refuseMalformed(log: Logger, code: string, socket: Socket): void {
	if (code === 'ECONNRESET' || socket.destroyed) return;
	log.debug({ code }, 'malformed request');
	if (socket.writable) socket.write(rawAnswer(PROBLEMS[code] ?? MALFORMED));
	socket.destroy();
}

/** What of a request Node's parser lets pass and RFC 9112 does not, in one sentence; null when it is as it should be. */
export function faultOf({ httpVersion, headers, rawHeaders }: IncomingMessage): string | null {
	if (httpVersion === '1.0') {
		return headers['transfer-encoding'] === undefined
			? null
			: 'The request is of HTTP/1.0, which has no Transfer-Encoding.';
	}
	if (httpVersion !== '1.1') return `The request is of HTTP/${httpVersion}.`;
	if (headers.host === undefined) return 'The request has no Host header.';
	// Node keeps the first one and drops the rest.
	const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && /^host$/i.test(name)).length;
	return hosts === 1 ? null : 'The request has more than one Host header.';
}

function rawAnswer(problem: ProblemError): string {
	const body = JSON.stringify(problem);
	const headers = {
		'content-type': 'application/problem+json',
		...SECURITY_HEADERS,
		'content-length': Buffer.byteLength(body),
		connection: 'close',
	};
	return [
		`HTTP/1.1 ${problem.status} ${REASONS[problem.status] ?? ''}`,
		...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
		'',
		body,
	].join('\r\n');
}

/**
 * Lets requests through that Node would answer by itself: one with an expectation it doesn't know. That is no reason to
 * lose a webhook, and RFC 9110 leaves it to the server.
 */
export function acceptExpectations(server: Server): void {
	server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}
