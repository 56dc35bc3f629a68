import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startReceiver } from '../relay/harness.ts';
import { startRelay } from '../support/relay-process.ts';
import { differences, Disk, readTree } from './disk.ts';
import { readTrace } from './trace.ts';
import type { TraceRecord } from './trace.ts';
import { webhookBody } from './webhooks.ts';

/** What SQLite is told about syncing: the relay's own setting, or one of those it must not have. */
export type Synchronous = 'FULL' | 'NORMAL' | 'OFF';

/** What was answered 2xx. */
export interface Acknowledged {
	/** By event id: the number of its webhook. */
	events: ReadonlyMap<string, number>;
	subscriptions: readonly string[];
}

/** A relay's life, recorded from its first file operation to its last. */
export interface Recording {
	records: TraceRecord[];
	/** The disk before it began; apply the records to it one by one. */
	disk: () => Disk;
	/** What an earlier life had acknowledged. */
	before: Acknowledged;
	/** What this one did; the subscriptions before the events. */
	acknowledged: Acknowledged;
}

const NOTHING: Acknowledged = { events: new Map(), subscriptions: [] };

/** Compiles the shim into a folder. */
export function buildShim(folder: string): string {
	const shim = join(folder, 'shim.so');
	const source = join(import.meta.dirname, 'shim.c');
	execFileSync('cc', ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-Werror', '-o', shim, source, '-ldl']);
	return shim;
}

/** A new empty folder, by its real path: the shim compares paths as the process opens them. */
export const emptyFolder = (name: string) => realpathSync(mkdtempSync(join(tmpdir(), `powerloss-${name}-`)));

/** For a file of tests: the shim, compiled once, and new folders; nothing of either is left behind. */
export function useShim(): {
	folder: (name: string) => string;
	record: (options: Omit<Parameters<typeof recordRelay>[0], 'shim'>) => Promise<Recording>;
} {
	const folders: string[] = [];
	const folder = (name: string) => {
		const path = emptyFolder(name);
		folders.push(path);
		return path;
	};
	let shim: string;
	beforeAll(() => {
		shim = buildShim(folder('shim'));
	});
	afterAll(() => {
		for (const path of folders) rmSync(path, { recursive: true });
	});
	return { folder, record: (options) => recordRelay({ shim, ...options }) };
}

/**
 * Runs the relay process under the shim with `webhooks` posted to it over `connections` connections, one receiver
 * that takes every delivery and one that is down, and shuts it down in the end.
 *
 * @param root the watched folder; the data folder is `data` in it
 */
async function recordRelay(options: {
	shim: string;
	root: string;
	synchronous?: Synchronous;
	webhooks: number;
	connections?: number;
	before?: Acknowledged;
}): Promise<Recording> {
	const { shim, root, synchronous = 'FULL', webhooks, connections = 32, before = NOTHING } = options;
	const traceFolder = emptyFolder('trace');
	const trace = join(traceFolder, 'trace');
	const start = readTree(root);
	const receiver = await startReceiver();
	const down = await startReceiver();
	await down.close();
	const relay = await startRelay({
		dataFolder: join(root, 'data'),
		env: {
			RELAY_REFERENCE: 'off',
			LD_PRELOAD: shim,
			POWERLOSS_ROOT: root,
			POWERLOSS_TRACE: trace,
			// libuv could hand file operations to the kernel past the C library.
			UV_USE_IO_URING: '0',
			...(synchronous !== 'FULL' && {
				POWERLOSS_SYNCHRONOUS: synchronous,
				NODE_OPTIONS: `--import=${join(import.meta.dirname, 'weaken.ts')}`,
			}),
		},
	});
	try {
		const subscriptions: string[] = [];
		for (const { url } of webhooks > 0 ? [receiver, down] : []) {
			subscriptions.push(((await relay.api('/subscriptions', { url })) as { id: string }).id);
		}
		const { sources } = (await relay.api('/sources')) as { sources: [{ ingest_url: string }] };
		const events = new Map<string, number>();
		let next = 0;
		const connection = async () => {
			while (next < webhooks) {
				const n = next++;
				const response = await fetch(sources[0].ingest_url, { method: 'POST', body: webhookBody(n) });
				const { event_id } = (await response.json()) as { event_id: string };
				if (response.ok) events.set(event_id, n);
			}
		};
		await Promise.all(Array.from({ length: connections }, connection));
		const exit = await relay.stop();
		if (exit.code !== 0) throw new Error(`The relay ended with ${JSON.stringify(exit)}.`);

		const records = readTrace(readFileSync(trace), root);
		const disk = () => new Disk(start);
		checkAgainstReality(disk(), records, root);
		return { records, disk, before, acknowledged: { events, subscriptions } };
	} finally {
		await relay.dispose();
		await receiver.close();
		rmSync(traceFolder, { recursive: true });
	}
}

/** A model that missed a single write would prove nothing: played to its end, it is the real folder byte by byte. */
function checkAgainstReality(disk: Disk, records: TraceRecord[], root: string): void {
	for (const record of records) disk.apply(record);
	const wrong = differences(disk.now(), readTree(root));
	if (wrong.length > 0) throw new Error(`The model and the disk differ:\n${wrong.join('\n')}`);
}
