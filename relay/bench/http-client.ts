/**
 * A keep-alive HTTP/1.1 connection that posts one body after another, on a bare socket: half of what undici's
 * `request()` costs (25–28 µs), so that the load generator is not what a bench measures. One request at a time,
 * answers with a Content-Length only, which is all that the servers measured here send.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';

export interface HttpConnection {
	/** Posts what is in `body` now; resolves with the status once the answer is in, whole. */
	post(): Promise<number>;
	/** The body of the last answer; kept only when asked for. */
	answer(): string;
	/** The bytes the next request has as its body: change them in place between two posts. */
	body: Buffer;
	close(): void;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const READ_BYTES = 64 * 1024;

/**
 * Opens so many connections, shared evenly by the addresses.
 *
 * @param keepAnswers whether anybody will ask for the bodies of the answers
 */
export function openConnections(
	addresses: string[],
	count: number,
	body: Buffer,
	keepAnswers = false,
): Promise<HttpConnection[]> {
	const urls = addresses.map((address) => new URL(address));
	return Promise.all(
		Array.from({ length: count }, (_, n) => openConnection(urls[n % urls.length]!, body, keepAnswers)),
	);
}

async function openConnection(url: URL, body: Buffer, keepAnswers: boolean): Promise<HttpConnection> {
	const head = Buffer.from(
		`POST ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
	);
	const request = Buffer.concat([head, body]);
	let answered: ((status: number) => void) | null = null;
	let failed: ((error: Error) => void) | null = null;
	let partial: Buffer | null = null;
	let lastBody = '';
	/** The server closes a connection after so many requests; the next one goes over another. */
	let over = false;

	function read(bytes: number, buffer: Uint8Array): boolean {
		const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, bytes);
		const answer = partial ? Buffer.concat([partial, chunk]) : chunk;
		const headEnd = answer.indexOf(HEAD_END);
		const { length, last } = headEnd < 0 ? { length: 0, last: false } : readHead(answer, headEnd);
		if (headEnd < 0 || answer.length < headEnd + HEAD_END.length + length) {
			// The read buffer is used again for what comes next.
			partial = Buffer.from(answer);
			return true;
		}
		partial = null;
		over = last;
		if (keepAnswers) lastBody = answer.toString('utf8', headEnd + HEAD_END.length);
		const done = answered;
		answered = failed = null;
		done?.(Number(answer.toString('latin1', 9, 12)));
		return true;
	}

	function open(): Promise<Socket> {
		return new Promise((resolve, reject) => {
			const opened = connect({
				host: url.hostname,
				port: Number(url.port),
				noDelay: true,
				onread: { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: read },
			});
			const fail = (error: Error) => {
				reject(error);
				if (opened !== socket) return;
				failed?.(error);
				answered = failed = null;
			};
			opened.on('error', fail);
			opened.on('close', () => fail(new Error('The connection was closed.')));
			opened.on('connect', () => resolve(opened));
		});
	}

	let socket: Socket | null = null;
	socket = await open();
	return {
		body: request.subarray(head.length),
		async post() {
			if (over) {
				socket?.destroy();
				socket = await open();
				over = false;
			}
			return new Promise((done, broken) => {
				answered = done;
				failed = broken;
				socket?.write(request);
			});
		},
		answer: () => lastBody,
		close: () => socket?.destroy(),
	};
}

function readHead(answer: Buffer, headEnd: number): { length: number; last: boolean } {
	const head = answer.toString('latin1', 0, headEnd);
	const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
	if (length === undefined) throw new Error('The answer has no Content-Length.');
	return { length: Number(length), last: /\r\nconnection: *close/i.test(head) };
}
