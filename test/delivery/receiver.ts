import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
	path: string;
	headers: IncomingHttpHeaders;
	body: Buffer;
}

type Handler = (response: ServerResponse, request: IncomingMessage, received: Received) => void;

/**
 * A real HTTP server that answers as told: a status, or a handler of its own.
 *
 * @param options.tls speaks HTTPS, with this certificate
 */
export async function startReceiver(options: { port?: number; tls?: { cert: string; key: string } } = {}) {
	const received: Received[] = [];
	let handler: Handler = (response) => response.writeHead(200).end('{}');
	const onRequest = (request: IncomingMessage, response: ServerResponse) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			const entry = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) };
			received.push(entry);
			handler(response, request, entry);
		});
	};
	const server = options.tls ? createSecureServer(options.tls, onRequest) : createServer(onRequest);
	server.listen(options.port ?? 0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	return {
		received,
		port,
		url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}/webhook/test?secret=1`,
		/** Answers from now on. */
		answer(status: number | Handler, headers: Record<string, string> = {}) {
			handler =
				typeof status === 'function' ? status : (response) => response.writeHead(status, headers).end('{}');
		},
		/** Connections that are open. */
		connections: () =>
			new Promise<number>((resolve, reject) =>
				server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
			),
		async close() {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}
export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
