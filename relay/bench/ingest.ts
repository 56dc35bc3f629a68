import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerResult } from './ingest-server.ts';
import type { LoadResult } from './load.ts';
import { median, metOrNot, mustEqual, ratioText, start, table, thousands } from './support.ts';

const SERVER = join(import.meta.dirname, 'ingest-server.ts');
const LOAD = join(import.meta.dirname, 'load.ts');
const CONNECTIONS = 64;
const SIZES_KIB = [2, 120];
const STORES = ['none', 'sqlite'] as const;
type StoreKind = (typeof STORES)[number];
/** The goal of the project, at 2 KiB. */
const GOAL = 0.75;

interface Round {
	perSecond: number;
	p50Ms: number;
	p99Ms: number;
	/** CPU time of server and load generator for each webhook, in µs. */
	serverUs: number;
	loadUs: number;
}

/** One server, one load, exact accounting: every accepted webhook is on disk, and nothing else. */
async function round(store: StoreKind, kib: number, seconds: number): Promise<Round> {
	const folder = await mkdtemp(join(tmpdir(), 'relay-bench-'));
	try {
		const server = start(SERVER, [store === 'sqlite' ? join(folder, 'relay.sqlite') : 'none']);
		const load = start(LOAD, [await server.line(), String(CONNECTIONS), String(kib * 1024), String(seconds)]);
		const result = JSON.parse(await load.line()) as LoadResult;
		await load.ended;
		server.endInput();
		const { stored, cpuUs } = JSON.parse(await server.line()) as ServerResult;
		await server.ended;
		mustEqual('webhooks refused', result.refused, 0);
		if (store === 'sqlite') mustEqual('webhooks on disk', stored, result.accepted + result.warmup);
		const { accepted, p50Ms, p99Ms } = result;
		return { perSecond: accepted / result.seconds, p50Ms, p99Ms, serverUs: cpuUs, loadUs: result.cpuUs };
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** Rounds of both in turn, so that a machine that slows down slows both. */
async function compare(kib: number, count: number, seconds: number) {
	const rounds: Record<StoreKind, Round[]> = { none: [], sqlite: [] };
	const ratios: number[] = [];
	for (let n = 1; n <= count; n++) {
		// Which comes first in turn, too.
		for (const store of n % 2 === 1 ? STORES : STORES.toReversed()) {
			rounds[store].push(await round(store, kib, seconds));
		}
		ratios.push(rounds.sqlite.at(-1)!.perSecond / rounds.none.at(-1)!.perSecond);
		console.log(`ingest, ${kib} KiB, round ${n} of ${count}: ratio ${ratios.at(-1)?.toFixed(2)}`);
	}
	const row = (name: string, of: Round[], ratio: string) => {
		const medianOf = (key: keyof Round) => median(of.map((each) => each[key]));
		return [
			name,
			thousands(medianOf('perSecond')),
			medianOf('p50Ms').toFixed(1),
			medianOf('p99Ms').toFixed(1),
			medianOf('serverUs').toFixed(0),
			medianOf('loadUs').toFixed(0),
			ratio,
		];
	};
	return {
		ratios,
		rows: [
			row(`${kib} KiB, no store`, rounds.none, ''),
			row(`${kib} KiB, SQLite, on disk before the 2xx`, rounds.sqlite, ratioText(ratios)),
		],
	};
}

/** Durable ingest through HTTP against the same server without storage. */
export async function benchIngest(quick: boolean): Promise<string> {
	const [rounds, seconds] = quick ? [1, 2] : [11, 3];
	const comparisons = [];
	for (const kib of SIZES_KIB) comparisons.push(await compare(kib, rounds, seconds));
	return `## Ingest: durable, against the same server without storage

Webhooks of one size each, every one with a workflow id of its own, over HTTP on ${CONNECTIONS} keep-alive connections from a
second process; medians of ${rounds} round${rounds === 1 ? '' : 's'} of ${seconds} s after 2 s of warm-up. After each round the events on disk are counted: they are
exactly the webhooks that were answered 200. CPU time is that of all threads, warm-up included.

${table(
	[
		'',
		'webhooks/s',
		'p50 ms',
		'p99 ms',
		'server CPU, µs each',
		'load generator CPU, µs each',
		'ratio (range)',
	],
	comparisons.flatMap(({ rows }) => rows),
)}

Goal at 2 KiB: a ratio of at least ${GOAL}. ${metOrNot(comparisons[0]?.ratios ?? [], GOAL)}.`;
}
