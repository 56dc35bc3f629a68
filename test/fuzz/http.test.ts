import { Agent, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { Problem } from '../../relay/src/contract/relay-api.ts';
import { connectRaw, statusesOf } from '../support/raw-http.ts';
import { startPostgres } from '../support/postgres.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { startRelay } from '../support/relay-process.ts';
import type { RelayProcess } from '../support/relay-process.ts';
import { until } from '../support/until.ts';
import { anyBody, anyHeaderValue, anyJson, anyToken, createDice, HEADERS } from './generate.ts';
import type { Dice } from './generate.ts';

/**
 * Whatever is sent to a real relay process over real sockets, it answers: no 5xx but the documented 503, nothing in its
 * log that it did not expect, no crash, and no memory that grows. `npm run test:fuzz` sends 100,000; the seed of a run
 * is in the name of its test, and FUZZ_SEED repeats it.
 */
const CASES = Number(process.env.FUZZ_CASES ?? 3_000);
const SEED = Number(process.env.FUZZ_SEED ?? process.pid * 7919);
/** PostgreSQL's share: what differs from SQLite is what it takes, not how the relay reads. */
const POSTGRES_CASES = Math.min(CASES, 1_500);
const AT_ONCE = 16;
const MIB = 1024 * 1024;

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const;
const PATHS = [
	'sources',
	'subscriptions',
	'events',
	'deliveries',
	'deliveries/redrive',
	'tokens',
	'stats',
	'jobs',
];
const SUFFIXES = ['', '/secret', '/rotate', '/redrive', '/replay', '/cancel', '/body', '/x/y'];
const QUERIES = [
	'limit',
	'cursor',
	'workflow_id',
	'url',
	'state',
	'subscription_id',
	'event_id',
	'__proto__',
];
const PUBLIC = [
	'/',
	'/healthz',
	'/readyz',
	'/metrics',
	'/docs',
	'/docs/openapi.json',
	'/in/',
	'/in/x/y',
	'/api/v2/whoami',
	'/reference',
	'//',
	'/..',
	'/%',
	'/%00',
	'/relay/v1',
];

let relay: RelayProcess;
let postgres: TestPostgres | null = null;
let ingestPath: string;
/** Tokens of every kind, none of which can be rotated or deleted: the first, and what is none. */
let tokens: (string | null)[];
/** Ids the relay gave out, so that routes are also asked for what is there. */
const known: string[] = ['first', 'default'];
let agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

async function start(env: Record<string, string>): Promise<void> {
	agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
	relay = await startRelay({
		env: {
			RELAY_REFERENCE: 'off',
			RELAY_ALLOW: '127.0.0.0/8',
			NODE_OPTIONS: `--import=${join(import.meta.dirname, 'collect-garbage.ts')}`,
			...env,
		},
	});
	const response = await fetch(`${relay.url}/relay/v1/sources`, {
		headers: { authorization: `Bearer ${relay.token}` },
	});
	const { sources } = (await response.json()) as { sources: [{ ingest_url: string }] };
	ingestPath = new URL(sources[0].ingest_url).pathname;
	tokens = [
		relay.token,
		relay.token,
		relay.token,
		null,
		`crt_${'A'.repeat(43)}`,
		`clapi_${'k'.repeat(64)}`,
		'',
	];
}
afterEach(async () => {
	agent.destroy();
	await relay.dispose();
	await postgres?.dispose();
	postgres = null;
});

interface Sent {
	method: string;
	path: string;
	headers: Record<string, string>;
	body: Buffer | null;
}
interface Answer {
	status: number;
	type: string;
	text: string;
}

const anyHeaders = (dice: Dice) =>
	Object.fromEntries(Array.from({ length: dice.below(4) }, () => [dice.pick(HEADERS), anyHeaderValue(dice)]));

const ingest = (dice: Dice): Sent => ({
	method: 'POST',
	path: dice.chance(0.95)
		? ingestPath
		: `/in/${encodeURIComponent(dice.pick([anyToken(dice), dice.text(60).toWellFormed()]))}`,
	headers: anyHeaders(dice),
	body: anyBody(dice),
});

function manage(dice: Dice): Sent {
	const id = dice.chance(0.5) ? dice.pick(known) : encodeURIComponent(dice.text(30).toWellFormed());
	const query = dice.chance(0.4)
		? `?${dice.pick(QUERIES)}=${encodeURIComponent(dice.text(30).toWellFormed())}`
		: '';
	const token = dice.chance(0.8) ? dice.pick(tokens) : anyToken(dice);
	const body = dice.chance(0.5)
		? Buffer.from(JSON.stringify(dice.chance(0.3) ? valid(dice) : anyJson(dice)) ?? '')
		: anyBody(dice);
	return {
		method: dice.pick(METHODS),
		path: dice.chance(0.15)
			? dice.pick(PUBLIC) + query
			: `/relay/v1/${dice.pick(PATHS)}${dice.chance(0.6) ? `/${id}${dice.pick(SUFFIXES)}` : ''}${query}`,
		headers: {
			'content-type': 'application/json',
			...anyHeaders(dice),
			...(token !== null && { authorization: `Bearer ${token}` }),
		},
		body: dice.chance(0.8) ? body : null,
	};
}

/** Requests that do something. Few URLs, where nobody listens: what is delivered there fails and waits. */
const valid = (dice: Dice): unknown =>
	dice.pick([
		{ url: `http://127.0.0.1:2/${dice.below(2)}`, description: dice.text(20) },
		{ url: `http://127.0.0.1:2/${dice.below(2)}`, filter: { status: dice.text(5) } },
		{ name: dice.text(20), scopes: ['read'] },
		{ description: dice.text(10), per_minute: dice.below(100) },
	]);

function send({ method, path, headers, body }: Sent): Promise<Answer> {
	return new Promise((resolve, reject) => {
		const target = new URL(relay.url);
		const request = httpRequest(
			{
				agent,
				host: target.hostname,
				port: target.port,
				method,
				path,
				headers: { ...headers, ...(body && { 'content-length': String(body.length) }) },
			},
			(response) => {
				let text = '';
				response.setEncoding('utf8').on('data', (part: string) => (text += part));
				response.on('error', reject);
				response.on('end', () =>
					resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text }),
				);
			},
		);
		request.setTimeout(20_000, () => request.destroy(new Error(`no answer to ${method} ${path}`)));
		request.on('error', reject);
		request.end(body ?? undefined);
	});
}

