import { request as httpRequest } from 'node:http';
import { fastify } from 'fastify';
import { pino } from 'pino';
import type { SteeringAccess } from '../../../relay/src/reference/control/guard.ts';
import { openReference } from '../../../relay/src/reference/index.ts';
import type { NewAccount, Reference, ReferenceOptions } from '../../../relay/src/reference/index.ts';
import { systemIds } from '../../../relay/src/ids.ts';
import { createTestClock } from '../../support/test-clock.ts';
import type { TestClock } from '../../support/test-clock.ts';
import type { Json } from '../harness.ts';

export interface Answer {
	status: number;
	headers: Record<string, string | string[] | undefined>;
	/** As it came. */
	text: string;
	body: Json;
}

export interface Steered {
	reference: Reference;
	/** The real clock's stand-in, below the one that is steered. */
	base: TestClock;
	baseUrl: string;
	/** A request with nothing added to it but what is given. */
	send(
		method: string,
		path: string,
		options?: { body?: unknown; headers?: Record<string, string> },
	): Promise<Answer>;
	/** A request with a key. */
	as(key: string): (method: string, path: string, body?: unknown) => Promise<Answer>;
	account(account?: Partial<NewAccount>): Promise<{ key: string }>;
	close(): Promise<void>;
}

/** The reference API with its control surface on a real socket, over a clock that stands still. */
export async function startSteered(
	options: Partial<ReferenceOptions> & { access?: SteeringAccess } = {},
): Promise<Steered> {
	const { access = 'loopback', ...rest } = options;
	const base = (options.clock as TestClock | undefined) ?? createTestClock();
	const reference = await openReference({
		path: ':memory:',
		clock: base,
		ids: systemIds,
		limits: 'off',
		log: pino({ level: 'silent' }),
		...rest,
	});
	const app = fastify({ forceCloseConnections: true });
	await app.register(reference.routes);
	await app.register(reference.controlRoutes(access));
	const baseUrl = await app.listen({ host: '127.0.0.1', port: 0 });
	reference.start();

	const send: Steered['send'] = (method, path, { body, headers = {} } = {}) =>
		new Promise((resolve, reject) => {
			const bytes = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
			const sent = httpRequest(
				baseUrl + path,
				{
					method,
					agent: false,
					headers: {
						...(bytes === null
							? {}
							: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }),
						...headers,
					},
				},
				(response) => {
					const chunks: Buffer[] = [];
					response.on('data', (chunk: Buffer) => chunks.push(chunk));
					response.on('error', reject);
					response.on('end', () => {
						const text = Buffer.concat(chunks).toString();
						let parsed: Json;
						try {
							parsed = JSON.parse(text);
						} catch {
							parsed = undefined;
						}
						resolve({ status: response.statusCode!, headers: response.headers, text, body: parsed });
					});
				},
			);
			sent.on('error', reject);
			sent.end(bytes ?? undefined);
		});

	return {
		reference,
		base,
		baseUrl,
		send,
		as: (key) => (method, path, body) =>
			send(method, path, { body, headers: { authorization: `Bearer ${key}` } }),
		account: (account = {}) => reference.createAccount({ name: 'Ada', credits: 100_000, ...account }),
		async close() {
			await app.close();
			await reference.stop();
		},
	};
}

export interface Told {
	id: number | null;
	event: string;
	data: Json;
}

/** Follows the live feed; `next` resolves with the next event of that kind. */
export async function follow(baseUrl: string, headers: Record<string, string> = {}) {
	const stop = new AbortController();
	const response = await fetch(`${baseUrl}/reference/events`, { headers, signal: stop.signal });
	const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
	let text = '';
	const told: Told[] = [];
	const readOn = async (): Promise<boolean> => {
		const { value, done } = await reader.read();
		if (done) return false;
		text += value;
		for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
			const block = text.slice(0, end).split('\n');
			text = text.slice(end + 2);
			const field = (name: string) =>
				block.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
			const data = field('data');
			if (data !== undefined) {
				const id = field('id');
				told.push({
					id: id === undefined ? null : Number(id),
					event: field('event')!,
					data: JSON.parse(data),
				});
			}
		}
		return true;
	};
	return {
		response,
		told,
		async next(event: string): Promise<Told> {
			for (;;) {
				const index = told.findIndex((one) => one.event === event);
				if (index >= 0) return told.splice(0, index + 1).at(-1)!;
				if (!(await readOn())) throw new Error(`The feed ended before a ${event} event.`);
			}
		},
		/** Resolves when the server has ended the stream. */
		async ended(): Promise<void> {
			while (await readOn());
		},
		close: () => stop.abort(),
	};
}
