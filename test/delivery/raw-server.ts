import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';

/** One request, as it came over a connection. */
export interface RawRequest {
	/** Counted over the whole server, from 1. */
	number: number;
	head: string;
	body: Buffer;
}

/** What a server does with connections and requests, down to the bytes. */
export interface Behaviour {
	onConnection?: (socket: Socket) => void;
	/** Called with the first bytes of a request, before it is whole. */
	onBytes?: (socket: Socket) => void;
	onRequest?: (socket: Socket, request: RawRequest) => void;
}

/** A server that speaks bytes instead of HTTP, to answer as no HTTP server would. It reads requests whole. */
export async function startRawServer(behaviour: Behaviour, tls?: { cert: string; key: string }) {
	const sockets = new Set<Socket>();
	const requests: RawRequest[] = [];
	let connections = 0;
	let current = behaviour;

	const onSocket = (socket: Socket) => {
		sockets.add(socket);
		socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
		connections++;
		current.onConnection?.(socket);
		let buffered = Buffer.alloc(0);
		socket.on('data', (chunk) => {
			if (buffered.length === 0) current.onBytes?.(socket);
			buffered = Buffer.concat([buffered, chunk]);
			const headEnd = buffered.indexOf('\r\n\r\n');
			if (headEnd < 0) return;
			const head = buffered.subarray(0, headEnd).toString();
			const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
			const body = buffered.subarray(headEnd + 4);
			if (body.length < length) return;
			buffered = Buffer.alloc(0);
			const request = { number: requests.length + 1, head, body };
			requests.push(request);
			current.onRequest?.(socket, request);
		});
	};
	const server = tls ? createSecureServer(tls, onSocket) : createServer(onSocket);
	// A client that does not like the certificate.
	if (tls) server.on('tlsClientError', () => undefined);
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	return {
		port,
		url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/webhook`,
		requests,
		connections: () => connections,
		/** Connections that are open now. */
		open: () => sockets.size,
		/** Behaves so from now on. */
		behave(next: Behaviour) {
			current = next;
		},
		async close() {
			for (const socket of sockets) socket.destroy();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}
export type RawServer = Awaited<ReturnType<typeof startRawServer>>;

/** A whole answer in bytes. */
export const answer = (status: string, body = '', headers: string[] = []): string =>
	[`HTTP/1.1 ${status}`, `content-length: ${Buffer.byteLength(body)}`, ...headers, '', body].join('\r\n');
