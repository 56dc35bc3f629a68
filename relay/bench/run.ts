/**
 * `npm run bench`: measures, compares within the same run, and writes its section of docs/benchmarks.md.
 *
 *   npm run bench                 the full run
 *   npm run bench -- --quick      short rounds, prints only: for trying things
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LoadResult } from './load.ts';
import { writeSection } from './page.ts';

const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 1 : 3;
const SECONDS = quick ? 2 : 3;
const CONNECTIONS = 64;
/** The goal of the project, at 2 KiB. */
const GOAL = 0.75;

interface Round {
	perSecond: number;
	p50Ms: number;
	p99Ms: number;
}

/** One server, one load, exact accounting: every accepted webhook is on disk, and nothing else. */
async function ingestRound(store: 'sqlite' | 'none', bytes: number): Promise<Round> {
	const folder = await mkdtemp(join(tmpdir(), 'relay-bench-'));
	try {
		const path = store === 'sqlite' ? join(folder, 'relay.sqlite') : 'none';
		const server = start('ingest-server.ts', [path]);
		const url = await server.line();
		const load = start('load.ts', [url, String(CONNECTIONS), String(bytes), String(SECONDS)]);
		const result = JSON.parse(await load.line()) as LoadResult;
		await load.ended;
		server.endInput();
		const stored = Number(await server.line());
		await server.ended;
		const accepted = result.accepted + result.warmup;
		if (result.refused > 0) throw new Error(`${result.refused} webhooks were refused`);
		if (store === 'sqlite' && stored !== accepted) {
			throw new Error(`${accepted} webhooks were accepted and ${stored} are on disk`);
		}
		return { perSecond: result.accepted / result.seconds, p50Ms: result.p50Ms, p99Ms: result.p99Ms };
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

function start(script: string, args: string[]) {
	const child = spawn(process.execPath, [join(import.meta.dirname, script), ...args], {
		stdio: ['pipe', 'pipe', 'inherit'],
	});
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	const ended = new Promise<void>((resolve, reject) => {
		child.on('error', reject);
		child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${script} ended with ${code}`))));
	});
	return {
		ended,
		endInput: () => child.stdin.end(),
		async line(): Promise<string> {
			const next = await lines.next();
			if (next.done) throw new Error(`${script} ended without an answer`);
			return next.value;
		},
	};
}

const median = (values: number[]): number => {
	const sorted = values.toSorted((a, b) => a - b);
	return sorted[Math.floor(sorted.length / 2)] ?? NaN;
};
const medianOf = (rounds: Round[], key: keyof Round) => median(rounds.map((round) => round[key]));
const spread = (values: number[]) => `${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)}`;

/** Rounds of both in turn, so that a machine that slows down slows both. */
async function compareIngest(bytes: number) {
	const durable: Round[] = [];
	const bare: Round[] = [];
	for (let round = 1; round <= ROUNDS; round++) {
		bare.push(await ingestRound('none', bytes));
		durable.push(await ingestRound('sqlite', bytes));
		const ratio = (durable.at(-1)?.perSecond ?? NaN) / (bare.at(-1)?.perSecond ?? NaN);
		console.log(`ingest, ${bytes / 1024} KiB, round ${round} of ${ROUNDS}: ratio ${ratio.toFixed(2)}`);
	}
	const ratios = durable.map((round, i) => round.perSecond / (bare[i]?.perSecond ?? NaN));
	return { bytes, durable, bare, ratio: median(ratios), ratios };
}

const sizes = [2 * 1024, 120 * 1024];
const comparisons = [];
for (const bytes of sizes) comparisons.push(await compareIngest(bytes));

const row = (name: string, rounds: Round[], ratio: string) =>
	`| ${name} | ${Math.round(medianOf(rounds, 'perSecond')).toLocaleString('en')} | ${medianOf(rounds, 'p50Ms').toFixed(1)} | ${medianOf(rounds, 'p99Ms').toFixed(1)} | ${ratio} |`;
const rows = comparisons.flatMap(({ bytes, durable, bare, ratio, ratios }) => [
	row(`${bytes / 1024} KiB, no store`, bare, ''),
	row(
		`${bytes / 1024} KiB, SQLite, on disk before the 2xx`,
		durable,
		`**${ratio.toFixed(2)}** (${spread(ratios)})`,
	),
]);
const at2KiB = comparisons[0]?.ratio ?? NaN;
const report = `## Ingest: durable, against the same server without storage

Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}; do not edit. Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}.

Webhooks of one size each, every one with a workflow id of its own, over HTTP on ${CONNECTIONS} keep-alive connections from a
second process; medians of ${ROUNDS} rounds of ${SECONDS} s after 2 s of warm-up. After each round the events on disk are counted: they are
exactly the webhooks that were answered 200.

| | webhooks/s | p50 ms | p99 ms | ratio (range) |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

Goal at 2 KiB: a ratio of at least ${GOAL}. ${at2KiB >= GOAL ? 'Met' : 'Not met'}.
`;
console.log(`\n${report}`);
if (!quick) console.log(`Written to ${await writeSection('bench', report)}`);
