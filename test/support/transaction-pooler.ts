import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Client } from 'pg';

/** A pooler of PostgreSQL on loopback, in transaction mode: between two transactions a client has no session. */
export interface TransactionPooler {
	readonly port: number;
	close(): Promise<void>;
}

/** One session of the server, already let in. */
interface Session {
	socket: Socket;
	/** Where its answers go. */
	answer: (data: Buffer) => void;
}

const READY = 'Z'.charCodeAt(0);
const TERMINATE = 'X'.charCodeAt(0);
/** What the server answers with "ready": a query, and the end of a series of messages. */
const ASKS = new Set(['Q', 'S'].map((type) => type.charCodeAt(0)));

/** @param url of the server; who connects to the pooler is let in as its user, whatever they say */
export async function startTransactionPooler(url: string): Promise<TransactionPooler> {
	const idle: Session[] = [];
	const sockets = new Set<Socket>();

	async function newSession(): Promise<Session> {
		const socket = new Socket();
		const client = new Client({ connectionString: url, stream: () => socket });
		client.on('error', () => undefined);
		await client.connect();
		sockets.add(socket);
		const session: Session = { socket, answer: () => undefined };
		socket.removeAllListeners('data').on('data', (data: Buffer) => session.answer(data));
		return session;
	}

	const server = createServer((client) => {
		sockets.add(client);
		client.on('error', () => undefined);
		/** The session of the transaction that is open, and how often it will say that it is ready. */
		let session: Promise<Session> | null = null;
		let asked = 0;

		const toClient = messages((type, message) => {
			client.write(message);
			if (type !== READY || --asked > 0) return;
			const isIdle = message.at(-1) === 'I'.charCodeAt(0);
			if (!isIdle || !session) return;
			const free = session;
			session = null;
			void free.then((one) => idle.push(one));
		});
		const toServer = messages((type, message) => {
			if (type === TERMINATE) {
				client.end();
				return;
			}
			if (ASKS.has(type)) asked++;
			session ??= Promise.resolve(idle.pop() ?? newSession());
			void session.then((one) => {
				one.answer = toClient;
				one.socket.write(message);
			});
		});
		client.once('data', () => {
			client.write(LET_IN);
			client.on('data', toServer);
		});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return {
		port: (server.address() as AddressInfo).port,
		async close() {
			const closed = once(server, 'close');
			server.close();
			for (const socket of sockets) socket.destroy();
			await closed;
		},
	};
}

/** AuthenticationOk, and ReadyForQuery outside any transaction. */
const LET_IN = Buffer.from([...[0x52, 0, 0, 0, 8, 0, 0, 0, 0], ...[READY, 0, 0, 0, 5, 0x49]]);

/** Cuts what comes in into messages: a type, and a length that counts itself. */
function messages(onMessage: (type: number, message: Buffer) => void): (data: Buffer) => void {
	let rest = Buffer.alloc(0);
	return (data) => {
		rest = Buffer.concat([rest, data]);
		while (rest.length >= 5) {
			const end = 1 + rest.readUInt32BE(1);
			if (rest.length < end) return;
			const message = rest.subarray(0, end);
			rest = rest.subarray(end);
			onMessage(message[0] as number, message);
		}
	};
}
