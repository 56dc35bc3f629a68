import { join } from 'node:path';
import { startPostgres } from '../../test/support/postgres.ts';
import type { TestPostgres } from '../../test/support/postgres.ts';
import { systemClock } from '../src/clock.ts';
import { systemIds } from '../src/ids.ts';
import { mintManagementToken } from '../src/management-token.ts';
import { openPostgresStore } from '../src/store/postgres/index.ts';
import type { AlternateResult } from './alternate.ts';
import { fill } from './backlog.ts';
import type { LoadResult } from './load.ts';
import { dataFolder, startRelay } from './relay.ts';
import type { RelayProcess } from './relay.ts';
import type { SinkResult } from './sink.ts';
import { median, metOrNot, mustEqual, onEnd, ratioText, start, table, thousands } from './support.ts';

const script = (name: string) => join(import.meta.dirname, name);
const BYTES = 2 * 1024;
const RELAYS = 3;
/** 64, as in the other bench of ingest, for each of three; one relay has all of them. */
const CONNECTIONS = RELAYS * 64;
const AT_ONCE = 48;
/**
 * What goes through each relay before anything is measured: V8 compiles as it runs. In the first 20,000 webhooks of a relay
 * the CPU time that each takes falls by a quarter.
 */
const WARM_UP_WEBHOOKS = 30_000;
const WARM_UP_BACKLOGS = 5;
/** So many that it does not matter who has them first: when the relays go on each asks at once, and has its timers to catch up with. */
const DELIVERIES = 6_000;
/** One and three take turns so short because the machine changes within seconds more than they differ. */
const SLICE_MS = 500;
/** Until what a relay has begun is written, when the last delivery has come. */
const AT_REST_MS = 300;

const MACHINE = `The three
relays run from the beginning to the end, on one database, warm; where one is measured the others do nothing. PostgreSQL, the
relays and what loads them share this machine, so three relays have no more of it than one: what is to be seen is what they
cost each other.`;

/**
 * A server of 2 GiB, by the rule of PostgreSQL's manual: with the 64 MB that the tests give it, whoever stores webhooks writes other
 * pages out to make room, a fifth of its time. And no cleaning up or checkpoint, which would fall into some round.
 */
const SETTINGS = {
	shared_buffers: '512MB',
	autovacuum: 'off',
	max_wal_size: '16GB',
	checkpoint_timeout: '1h',
};

/** Relays on one new database, each with a data folder of its own. */
async function withRelays<T>(
	work: (url: string, server: TestPostgres, relays: RelayProcess[]) => Promise<T>,
): Promise<T> {
	const server = await startPostgres(SETTINGS);
	onEnd(() => server.dispose());
	const folders = Array.from({ length: RELAYS }, dataFolder);
	try {
		const url = await server.createDatabase();
		const relays = await Promise.all(
			folders.map(({ path }) => startRelay(path, { DATABASE_URL: url, ...KEYS })),
		);
		const result = await work(url, server, relays);
		await Promise.all(relays.map((relay) => relay.stop()));
		return result;
	} finally {
		await server.dispose();
		for (const folder of folders) folder.remove();
	}
}

/** What else is to be written or cleared away is, now: not at some time in one of the rounds. */
async function atRest(server: TestPostgres, url: string): Promise<void> {
	await server.query('VACUUM ANALYZE', url);
	await server.query('CHECKPOINT', url);
}

/** What relays on one database share. */
const KEYS = {
	RELAY_TOKEN: mintManagementToken(systemIds),
	RELAY_MASTER_KEY: systemIds.bytes(32).toString('base64'),
	RELAY_SEALING_KEYS: `1 ${systemIds.bytes(32).toString('base64')}`,
};

