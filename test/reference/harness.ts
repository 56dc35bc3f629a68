import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { pino } from 'pino';
import { systemIds } from '../../relay/src/ids.ts';
import { openReference } from '../../relay/src/reference/index.ts';
import type { Account, NewAccount, Reference, ReferenceOptions } from '../../relay/src/reference/index.ts';
import { createTestClock } from '../support/test-clock.ts';
import type { TestClock } from '../support/test-clock.ts';

/** JSON of a shape that the test asserts on. */
export type Json = ReturnType<JSON['parse']>;

export interface Reply {
	status: number;
	headers: Headers;
	body: Json;
}

export interface Client extends Account {
	/** `path` holds its prefix; an object as `body` is sent as JSON, a string as it is. */
	call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
	get(path: string): Promise<Reply>;
	/** Submits contacts and returns the answer's body. */
	submit(contacts: object[], options?: object): Promise<Json>;
}

export interface Harness {
	reference: Reference;
	clock: TestClock;
	baseUrl: string;
	/** Everything logged so far. */
	logged(): string;
	/** A new account with every scope on the pro plan, unless told otherwise. */
	client(account?: Partial<NewAccount>): Promise<Client>;
	/** A client with this key, or with none. */
	withKey(account: Account | null): Client;
	close(): Promise<void>;
}

/** The reference API on a real socket, with a clock that stands still and rate limits off unless told otherwise. */
export async function startReference(options: Partial<ReferenceOptions> = {}): Promise<Harness> {
	const clock = (options.clock as TestClock | undefined) ?? createTestClock();
	let log = '';
	const reference = await openReference({
		path: ':memory:',
		clock,
		ids: systemIds,
		limits: 'off',
		log: pino({ level: 'trace' }, { write: (line: string) => void (log += line) }),
		...options,
	});
	const app = fastify({ forceCloseConnections: true });
	await app.register(reference.routes);
	const baseUrl = await app.listen({ host: '127.0.0.1', port: 0 });
	reference.start();

	const withKey = (account: Account | null): Client => {
		const call: Client['call'] = async (method, path, body, headers = {}) => {
			const response = await fetch(baseUrl + path, {
				method,
				headers: {
					...(account ? { authorization: `Bearer ${account.key}` } : {}),
					...(body === undefined ? {} : { 'content-type': 'application/json' }),
					...headers,
				},
				...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
			});
			return { status: response.status, headers: response.headers, body: await response.json() };
		};
		return {
			...(account ?? { key: '', sessionToken: '', organizationId: '', userId: '' }),
			call,
			get: (path) => call('GET', path),
			async submit(contacts, more = {}) {
				const reply = await call('POST', '/api/v1/public/enrich/bulk', { contacts, ...more });
				if (reply.status !== 200) throw new Error(`${reply.status} ${JSON.stringify(reply.body)}`);
				return reply.body;
			},
		};
	};

	return {
		reference,
		clock,
		baseUrl,
		logged: () => log,
		client: async (account = {}) =>
			withKey(await reference.createAccount({ name: 'Ada', credits: 100_000, ...account })),
		withKey,
		async close() {
			await app.close();
			await reference.stop();
		},
	};
}

export interface Received {
	headers: IncomingMessage['headers'];
	body: Json;
}

export type Behaviour = (response: ServerResponse, nth: number) => void;

export const answer =
	(status: number): Behaviour =>
	(response) =>
		response.writeHead(status).end();

/** A webhook receiver whose behaviour can be changed between requests. */
export async function startReceiver(behaviour: Behaviour = answer(200)) {
	const received: Received[] = [];
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			received.push({ headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) });
			receiver.behave(response, received.length);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const receiver = {
		behave: behaviour,
		received,
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in/secret-token`,
		async close() {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
	return receiver;
}

/** Lets real I/O go on until `done`; the test's own time-out ends a wait in vain. */
export async function until(done: () => boolean | Promise<boolean>): Promise<void> {
	while (!(await done())) await new Promise((resolve) => setImmediate(resolve));
}

/** Contacts the rule accepts, all different. */
export const contacts = (count: number, from = 0) =>
	Array.from({ length: count }, (_, index) => ({
		first_name: `First${from + index}`,
		last_name: 'Last',
		company_name: 'Acme',
	}));

/** Every page of a cursor walk, flattened. */
export async function walk(client: Client, path: string, field: string, between = async () => {}) {
	const rows: Json[] = [];
	let cursor: string | null = null;
	do {
		const separator = path.includes('?') ? '&' : '?';
		const reply = await client.get(cursor ? `${path}${separator}cursor=${cursor}` : path);
		if (reply.status !== 200) throw new Error(`${reply.status} ${JSON.stringify(reply.body)}`);
		rows.push(...reply.body[field]);
		cursor = reply.body.cursor as string | null;
		await between();
	} while (cursor);
	return rows;
}
