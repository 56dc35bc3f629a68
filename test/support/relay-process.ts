import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const MAIN = resolve(import.meta.dirname, '../../relay/src/main.ts');

/** One structured log line of the relay. */
export interface LogLine {
	level: number;
	/** Milliseconds since the epoch. */
	time: number;
	msg: string;
	[field: string]: unknown;
}

export interface Exit {
	code: number | null;
	signal: NodeJS.Signals | null;
}

export interface RelayOptions {
	/** An existing folder to start on; without it a temporary one is made, and removed by `dispose`. */
	dataFolder?: string;
	/** More environment, e.g. `{ RELAY_REFERENCE: 'off' }`; wins over the defaults here. `undefined` unsets. */
	env?: Record<string, string | undefined>;
	/** Command line arguments. */
	args?: string[];
	/** Folder the process runs in. */
	cwd?: string;
}

/** A relay process that may or may not come up. */
export interface SpawnedRelay {
	readonly pid: number;
	readonly dataFolder: string;
	/** Every structured log line so far, oldest first. */
	readonly log: readonly LogLine[];
	/** Everything printed so far. */
	output(): { stdout: string; stderr: string };
	/** Calls `listener` for each log line from now on; returns the unsubscription. */
	onLine(listener: (line: LogLine) => void): () => void;
	/**
	 * The first log line that matches, past ones included. Rejects when the process ends without one; it has no
	 * time limit of its own.
	 */
	waitFor(match: string | ((line: LogLine) => boolean)): Promise<LogLine>;
	/** Resolves once this text is on standard error, which is read apart from the log and may lag behind it. */
	waitForScreen(text: string): Promise<void>;
	/** Resolves when the process has ended and its output has been read to the end. */
	readonly exited: Promise<Exit>;
	signal(signal: NodeJS.Signals): void;
	/** Ctrl-C, then waits for the end. */
	stop(): Promise<Exit>;
	/** SIGKILL, then waits for the end: what a power cut looks like to the files, short of the disk's cache. */
	kill(): Promise<Exit>;
	/** Kills what still runs and removes the folder, if it was made here. */
	dispose(): Promise<void>;
}

/** A relay process that has said it is ready. */
export interface RelayProcess extends SpawnedRelay {
	/** Base URL, e.g. `http://127.0.0.1:40123`. */
	readonly url: string;
	/** Base URL of the reference API; null when it is off. */
	readonly referenceUrl: string | null;
	/** The management token, `crt_…`. */
	readonly token: string;
	/** The demo key of the reference API, `clapi_…`. */
	readonly demoKey: string;
	/**
	 * Asks the management API with the token: a GET, or a POST of `body` as JSON.
	 *
	 * @param path what comes behind `/relay/v1`
	 * @throws Error with what it said when it is not a 2xx
	 */
	api(path: string, body?: unknown): Promise<unknown>;
}

/** Runs `relay/src/main.ts` on port 0 with JSON logs, and does not wait for anything. */
export function spawnRelay(options: RelayOptions = {}): SpawnedRelay {
	const dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), 'cleanlist-relay-'));
	const child = spawn(process.execPath, [MAIN, ...(options.args ?? [])], {
		cwd: options.cwd,
		env: {
			...withoutRelaySettings(process.env),
			RELAY_PORT: '0',
			RELAY_DATA: dataFolder,
			RELAY_LOG_FORMAT: 'json',
			...options.env,
		},
		stdio: ['ignore', 'pipe', 'pipe'],
	});

	const log: LogLine[] = [];
	const listeners = new Set<(line: LogLine) => void>();
	const printed = { stdout: '', stderr: '' };
	let unread = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		printed.stdout += text;
		const lines = (unread + text).split('\n');
		unread = lines.pop() ?? '';
		for (const line of lines.map(parseLine)) {
			if (!line) continue;
			log.push(line);
			for (const listener of [...listeners]) listener(line);
		}
	});
	child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));

	const exited = new Promise<Exit>((resolveExit, reject) => {
		child.once('error', reject);
		child.once('close', (code, signal) => resolveExit({ code, signal }));
	});
	const running = () => child.exitCode === null && child.signalCode === null;
	const end = (signal: NodeJS.Signals) => {
		if (running()) child.kill(signal);
		return exited;
	};

	return {
		pid: child.pid ?? -1,
		dataFolder,
		log,
		output: () => ({ ...printed }),
		onLine(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		waitFor(match) {
			const matches = typeof match === 'string' ? (line: LogLine) => line.msg === match : match;
			const past = log.find(matches);
			if (past) return Promise.resolve(past);
			return new Promise((found, reject) => {
				const listener = (line: LogLine) => {
					if (!matches(line)) return;
					listeners.delete(listener);
					found(line);
				};
				listeners.add(listener);
				exited.then(
					({ code, signal }) =>
						reject(
							new Error(
								`The relay ended (${signal ?? code}) before the awaited log line.\n${printed.stderr}${printed.stdout}`,
							),
						),
					reject,
				);
			});
		},
		waitForScreen: (text) =>
			new Promise((shown) => {
				const check = () => {
					if (!printed.stderr.includes(text)) return;
					child.stderr.off('data', check);
					shown();
				};
				child.stderr.on('data', check);
				check();
			}),
		exited,
		signal: (signal) => child.kill(signal),
		stop: () => end('SIGINT'),
		kill: () => end('SIGKILL'),
		async dispose() {
			await end('SIGKILL');
			if (options.dataFolder === undefined) rmSync(dataFolder, { recursive: true, force: true });
		},
	};
}

/** Runs `relay/src/main.ts` and resolves once it is ready; rejects with what it printed when it ends instead. */
export async function startRelay(options: RelayOptions = {}): Promise<RelayProcess> {
	const relay = spawnRelay(options);
	try {
		const ready = await relay.waitFor('ready');
		await relay.waitForScreen(String(ready.url));
		const key = (name: string) => readFileSync(join(relay.dataFolder, 'keys', name), 'utf8').trim();
		const url = String(ready.url);
		const token = options.env?.RELAY_TOKEN ?? key('relay-token');
		return {
			...relay,
			url,
			referenceUrl: typeof ready.reference_url === 'string' ? ready.reference_url : null,
			token,
			demoKey: key('demo-key'),
			async api(path, body) {
				const response = await fetch(`${url}/relay/v1${path}`, {
					method: body === undefined ? 'GET' : 'POST',
					headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
					...(body !== undefined && { body: JSON.stringify(body) }),
				});
				if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
				return response.json();
			},
		};
	} catch (error) {
		await relay.dispose();
		throw error;
	}
}

function withoutRelaySettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
	return Object.fromEntries(
		Object.entries(env).filter(([name]) => !name.startsWith('RELAY_') && name !== 'DATABASE_URL'),
	);
}

function parseLine(text: string): LogLine | null {
	try {
		return JSON.parse(text) as LogLine;
	} catch {
		return null;
	}
}