/** Durable ingest through one relay and through three on one PostgreSQL. */
export async function benchPostgresIngest(quick: boolean): Promise<string> {
	const rounds = quick ? 4 : 120;
	return withRelays(async (url, server, relays) => {
		const load = async <Result>(name: string, ...args: (string | number)[]) =>
			JSON.parse(await start(script(name), args.map(String)).line()) as Result;
		let stored = 0;
		const account = async (results: { accepted: number; refused: number }[]) => {
			for (const { accepted, refused } of results) {
				mustEqual('webhooks refused', refused, 0);
				stored += accepted;
			}
			const [row] = await server.query<{ n: number }>(
				'SELECT count(*)::integer AS n FROM cleanlist_relay.events',
				url,
			);
			mustEqual('webhooks in the database', row!.n, stored);
		};
		const urls = relays.map(({ ingestUrl }) => ingestUrl);
		for (const one of urls) {
			await account([await load<LoadResult>('load.ts', one, CONNECTIONS, BYTES, 'count', WARM_UP_WEBHOOKS)]);
		}
		await atRest(server, url);
		const groups = `${urls[0]};${urls.join(',')}`;
		const results = await load<[AlternateResult, AlternateResult]>(
			'alternate.ts',
			groups,
			CONNECTIONS,
			BYTES,
			rounds,
			SLICE_MS,
		);
		await account(results);
		const [one, three] = results;
		const ratios = three.rates.map((rate, n) => rate / one.rates[n]!);
		const row = (name: string, { rates, p50Ms, p99Ms }: AlternateResult, ratio: string) => [
			name,
			thousands(median(rates)),
			p50Ms.toFixed(1),
			p99Ms.toFixed(1),
			ratio,
		];
		return `## PostgreSQL: ingest through one relay and through three

Webhooks of 2 KiB to whole relays on one PostgreSQL that syncs every commit, over ${CONNECTIONS} keep-alive connections from one
process to one relay, or as many to three; medians of ${rounds} rounds, ${SLICE_MS} ms of each in turn, after ${thousands(WARM_UP_WEBHOOKS)} webhooks through
each relay. The events in the database are counted: they are exactly the webhooks that were answered 200. ${MACHINE}

${table(
	['', 'webhooks/s', 'p50 ms', 'p99 ms', 'ratio (range)'],
	[row('one relay', one, ''), row('three relays', three, ratioText(ratios))],
)}

${goal(ratios)}`;
	});
}

const goal = (ratios: number[]) =>
	`Goal: three relays no slower than one, a ratio of at least 1. ${metOrNot(ratios, 1)}.`;

/** Backlogs that go out through one relay and through three on one PostgreSQL. */
export async function benchPostgresDelivery(quick: boolean): Promise<string> {
	const [rounds, events] = quick ? [2, 2_000] : [24, DELIVERIES];
	return withRelays(async (url, server, relays) => {
		const store = await openPostgresStore({ url, clock: systemClock, ids: systemIds });
		/** One backlog after the other, each for those relays. @returns the rate of each, first to last at its sink */
		const deliver = async (by: RelayProcess[][]) => {
			const sinks = start(script('sink-process.ts'), [events, by.length].map(String));
			const urls = (await sinks.line()).split(',');
			const filterOf = (sink: string) => ({ lead_list_id: sink });
			for (const sink of urls) {
				const subscription = { url: sink, filter: filterOf(sink), concurrency: AT_ONCE };
				await relays[0]!.api('POST', '/subscriptions', subscription);
			}
			const rates: number[] = [];
			for (const [n, own] of by.entries()) {
				for (const relay of relays) relay.pause();
				await fill(store, events, BYTES, filterOf(urls[n]!));
				await atRest(server, url);
				for (const relay of own) relay.resume();
				const { requests, events: came, firstAt, lastAt } = JSON.parse(await sinks.line()) as SinkResult;
				await new Promise((resolve) => setTimeout(resolve, AT_REST_MS));
				mustEqual('requests at the sink', requests, events);
				mustEqual('events at the sink', came, events);
				rates.push((events / (lastAt - firstAt)) * 1000);
			}
			for (const relay of relays) relay.resume();
			for (const { id } of await store.listSubscriptions()) await store.deleteSubscription(id);
			return rates;
		};
		const each = relays.map((relay) => [relay]);
		await deliver(Array.from({ length: WARM_UP_BACKLOGS }, () => each).flat());
		// In turn, and which comes first in turn: the machine changes within seconds more than they differ.
		const turns = Array.from({ length: rounds }, (_, n) => {
			const single = each[n % RELAYS]!;
			return n % 2 === 0 ? [single, relays] : [relays, single];
		}).flat();
		const rates = await deliver(turns);
		await store.close();
		const ratesOf = (count: number) => rates.filter((_, n) => turns[n]!.length === count);
		const [one, three] = [ratesOf(1), ratesOf(RELAYS)];
		const ratios = three.map((rate, n) => rate / one[n]!);
		for (let n = 0; n < rounds; n++) {
			console.log(`postgres-delivery, round ${n + 1} of ${rounds}: ${one[n]}, ${three[n]}`);
		}
		return `## PostgreSQL: a backlog delivered by one relay and by three

${thousands(events)} webhooks of 2 KiB for one subscription with a concurrency of ${AT_ONCE}, all of them due when the relays go on, after ${WARM_UP_BACKLOGS} such
backlogs through each relay; the sink is a bare HTTP server on the same machine. First to last request at the sink; medians of ${rounds} round${rounds === 1 ? '' : 's'}
in turn, in which each of the three is the one in turn. Every event came exactly once. ${MACHINE} Which of the
three a subscription's deliveries go through is not shared out: whoever asks first has all that it may have under way, and asks again
when half of them are answered, so mostly one works and two look on.

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
