/** What every bench needs: processes to measure, accounting, and figures to print. */
import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';

/** A process that takes part in a bench, speaking one line at a time. */
export interface BenchProcess {
	pid: number;
	/** The next line it prints. */
	line(): Promise<string>;
	/** Ends its standard input, which asks it to finish. */
	endInput(): void;
	/** SIGKILL: it finishes nothing. */
	kill: () => Promise<void>;
	/** Resolves when it has ended well; rejects when it has not, unless it was killed. */
	ended: Promise<void>;
}

const cleanups = new Set<() => Promise<void>>();

/** Has something ended should the bench fail half-way. Ending it twice must do no harm. */
export const onEnd = (cleanup: () => Promise<void>): void => void cleanups.add(cleanup);

/** Starts a script of ours in a process of its own, with the Node that runs this. */
export function start(script: string, args: string[] = [], env?: NodeJS.ProcessEnv): BenchProcess {
	const child = spawn(process.execPath, [script, ...args], {
		stdio: ['pipe', 'pipe', 'inherit'],
		...(env && { env: { ...process.env, ...env } }),
	});
	const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
	let killed = false;
	const ended = new Promise<void>((resolve, reject) => {
		child.on('error', reject);
		child.on('exit', (code) => {
			if (code === 0 || killed) resolve();
			else reject(new Error(`${script} ended with ${code}`));
		});
	});
	// Whoever waits for a line hears of the failure too; a rejection nobody awaits would end the bench unexplained.
	ended.catch(() => undefined);
	const self: BenchProcess = {
		pid: child.pid ?? -1,
		ended,
		endInput: () => child.stdin.end(),
		async line() {
			const next = await lines.next();
			if (next.done) throw new Error(`${script} ended without an answer`);
			return next.value;
		},
		async kill() {
			killed = true;
			child.kill('SIGKILL');
			await ended;
		},
	};
	onEnd(self.kill);
	return self;
}

/** Ends what a bench that failed has left running. */
export async function killAll(): Promise<void> {
	await Promise.all([...cleanups].map((cleanup) => cleanup()));
}

export function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
	return ((low ?? NaN) + (high ?? NaN)) / 2;
}

/** The value that this share of the values (0.99: p99) does not exceed. */
export function percentile(values: ArrayLike<number>, share: number): number {
	const sorted = Float64Array.from(values).sort();
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

const shown = (ratio: number): string => ratio.toFixed(ratio >= 20 ? 0 : 2);

/** `**0.78** (0.75–0.80)`: the median and the range. */
export const ratioText = (ratios: readonly number[]): string =>
	`**${shown(median(ratios))}** (${shown(Math.min(...ratios))}–${shown(Math.max(...ratios))})`;

/** Whether a goal is met, by the median as it is shown: what comes behind its two digits is chance. */
export const metOrNot = (ratios: readonly number[], goal: number): 'Met' | 'Not met' =>
	Number(shown(median(ratios))) >= goal ? 'Met' : 'Not met';

export const thousands = (value: number): string => Math.round(value).toLocaleString('en');

/** A table of Markdown. */
export const table = (head: string[], rows: string[][]): string =>
	[head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** The line that says who measured, when and on what. */
export const writtenBy = (command: string): string =>
	`Written by \`${command}\` on ${new Date().toISOString().slice(0, 10)}; do not edit. Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}.`;

/** Fails the bench: a figure without exact accounting is none. */
export function mustEqual(what: string, found: number, expected: number): void {
	if (found !== expected) throw new Error(`${what}: ${found}, where ${expected} were expected`);
}

/** Events in the SQLite file of a relay that has ended. */
export function storedEvents(path: string): number {
	const db = new DatabaseSync(path, { readOnly: true });
	try {
		return (db.prepare('SELECT count(*) AS n FROM events').get() as { n: number }).n;
	} finally {
		db.close();
	}
}
