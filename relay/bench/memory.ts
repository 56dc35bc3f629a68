import { join } from 'node:path';
import { STORE_FILE } from '../src/data-folder.ts';
import type { LoadResult } from './load.ts';
import { buildRelay, dataFolder, memoryOf, startRelay } from './relay.ts';
import { openSink } from './sink.ts';
import { median, mustEqual, start, storedEvents, table, thousands } from './support.ts';

const LOAD = join(import.meta.dirname, 'load.ts');
const BYTES = 2 * 1024;
/** 100 MB. */
const GOAL_MIB = 95;

/** What stands idle: with the reference API, and after something was asked of that. */
const IDLE: { name: string; env?: NodeJS.ProcessEnv; ask?: string }[] = [
	{ name: 'the relay' },
	{ name: 'with the reference API', env: { RELAY_REFERENCE: 'on' } },
	{ name: 'with the reference API, opened', env: { RELAY_REFERENCE: 'on' }, ask: '/api/v2/whoami' },
];

/**
 * Resident memory of a whole relay as it is published: with nothing to do, and under all the load that 64 connections make.
 */
export async function benchMemory(quick: boolean): Promise<string> {
	const [rounds, idleSeconds, loadSeconds] = quick ? [1, 2, 3] : [5, 10, 15];
	const main = buildRelay();
	const idle = IDLE.map((stands) => ({ ...stands, mib: [] as number[] }));
	for (let n = 1; n <= rounds; n++) {
		for (const { env, ask, mib } of idle) mib.push(await idleMiB({ main, seconds: idleSeconds, env, ask }));
	}
	const load = await underLoad(main, loadSeconds);
	const rows = idle.map(({ name, mib }, i) => [
		name,
		`${median(mib).toFixed(0)} (${Math.min(...mib).toFixed(0)}–${Math.max(...mib).toFixed(0)})`,
		i === 0 ? load.peakMiB.toFixed(0) : '',
	]);
	const met = idle.every(({ ask, mib }) => ask !== undefined || median(mib) < GOAL_MIB);
	return `## Memory

Resident memory of a whole relay on SQLite, as \`npx cleanlist-relay\` runs it: ${idleSeconds} s after its start, median (range) of ${rounds} start${rounds === 1 ? '' : 's'},
and the most while 64 connections send webhooks of 2 KiB (${thousands(load.perSecond)}/s) and the relay delivers them as fast as it can. The
reference API, for trying things out, is there when it is not turned off and nothing but this machine can reach the relay; it is
opened by the first request for it.

${table(['', 'idle, MiB', 'under load, MiB'], rows)}

Goal: the relay idle below 100 MB (${GOAL_MIB} MiB). ${met ? 'Met' : 'Not met'}.`;
}

async function idleMiB(options: {
	main: string;
	seconds: number;
	env: NodeJS.ProcessEnv | undefined;
	ask: string | undefined;
}): Promise<number> {
	const { main, seconds, env, ask } = options;
	const folder = dataFolder();
	try {
		const relay = await startRelay(folder.path, env, main);
		if (ask !== undefined) await (await fetch(new URL(ask, relay.ingestUrl))).text();
		await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
		const { nowMiB } = memoryOf(relay.pid);
		await relay.stop();
		return nowMiB;
	} finally {
		folder.remove();
	}
}

async function underLoad(main: string, forSeconds: number): Promise<{ peakMiB: number; perSecond: number }> {
	const folder = dataFolder();
	const sink = await openSink();
	try {
		const relay = await startRelay(folder.path, undefined, main);
		await relay.api('POST', '/subscriptions', { url: sink.url, concurrency: 32 });
		const load = start(LOAD, [relay.ingestUrl, '64', String(BYTES), String(forSeconds)]);
		const { accepted, warmup, refused, seconds } = JSON.parse(await load.line()) as LoadResult;
		const { peakMiB } = memoryOf(relay.pid);
		await relay.stop();
		mustEqual('webhooks refused', refused, 0);
		mustEqual('webhooks on disk', storedEvents(join(folder.path, STORE_FILE)), accepted + warmup);
		return { peakMiB, perSecond: accepted / seconds };
	} finally {
		await sink.close();
		folder.remove();
	}
}
