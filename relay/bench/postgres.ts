import { join } from 'node:path';
import { startPostgres } from '../../test/support/postgres.ts';
import type { TestPostgres } from '../../test/support/postgres.ts';
import { systemClock } from '../src/clock.ts';
import { systemIds } from '../src/ids.ts';
import { mintManagementToken } from '../src/management-token.ts';
import { openPostgresStore } from '../src/store/postgres/index.ts';
import { fill } from './backlog.ts';
import type { LoadResult } from './load.ts';
import { dataFolder, startRelay } from './relay.ts';
import type { RelayProcess } from './relay.ts';
import type { SinkResult } from './sink.ts';
import { median, mustEqual, onEnd, ratioText, start, table, thousands } from './support.ts';

const script = (name: string) => join(import.meta.dirname, name);
const BYTES = 2 * 1024;
/** 64, as in the other bench of ingest, for each of three; one relay has all of them. */
const CONNECTIONS = 3 * 64;
const AT_ONCE = 48;
/** How long everything that waits is not yet due: in this time all relays start. */
const START_MS = 10_000;

const MACHINE = `PostgreSQL, the relays and what
loads them share this machine, so three relays have no more of it than one: what is to be seen is what they cost each other.`;

/** Relays on one database, each with a data folder of its own. */
async function withRelays<T>(
	url: string,
	count: number,
	work: (relays: RelayProcess[]) => Promise<T>,
): Promise<T> {
	const folders = Array.from({ length: count }, dataFolder);
	try {
		const relays = await Promise.all(
			folders.map(({ path }) => startRelay(path, { DATABASE_URL: url, ...KEYS })),
		);
		const result = await work(relays);
		await Promise.all(relays.map((relay) => relay.stop()));
		return result;
	} finally {
		for (const folder of folders) folder.remove();
	}
}

/** What relays on one database share. */
const KEYS = {
	RELAY_TOKEN: mintManagementToken(systemIds),
	RELAY_MASTER_KEY: systemIds.bytes(32).toString('base64'),
	RELAY_SEALING_KEYS: `1 ${systemIds.bytes(32).toString('base64')}`,
};

async function onServer<T>(work: (server: TestPostgres) => Promise<T>): Promise<T> {
	const server = await startPostgres();
	onEnd(() => server.dispose());
	try {
		return await work(server);
	} finally {
		await server.dispose();
	}
}

async function ingestRound(server: TestPostgres, relays: number, seconds: number): Promise<LoadResult> {
	const url = await server.createDatabase();
	const result = await withRelays(url, relays, async (all) => {
		const addresses = all.map(({ ingestUrl }) => ingestUrl).join(',');
		const load = start(script('load.ts'), [addresses, `${CONNECTIONS}`, `${BYTES}`, `${seconds}`]);
		return JSON.parse(await load.line()) as LoadResult;
	});
	const [row] = await server.query<{ n: number }>(
		'SELECT count(*)::integer AS n FROM cleanlist_relay.events',
		url,
	);
	mustEqual('webhooks refused', result.refused, 0);
	mustEqual('webhooks in the database', row!.n, result.accepted + result.warmup);
	return result;
}

/** Durable ingest through one relay and through three on one PostgreSQL. */
export async function benchPostgresIngest(quick: boolean): Promise<string> {
	const [rounds, seconds] = quick ? [1, 3] : [3, 6];
	return onServer(async (server) => {
		const [one, three]: [LoadResult[], LoadResult[]] = [[], []];
		for (let n = 1; n <= rounds; n++) {
			one.push(await ingestRound(server, 1, seconds));
			three.push(await ingestRound(server, 3, seconds));
			console.log(`postgres-ingest, round ${n} of ${rounds}: ${rates(one).at(-1)}, ${rates(three).at(-1)}`);
		}
		const ratios = rates(three).map((rate, n) => rate / rates(one)[n]!);
		const row = (name: string, of: LoadResult[], ratio: string) => [
			name,
			thousands(median(rates(of))),
			median(of.map(({ p50Ms }) => p50Ms)).toFixed(1),
			median(of.map(({ p99Ms }) => p99Ms)).toFixed(1),
			ratio,
		];
		return `## PostgreSQL: ingest through one relay and through three

Webhooks of 2 KiB to whole relays on one PostgreSQL that syncs every commit, over ${CONNECTIONS} keep-alive connections in all from one
process; medians of ${rounds} round${rounds === 1 ? '' : 's'} of ${seconds} s in turn, after 2 s of warm-up. After each round the events in the database are counted: they
are exactly the webhooks that were answered 200. ${MACHINE}

${table(
	['', 'webhooks/s', 'p50 ms', 'p99 ms', 'ratio (range)'],
	[row('one relay', one, ''), row('three relays', three, ratioText(ratios))],
)}

${goal(ratios)}`;
	});
}

const rates = (results: LoadResult[]) => results.map(({ accepted, seconds }) => accepted / seconds);

const goal = (ratios: number[]) =>
	`Goal: three relays no slower than one, a ratio of at least 1. ${median(ratios) >= 1 ? 'Met' : 'Not met'}.`;

/** Everything waits and is not due until all relays have started: the rate is that of the sink, first to last. */
async function deliveryRound(server: TestPostgres, relays: number, events: number): Promise<number> {
	const url = await server.createDatabase();
	const sink = start(script('sink-process.ts'), [String(events)]);
	const address = await sink.line();
	await withRelays(url, 1, ([first]) =>
		first!.api('POST', '/subscriptions', { url: address, concurrency: AT_ONCE }),
	);
	const store = await openPostgresStore({ url, clock: systemClock, ids: systemIds });
	const dueAt = systemClock.now() + START_MS;
	await fill(store, events, BYTES, dueAt);
	await store.close();
	return withRelays(url, relays, async () => {
		if (systemClock.now() > dueAt) throw new Error('The relays took longer to start than the events waited.');
		const result = JSON.parse(await sink.line()) as SinkResult;
		mustEqual('requests at the sink', result.requests, events);
		mustEqual('events at the sink', result.events, events);
		return (events / (result.lastAt - result.firstAt)) * 1000;
	});
}

/** A backlog that goes out through one relay and through three on one PostgreSQL. */
export async function benchPostgresDelivery(quick: boolean): Promise<string> {
	const [rounds, events] = quick ? [1, 5_000] : [3, 5_000];
	return onServer(async (server) => {
		const [one, three]: [number[], number[]] = [[], []];
		for (let n = 1; n <= rounds; n++) {
			one.push(await deliveryRound(server, 1, events));
			three.push(await deliveryRound(server, 3, events));
			console.log(`postgres-delivery, round ${n} of ${rounds}: ${one.at(-1)}, ${three.at(-1)}`);
		}
		const ratios = three.map((rate, n) => rate / one[n]!);
		return `## PostgreSQL: a backlog delivered by one relay and by three

${thousands(events)} webhooks of 2 KiB for one subscription with a concurrency of ${AT_ONCE}, due at once when all relays have started; the sink is a
bare HTTP server on the same machine. First to last request at the sink; medians of ${rounds} round${rounds === 1 ? '' : 's'} in turn. Every event came exactly
once. ${MACHINE}

${table(
	['', 'deliveries/s', 'ratio (range)'],
	[
		['one relay', thousands(median(one)), ''],
		['three relays', thousands(median(three)), ratioText(ratios)],
	],
)}

${goal(ratios)}`;
	});
}
