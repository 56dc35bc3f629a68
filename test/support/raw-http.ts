import { connect } from 'node:net';

/** A connection that sends exactly the bytes it is told to, as no HTTP client would. */
export interface RawConnection {
	send(bytes: string | Buffer): void;
	/** Everything that came back so far. */
	received(): string;
	/** Resolves with everything that came back once `enough` holds for it; rejects when the connection ends before. */
	until(enough: (received: string) => boolean): Promise<string>;
	/** Resolves with everything that came back once the other side has closed the connection. */
	readonly closed: Promise<string>;
	/** Closes it from this side. */
	end(): Promise<void>;
}

export async function connectRaw(port: number): Promise<RawConnection> {
	const socket = connect(port, '127.0.0.1');
	let received = '';
	const listeners = new Set<() => void>();
	const tell = () => {
		for (const listener of [...listeners]) listener();
	};
	socket.setEncoding('latin1').on('data', (text: string) => {
		received += text;
		tell();
	});
	// A reset is one way of closing; what matters is what came before it.
	socket.on('error', () => undefined);
	const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(received)));
	void closed.then(tell);
	await new Promise((resolve) => socket.once('connect', resolve));
	return {
		send: (bytes) => void (socket.writable && socket.write(bytes)),
		received: () => received,
		until: (enough) =>
			new Promise((resolve, reject) => {
				const check = () => {
					if (!enough(received) && !socket.closed) return;
					listeners.delete(check);
					if (enough(received)) resolve(received);
					else reject(new Error(`The connection ended before the awaited answer: ${received}`));
				};
				listeners.add(check);
				check();
			}),
		closed,
		async end() {
			socket.destroy();
			await closed;
		},
	};
}

/** The statuses of the answers in what a connection received, in their order. */
export const statusesOf = (received: string): number[] =>
	[...received.matchAll(/(?:^|\r\n|\})HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
