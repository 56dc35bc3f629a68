/**
 * A keep-alive HTTP/1.1 connection that posts one body after another, on a bare socket: a third of what undici's
 * `request()` costs (25–28 µs), so that the load generator is not what a bench measures. One request at a time,
 * answers with a Content-Length only, which is all that the servers measured here send.
 */
import { connect } from 'node:net';

export interface HttpConnection {
	/** Posts what is in `body` now; resolves with the status once the answer is in, whole. */
	post(): Promise<number>;
	/** The bytes the next request has as its body: change them in place between two posts. */
	body: Buffer;
	close(): void;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const READ_BYTES = 64 * 1024;

export function openConnection(url: URL, body: Buffer): Promise<HttpConnection> {
	const head = Buffer.from(
		`POST ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
	);
	const request = Buffer.concat([head, body]);
	let answered: ((status: number) => void) | null = null;
	let failed: ((error: Error) => void) | null = null;
	let partial: Buffer | null = null;

	function read(bytes: number, buffer: Uint8Array): boolean {
		const chunk = Buffer.from(buffer.buffer, buffer.byteOffset, bytes);
		const answer = partial ? Buffer.concat([partial, chunk]) : chunk;
		const headEnd = answer.indexOf(HEAD_END);
		if (headEnd < 0 || answer.length < headEnd + HEAD_END.length + contentLength(answer, headEnd)) {
			// The read buffer is used again for what comes next.
			partial = Buffer.from(answer);
			return true;
		}
		partial = null;
		const answeredNow = answered;
		answered = failed = null;
		answeredNow?.(Number(answer.toString('latin1', 9, 12)));
		return true;
	}

	return new Promise((resolve, reject) => {
		const socket = connect({
			host: url.hostname,
			port: Number(url.port),
			noDelay: true,
			onread: { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: read },
		});
		const fail = (error: Error) => {
			reject(error);
			failed?.(error);
			answered = failed = null;
		};
		socket.on('error', fail);
		socket.on('close', () => fail(new Error('The connection was closed.')));
		socket.on('connect', () =>
			resolve({
				body: request.subarray(head.length),
				post: () =>
					new Promise((done, broken) => {
						answered = done;
						failed = broken;
						socket.write(request);
					}),
				close: () => socket.destroy(),
			}),
		);
	});
}

function contentLength(answer: Buffer, headEnd: number): number {
	const [, length] = /\r\ncontent-length: *(\d+)/i.exec(answer.toString('latin1', 0, headEnd)) ?? [];
	if (length === undefined) throw new Error('The answer has no Content-Length.');
	return Number(length);
}
