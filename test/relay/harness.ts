import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRelay } from '../../relay/src/app.ts';
import type { Relay } from '../../relay/src/app.ts';
import type { Clock } from '../../relay/src/clock.ts';
import { readConfig } from '../../relay/src/config.ts';
import { Problem } from '../../relay/src/contract/relay-api.ts';
import { sha256 } from '../../relay/src/crypto.ts';
import { openDataFolder } from '../../relay/src/data-folder.ts';
import type { Limits } from '../../relay/src/http/limits.ts';
import { relayApi } from '../../relay/src/http/docs/openapi.ts';
import { systemIds } from '../../relay/src/ids.ts';
import { createLogger } from '../../relay/src/log.ts';
import type { TokenScope } from '../../relay/src/store/port.ts';
import { createAnswerCheck } from '../support/described-answers.ts';

/** A relay made of its real parts, in this process, listening on a free port. */
export interface TestRelay {
	relay: Relay;
	url: string;
	port: number;
	/** Its data folder. */
	folder: string;
	ingestUrl: string;
	/** The first token, with the scope admin. */
	token: string;
	/** Of the reference API's demo account. */
	demoKey: string;
	/** Everything logged so far. */
	logs(): string;
	/** Adds a token with these scopes. */
	tokenWith(...scopes: TokenScope[]): Promise<string>;
	/** Calls the management API; `token` null sends none. The answer is held against the relay's description. */
	call(
		method: string,
		path: string,
		options?: { body?: unknown; token?: string | null; headers?: Record<string, string> },
	): Promise<Response>;
	ingest(body: string | Uint8Array<ArrayBuffer>, headers?: Record<string, string>): Promise<Response>;
	close(): Promise<void>;
}

export async function startTestRelay(
	options: {
		env?: Record<string, string>;
		clock?: Clock;
		limits?: Partial<Limits>;
		/** Bytes free on the disk; without it the real ones. */
		free?: () => number;
	} = {},
): Promise<TestRelay> {
	const path = mkdtempSync(join(tmpdir(), 'relay-test-'));
	const config = readConfig({ RELAY_PORT: '0', RELAY_DATA: path, RELAY_REFERENCE: 'off', ...options.env });
	const folder = await openDataFolder(path, systemIds);
	const firstToken = config.token ?? folder.keys.relayToken;
	let logs = '';
	const log = createLogger({
		level: 'trace',
		format: 'json',
		output: { write: (line) => void (logs += line) },
	});
	const relay = await createRelay({
		config,
		keys: folder.keys,
		log,
		...(options.clock && { clock: options.clock }),
		...(options.limits && { limits: options.limits }),
		...(options.free && { free: options.free }),
	});
	await relay.listen();
	const check = createAnswerCheck(relayApi(relay.routes));
	const asDescribed = async (method: string, path: string, response: Response) => {
		expect(await check(method, path, response.clone())).toBeNull();
		return response;
	};
	const { port } = relay.http.server.address() as AddressInfo;
	const url = `http://127.0.0.1:${port}`;
	const ingestUrl = `${url}${new URL(relay.ingestUrl()).pathname}`;

	return {
		relay,
		url,
		port,
		folder: path,
		ingestUrl,
		token: firstToken,
		demoKey: folder.keys.demoKey,
		logs: () => logs,
		async tokenWith(...scopes) {
			const token = `crt_${systemIds.bytes(32).toString('base64url')}`;
			const name = scopes.join('+');
			await relay.store.putToken({
				id: systemIds.uuid(),
				name,
				hash: sha256(token),
				scopes,
				createdAt: 0,
				expiresAt: null,
				lastUsedAt: null,
			});
			return token;
		},
		async call(method, path, { body, token = firstToken, headers } = {}) {
			const response = await fetch(`${url}${path}`, {
				method,
				headers: {
					...(token !== null && { authorization: `Bearer ${token}` }),
					...(body !== undefined && { 'content-type': 'application/json' }),
					...headers,
				},
				...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
			});
			return asDescribed(method, path, response);
		},
		async ingest(body, headers = { 'content-type': 'application/json' }) {
			return asDescribed('POST', ingestUrl, await fetch(ingestUrl, { method: 'POST', body, headers }));
		},
		async close() {
			await relay.close();
			folder.close();
			rmSync(path, { recursive: true });
		},
	};
}

/** Asserts that the answer is a whole problem document of this status and code, and returns it. */
export async function expectProblem(response: Response, status: number, code: string): Promise<Problem> {
	expect(response.headers.get('content-type')).toBe('application/problem+json');
	const problem = Problem.parse(await response.json());
	expect({ status: response.status, code: problem.code }).toEqual({ status, code });
	expect(problem.status).toBe(status);
	expect(problem.type).toBe(`urn:cleanlist-relay:problem:${code}`);
	expect(problem.detail).toMatch(/\.$/);
	expect(problem.fix).toMatch(/\.$/);
	return problem;
}

/** A webhook as Cleanlist posts it, small. */
export const webhook = (workflowId: string, more: Record<string, unknown> = {}): string =>
	JSON.stringify({
		event: 'enrichment.completed',
		workflow_id: workflowId,
		lead_list_id: '0b6cb6de-4a3f-4a0e-8a3a-5d3f1c3e1f00',
		enrichment_type: 'partial',
		status: 'completed',
		summary: { total: 0, successful: 0, failed: 0, emails_found: 0, phones_found: 0 },
		results: [],
		results_limit: 250,
		results_truncated: 0,
		results_endpoint: `/api/v1/public/enrich/status?workflow_id=${workflowId}`,
		completed_at: '2026-01-05T09:00:00.000Z',
		...more,
	});

export interface Received {
	headers: IncomingHttpHeaders;
	body: string;
}

/** A real HTTP server that deliveries go to. */
export interface Receiver {
	url: string;
	port: number;
	received: Received[];
	/** Answers so from now on. */
	respond(answer: Answer): void;
	/** Resolves once `count` requests have come in whole. */
	waitFor(count: number): Promise<void>;
	close(): Promise<void>;
}

type Answer = (response: ServerResponse, request: Received) => unknown;

/** @param answer defaults to an empty 200; one that answers nothing holds the socket */
export async function startReceiver(
	answer: Answer = (response) => response.end(),
	port = 0,
): Promise<Receiver> {
	const received: Received[] = [];
	const waiting = new Set<() => void>();
	const server = createServer((request, response) => {
		let body = '';
		request.setEncoding('utf8').on('data', (text: string) => (body += text));
		request.on('end', () => {
			const whole = { headers: request.headers, body };
			received.push(whole);
			for (const check of [...waiting]) check();
			answer(response, whole);
		});
	});
	await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
	const bound = (server.address() as AddressInfo).port;
	return {
		url: `http://127.0.0.1:${bound}/webhook/n8n`,
		port: bound,
		received,
		respond(next) {
			answer = next;
		},
		waitFor: (count) =>
			new Promise((resolve) => {
				const check = () => {
					if (received.length < count) return;
					waiting.delete(check);
					resolve();
				};
				waiting.add(check);
				check();
			}),
		close: () =>
			new Promise((closed) => {
				server.close(() => closed());
				server.closeAllConnections();
			}),
	};
}
