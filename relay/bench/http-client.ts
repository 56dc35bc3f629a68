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

const HEAD_END = '\r\n\r\n';
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
	const requestHead = Buffer.from(
		`POST ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
	);
	const request = Buffer.concat([requestHead, body]);
	let answered: ((status: number) => void) | null = null;
	let failed: ((error: Error) => void) | null = null;
	/** What came of an answer so far, a character for each byte. */
	let answer = '';
	/** Nearly all answers begin alike, with a new date once a second. */
	let head: Head | null = null;
	let lastBody = '';
	/** The server closes a connection after so many requests; the next one goes over another. */
	let over = false;
	const buffer = Buffer.allocUnsafeSlow(READ_BYTES);

	function read(bytes: number): boolean {
		answer += buffer.toString('latin1', 0, bytes);
		const headEnd = answer.indexOf(HEAD_END);
		if (headEnd < 0) return true;
		if (head?.text.length !== headEnd || !answer.startsWith(head.text)) {
			head = readHead(answer.slice(0, headEnd));
		}
		const bodyAt = headEnd + HEAD_END.length;
		if (answer.length < bodyAt + head.length) return true;
		over = head.last;
		if (keepAnswers) lastBody = Buffer.from(answer.slice(bodyAt), 'latin1').toString('utf8');
		answer = '';
		const done = answered;
		answered = failed = null;
		done?.(head.status);
		return true;
	}

	function open(): Promise<Socket> {
		return new Promise((resolve, reject) => {
			const opened = connect({
				host: url.hostname,
				port: Number(url.port),
				noDelay: true,
				onread: { buffer, callback: read },
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

	const send = () =>
		new Promise<number>((done, broken) => {
			answered = done;
			failed = broken;
			socket?.write(request);
		});

	async function sendOnAnother(): Promise<number> {
		socket?.destroy();
		socket = await open();
		over = false;
		return send();
	}

	return {
		body: request.subarray(requestHead.length),
		post: () => (over ? sendOnAnother() : send()),
		answer: () => lastBody,
		close: () => socket?.destroy(),
	};
}

interface Head {
	text: string;
	status: number;
	/** Of the body. */
	length: number;
	/** Whether the connection is closed behind it. */
	last: boolean;
}

function readHead(text: string): Head {
	const [, length] = /\r\ncontent-length: *(\d+)/i.exec(text) ?? [];
	if (length === undefined) throw new Error('The answer has no Content-Length.');
	const last = /\r\nconnection: *close/i.test(text);
	return { text, status: Number(text.slice(9, 12)), length: Number(length), last };
}