/** Says what is wrong with an answer; null: nothing. */
function judge({ method }: Sent, { status, type, text }: Answer): string | null {
	if (status < 400) return null;
	if (method === 'HEAD') return status >= 500 && status !== 503 ? `status ${status}` : null;
	if (type !== 'application/problem+json') return `status ${status} of type ${type}`;
	const problem = Problem.parse(JSON.parse(text));
	if (status >= 500 && !problem.code.startsWith('store_')) return `status ${status}: ${problem.code}`;
	return problem.status === status ? null : `status ${status}, but the problem says ${problem.status}`;
}

async function throughClient(dice: Dice): Promise<string | null> {
	const sent = dice.chance(0.5) ? ingest(dice) : manage(dice);
	// A connection that the relay closed while it was idle is the client's to open again.
	const answer = await send(sent).catch(() => send(sent));
	for (const [, id] of answer.text.matchAll(/"id":"([a-z]{3}_[\w-]+)"/g)) {
		known[known.length < 200 ? known.length : dice.below(200)] = id!;
	}
	const wrong = judge(sent, answer);
	return (
		wrong && `${wrong}: ${JSON.stringify({ ...sent, body: sent.body?.toString('latin1').slice(0, 500) })}`
	);
}

/** A request's bytes with something done to them, and then silence. */
async function throughSocket(dice: Dice): Promise<string | null> {
	const body = anyBody(dice).subarray(0, 2_000);
	const lines = [
		`${dice.pick([...METHODS, 'get', 'TRACE', 'CONNECT', 'PRI', ''])} ${dice.pick([ingestPath, '/healthz', '*', 'http://a/b', '/relay/v1/tokens', dice.text(20)])} HTTP/${dice.pick(['1.1', '1.1', '1.0', '2.0', '9'])}`,
		dice.chance(0.9) ? 'Host: relay' : '',
		`Content-Length: ${dice.chance(0.7) ? body.length : dice.pick(['-1', '0', '99', '1e3', 'x', '18446744073709551616'])}`,
		dice.chance(0.2) ? 'Transfer-Encoding: chunked' : 'X-A: b',
		`${dice.pick(HEADERS)}: ${dice.text(20)}`,
	].filter((line) => line !== '');
	const bytes = Buffer.concat([
		Buffer.from(`${lines.join(dice.chance(0.95) ? '\r\n' : '\n')}\r\n\r\n`, 'latin1'),
		body,
	]);
	for (let n = dice.below(3); n > 0; n--) bytes[dice.below(bytes.length)] = dice.below(256);
	const connection = await connectRaw(Number(new URL(relay.url).port));
	connection.send(bytes);
	// The next request is the proof that the relay has dealt with this one: what has no answer by then waits for more.
	const alive = await send({ method: 'GET', path: '/healthz', headers: {}, body: null });
	await connection.end();
	const bad = statusesOf(connection.received()).filter((status) => status >= 500);
	if (alive.status !== 200)
		return `the relay answers ${alive.status} after ${JSON.stringify(bytes.toString('latin1'))}`;
	return bad.length > 0 ? `status ${bad.join()}: ${JSON.stringify(bytes.toString('latin1'))}` : null;
}

