import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IWebhookFunctions } from 'n8n-workflow';

export type WebhookRequest = ReturnType<IWebhookFunctions['getRequestObject']>;
export type WebhookResponse = ReturnType<IWebhookFunctions['getResponseObject']>;
export type WebhookHandler = (request: WebhookRequest, response: WebhookResponse) => Promise<void>;

/** n8n's default for N8N_PAYLOAD_SIZE_MAX. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

export interface WebhookServer {
	/** Base of webhook URLs, e.g. `http://127.0.0.1:40123/webhook`; the same after `suspend` and `resume`. */
	baseUrl(): Promise<string>;
	/** Serves `METHOD /path` until the returned function is called. */
	register(method: string, path: string, handler: WebhookHandler): () => void;
	/** Refuses connections, like an n8n that is down. */
	suspend(): Promise<void>;
	/** Listens again, on the same port. */
	resume(): Promise<void>;
	close(): Promise<void>;
}

/** n8n's public side: production webhooks, real HTTP on the loopback, n8n's own answer when none is registered. */
export function createWebhookServer(): WebhookServer {
	const handlers = new Map<string, WebhookHandler>();
	let server: Server | undefined;
	let listening: Promise<void> | undefined;
	let port = 0;

	/** Runs that begin at the same time share one server. */
	const listen = () => (listening ??= open());
	async function open() {
		const created = createServer((request, response) => {
			serve(handlers, request, response).catch((error: unknown) => response.destroy(error as Error));
		});
		await new Promise<void>((resolve, reject) => {
			created.once('error', reject).listen(port, '127.0.0.1', resolve);
		});
		port = (created.address() as AddressInfo).port;
		server = created;
	}
	async function stop() {
		await listening;
		const stopping = server;
		if (!stopping) return;
		server = undefined;
		listening = undefined;
		await new Promise((resolve) => {
			stopping.close(resolve);
			stopping.closeAllConnections();
		});
	}

	return {
		async baseUrl() {
			await listen();
			return `http://127.0.0.1:${port}/webhook`;
		},
		register(method, path, handler) {
			const key = `${method} ${path}`;
			if (handlers.has(key)) throw new Error(`The webhook "${key}" is already registered`);
			handlers.set(key, handler);
			return () => handlers.delete(key);
		},
		suspend: stop,
		resume: listen,
		close: stop,
	};
}

async function serve(
	handlers: Map<string, WebhookHandler>,
	incoming: IncomingMessage,
	outgoing: ServerResponse,
): Promise<void> {
	const url = new URL(incoming.url ?? '/', 'http://127.0.0.1');
	const path = url.pathname.replace(/^\/webhook\//, '');
	const response = expressResponse(outgoing);
	const handler = handlers.get(`${incoming.method} ${path}`);
	if (!handler) {
		response.status(404).json({
			code: 404,
			message: `The requested webhook "${incoming.method} ${path}" is not registered.`,
			hint: 'The workflow must be active for a production URL to run successfully.',
		});
		return;
	}

	const body = await readBody(incoming);
	if (!body) {
		response.status(413).json({ code: 413, message: 'request entity too large' });
		return;
	}
	const parsed = parse(body, incoming.headers['content-type']);
	if (!parsed) {
		response.status(422).json({ code: 422, message: 'Failed to parse request body' });
		return;
	}
	const request = Object.assign(incoming, {
		rawBody: body,
		body: parsed.value,
		params: {},
		query: Object.fromEntries(url.searchParams),
		path: url.pathname,
		originalUrl: incoming.url,
	});
	await handler(request, response);
}

async function readBody(incoming: IncomingMessage): Promise<Buffer | null> {
	const chunks: Buffer[] = [];
	let size = 0;
	for await (const chunk of incoming as AsyncIterable<Buffer>) {
		size += chunk.length;
		if (size > MAX_BODY_BYTES) return null;
		chunks.push(chunk);
	}
	return Buffer.concat(chunks);
}

/** JSON is parsed, any other text is kept as it is; null when JSON was announced and isn't. */
function parse(body: Buffer, contentType = ''): { value: unknown } | null {
	if (body.length === 0) return { value: {} };
	const text = body.toString('utf8');
	if (!/^application\/(.+\+)?json\b/.test(contentType)) return { value: text };
	try {
		return { value: JSON.parse(text) };
	} catch {
		return null;
	}
}

/** The part of an express response that nodes use: status, set, send, json, end. */
function expressResponse(outgoing: ServerResponse): WebhookResponse {
	const response = Object.assign(outgoing, {
		status(code: number) {
			outgoing.statusCode = code;
			return response;
		},
		set(name: string, value: string) {
			outgoing.setHeader(name, value);
			return response;
		},
		json(value: unknown) {
			outgoing.setHeader('content-type', 'application/json; charset=utf-8');
			outgoing.end(JSON.stringify(value));
			return response;
		},
		send(value: unknown) {
			if (typeof value !== 'string' && !Buffer.isBuffer(value)) return response.json(value);
			outgoing.end(value);
			return response;
		},
	});
	return response;
}
