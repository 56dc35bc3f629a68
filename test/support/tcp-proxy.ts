import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A TCP proxy on loopback that misbehaves as networks do. */
export interface TcpProxy {
	readonly port: number;
	/**
	 * `pass`: both ways. `deaf`: the server hears the client, whose answers are swallowed. `silent`: nothing gets
	 * through either way, and no side is told (a cable pulled, a firewall that forgot the connection). New connections
	 * fare the same.
	 */
	mode: 'pass' | 'deaf' | 'silent';
	/** What is connected now stays silent for good; `mode` is `pass` again for what comes after. */
	forget(): void;
	/** Where new connections go: a virtual address that moves. */
	target: number;
	/** Resets every connection now, on both sides. */
	reset(): void;
	/** Connections that came in so far. */
	readonly connections: number;
	close(): Promise<void>;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
	const pairs = new Set<[Socket, Socket]>();
	const forgotten = new Set<Socket>();
	let connections = 0;
	const server = createServer({ allowHalfOpen: true }, (client) => {
		connections++;
		const upstream = connect(proxy.target, '127.0.0.1');
		const pair: [Socket, Socket] = [client, upstream];
		pairs.add(pair);
		client.setNoDelay(true);
		upstream.setNoDelay(true);
		const silent = () => proxy.mode === 'silent' || forgotten.has(client);
		client.on('data', (data) => {
			if (!silent()) upstream.write(data);
		});
		upstream.on('data', (data) => {
			if (!silent() && proxy.mode === 'pass') client.write(data);
		});
		// Behind a silence not even a goodbye is answered.
		client.on('end', () => {
			if (!silent()) client.end();
		});
		for (const [from, to] of [pair, [upstream, client]] as [Socket, Socket][]) {
			from.on('error', () => undefined);
			from.on('close', () => {
				// Behind a silence not even the end of the other side is heard.
				if (silent()) return;
				to.destroy();
				pairs.delete(pair);
			});
		}
	});
	await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
	const proxy = {
		port: (server.address() as AddressInfo).port,
		target: targetPort,
		mode: 'pass' as TcpProxy['mode'],
		get connections() {
			return connections;
		},
		forget() {
			for (const [client] of pairs) forgotten.add(client);
			proxy.mode = 'pass';
		},
		reset() {
			for (const sockets of pairs) for (const socket of sockets) socket.resetAndDestroy();
			pairs.clear();
		},
		async close() {
			const closed = new Promise((resolve) => server.close(resolve));
			for (const sockets of pairs) for (const socket of sockets) socket.destroy();
			await closed;
		},
	};
	return proxy;
}
