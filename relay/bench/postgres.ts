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
/**
 * What goes through before anything is measured, in all: V8 compiles as it runs, and with three relays it has to three
 * times. In the first 20,000 webhooks of a relay the CPU time that each takes falls by a quarter.
 */
const WARM_UP_WEBHOOKS = 60_000;
const WARM_UP_DELIVERIES = 10_000;
/** How long a backlog is not yet due, for it to be there whole when it is. */
const FILL_MS = 5_000;

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

/** A new database, with nothing of the last round left to be written to the disk. */
async function newDatabase(server: TestPostgres): Promise<string> {
	await server.query('CHECKPOINT');
	return server.createDatabase();
}

async function ingestRound(server: TestPostgres, relays: number, seconds: number): Promise<LoadResult> {
	const url = await newDatabase(server);
	const result = await withRelays(url, relays, async (all) => {
		const addresses = all.map(({ ingestUrl }) => ingestUrl).join(',');
		const load = async (...howLong: (string | number)[]) => {
			const sender = start(script('load.ts'), [addresses, CONNECTIONS, BYTES, ...howLong].map(String));
			return JSON.parse(await sender.line()) as LoadResult;
		};
		const warmUp = await load('count', WARM_UP_WEBHOOKS);
		mustEqual('webhooks refused', warmUp.refused, 0);
		return load(seconds);
	});
	const [row] = await server.query<{ n: number }>(
		'SELECT count(*)::integer AS n FROM cleanlist_relay.events',
		url,
	);
	mustEqual('webhooks refused', result.refused, 0);
	mustEqual('webhooks in the database', row!.n, WARM_UP_WEBHOOKS + result.accepted + result.warmup);
	return result;
}

/** Durable ingest through one relay and through three on one PostgreSQL. */
export async function benchPostgresIngest(quick: boolean): Promise<string> {
	const [rounds, seconds] = quick ? [1, 3] : [5, 4];
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
process; medians of ${rounds} round${rounds === 1 ? '' : 's'} of ${seconds} s in turn, after ${thousands(WARM_UP_WEBHOOKS)} webhooks and 2 s of warm-up. After each round the events in the
database are counted: they are exactly the webhooks that were answered 200. ${MACHINE}

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

/** A backlog that falls due once it is there whole, and all relays have run warm: the rate is that of the sink, first to last. */
async function deliveryRound(server: TestPostgres, relays: number, events: number): Promise<number> {
	const url = await newDatabase(server);
	return withRelays(url, relays, async ([first]) => {
		const store = await openPostgresStore({ url, clock: systemClock, ids: systemIds });
		const deliver = async (count: number, dueAt?: number) => {
			const sink = start(script('sink-process.ts'), [String(count)]);
			const settings = { url: await sink.line(), concurrency: AT_ONCE };
			const { id } = (await first!.api('POST', '/subscriptions', settings)) as { id: string };
			await fill(store, count, BYTES, dueAt);
			if (dueAt !== undefined && systemClock.now() > dueAt)
				throw new Error('The backlog fell due too early.');
			const result = JSON.parse(await sink.line()) as SinkResult;
			mustEqual('requests at the sink', result.requests, count);
			mustEqual('events at the sink', result.events, count);
			await store.deleteSubscription(id);
			return result;
		};
		await deliver(WARM_UP_DELIVERIES);
		const { firstAt, lastAt } = await deliver(events, systemClock.now() + FILL_MS);
		await store.close();
		return (events / (lastAt - firstAt)) * 1000;
	});
}

/** A backlog that goes out through one relay and through three on one PostgreSQL. */
export async function benchPostgresDelivery(quick: boolean): Promise<string> {
	const [rounds, events] = quick ? [1, 5_000] : [5, 10_000];
	return onServer(async (server) => {
		const [one, three]: [number[], number[]] = [[], []];
		for (let n = 1; n <= rounds; n++) {
			one.push(await deliveryRound(server, 1, events));
			three.push(await deliveryRound(server, 3, events));
			console.log(`postgres-delivery, round ${n} of ${rounds}: ${one.at(-1)}, ${three.at(-1)}`);
		}
		const ratios = three.map((rate, n) => rate / one[n]!);
		return `## PostgreSQL: a backlog delivered by one relay and by three

${thousands(events)} webhooks of 2 KiB for one subscription with a concurrency of ${AT_ONCE}, due at once when all of them wait and ${thousands(WARM_UP_DELIVERIES)} others
have been delivered to warm up; the sink is a bare HTTP server on the same machine. First to last request at the sink; medians
of ${rounds} round${rounds === 1 ? '' : 's'} in turn. Every event came exactly once. ${MACHINE}

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