/** Resident memory, and the heap in use after a collection of garbage; in bytes. */
async function memory(): Promise<{ resident: number; heap: number }> {
	const metrics = await send({
		method: 'GET',
		path: '/metrics',
		headers: { authorization: `Bearer ${relay.token}` },
		body: null,
	});
	const heaps = () => [...relay.output().stderr.matchAll(/^heap in use: (\d+)$/gm)];
	const before = heaps().length;
	relay.signal('SIGUSR2');
	await until('garbage was collected', () => heaps().length > before);
	const resident = Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics.text)?.[1]);
	return { resident, heap: Number(heaps().at(-1)?.[1]) };
}

test(`${CASES} requests of any kind leave it standing (FUZZ_SEED=${SEED})`, async () => {
	await start({});
	await fuzz(CASES);
}, 1_200_000);

test(`${POSTGRES_CASES} of them on PostgreSQL (FUZZ_SEED=${SEED})`, async () => {
	postgres = await startPostgres();
	await start({ DATABASE_URL: await postgres.createDatabase() });
	await fuzz(POSTGRES_CASES);
}, 600_000);

async function fuzz(cases: number): Promise<void> {
	const wrong: string[] = [];
	let sent = 0;
	let warm: Awaited<ReturnType<typeof memory>> | null = null;
	const worker = async (number: number) => {
		const dice = createDice(SEED + number);
		while (sent < cases && wrong.length < 5) {
			sent += 1;
			if (sent === Math.floor(cases / 2)) warm = await memory();
			const found = await (dice.chance(0.1) ? throughSocket(dice) : throughClient(dice));
			if (found) wrong.push(found);
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, (_, number) => worker(number)));
	expect(wrong).toEqual([]);
	expect(relay.log.filter(({ msg }) => /request failed|defect|lost/.test(msg))).toEqual([]);

	// Flat: what half of them cost was caches that fill up; a leak of a kilobyte for each request would show.
	expect(warm).not.toBeNull();
	const end = await memory();
	expect(end.resident / MIB).toBeLessThan((warm!.resident / MIB) * 1.2 + 32);
	// What nobody holds on to is gone here, so less is allowed; what waits for a receiver that is not there is in the store.
	expect(end.heap / MIB).toBeLessThan((warm!.heap / MIB) * 1.1 + 8);

	// It is whole: it takes a webhook in, and stops as it should.
	const answer = await send({
		method: 'POST',
		path: ingestPath,
		headers: {},
		body: Buffer.from('{"workflow_id":"last"}'),
	});
	expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('"stored"')]);
	expect(await relay.stop()).toEqual({ code: 0, signal: null });
}
