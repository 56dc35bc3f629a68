import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
	method: string;
	/** With its query. */
	path: string;
	headers: IncomingHttpHeaders;
	/** Parsed JSON; undefined without a body. */
	body: unknown;
}
/** Answers a request by hand; `nth` counts the requests to this server from 1. */
export type Answer = (response: ServerResponse, request: SeenRequest, nth: number) => void;

export interface ScriptedServer {
	url: string;
	seen: SeenRequest[];
	answer: Answer;
	close(): Promise<void>;
}

export const json =
	(status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
	(response) => {
		response.writeHead(status, { 'content-type': 'application/json', ...headers });
		response.end(status === 204 ? undefined : JSON.stringify(body));
	};

/** Breaks the connection off after the whole request has been read. */
export const reset: Answer = (response) => void response.socket?.resetAndDestroy();

/** One answer after the other; the last one stays. */
export const inTurn =
	(...answers: Answer[]): Answer =>
	(response, request, nth) =>
		answers[Math.min(nth, answers.length) - 1]!(response, request, nth);

/** A server on a real socket that does what the test says, for what the reference API does not do by itself. */
export async function startServer(answer: Answer): Promise<ScriptedServer> {
	const server = createServer((request, response) => void serve(request, response));
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const scripted: ScriptedServer = {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		seen: [],
		answer,
		async close() {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
	return scripted;

	async function serve(request: IncomingMessage, response: ServerResponse) {
		const chunks: Buffer[] = [];
		for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
		const text = Buffer.concat(chunks).toString();
		const seen: SeenRequest = {
			method: request.method ?? '',
			path: request.url ?? '',
			headers: request.headers,
			body: text === '' ? undefined : JSON.parse(text),
		};
		scripted.seen.push(seen);
		scripted.answer(response, seen, scripted.seen.length);
	}
}
