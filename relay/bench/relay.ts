import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { onEnd } from './support.ts';

const RELAY = join(import.meta.dirname, '..');
const MAIN = join(RELAY, 'src/main.ts');

/** Builds the relay as it is published. Returns its program, for `startRelay`: TypeScript alone takes 30 MiB of memory. */
export function buildRelay(): string {
	execFileSync('npm', ['run', 'build'], { cwd: RELAY, stdio: ['ignore', 'ignore', 'inherit'] });
	return join(RELAY, 'dist/main.js');
}

/** A whole relay in a process of its own. */
export interface RelayProcess {
	pid: number;
	ingestUrl: string;
	/** When the process was started, by performance.now(). */
	startedAt: number;
	/** Calls the management API and answers with its JSON. */
	api(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown>;
	/** SIGSTOP and SIGCONT: in between it does nothing at all. */
	pause(): void;
	resume(): void;
	/** SIGTERM: it finishes what it has begun. */
	stop(): Promise<void>;
	/** SIGKILL. */
	kill(): Promise<void>;
}

/** A data folder, removed by `remove`. */
export function dataFolder(): { path: string; remove: () => void } {
	const path = mkdtempSync(join(tmpdir(), 'relay-bench-'));
	return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/**
 * Starts a relay on the folder, with its usual settings and log; resolves once it is ready.
 *
 * @param main its program; by default the source, as `npm start` runs it
 */
export async function startRelay(
	folder: string,
	env: NodeJS.ProcessEnv = {},
	main = MAIN,
): Promise<RelayProcess> {
	const port = await freePort();
	const startedAt = performance.now();
	const child = spawn(process.execPath, [main], {
		env: {
			...process.env,
			RELAY_DATA: folder,
			RELAY_PORT: String(port),
			RELAY_REFERENCE: 'off',
			RELAY_LOG_FORMAT: 'json',
			...env,
		},
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	let said = '';
	child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
	const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
	const end = async (signal: NodeJS.Signals) => {
		child.kill(signal);
		await exited;
	};
	onEnd(() => end('SIGKILL'));

	const origin = `http://127.0.0.1:${port}`;
	while (!(await isReady(origin))) {
		if (child.exitCode !== null) throw new Error(`The relay did not start.\n${said}`);
		await new Promise((resolve) => setTimeout(resolve, 2));
	}
	const token = env.RELAY_TOKEN ?? readFileSync(join(folder, 'keys/relay-token'), 'utf8').trim();
	const api: RelayProcess['api'] = async (method, path, body) => {
		const answer = await request(`${origin}/relay/v1${path}`, {
			method,
			headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
			body: body === undefined ? null : JSON.stringify(body),
		});
		const text = await answer.body.text();
		if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
		return JSON.parse(text) as unknown;
	};
	const { sources } = (await api('GET', '/sources')) as { sources: { ingest_url: string }[] };
	return {
		pid: child.pid ?? -1,
		ingestUrl: sources[0]?.ingest_url ?? '',
		startedAt,
		api,
		pause: () => void child.kill('SIGSTOP'),
		resume: () => void child.kill('SIGCONT'),
		stop: () => end('SIGTERM'),
		kill: () => end('SIGKILL'),
	};
}

async function isReady(origin: string): Promise<boolean> {
	try {
		const { statusCode, body } = await request(`${origin}/readyz`);
		await body.dump();
		return statusCode === 200;
	} catch {
		return false;
	}
}

/** Nobody else is told of it, so it is still free when the relay takes it. */
function freePort(): Promise<number> {
	return new Promise((resolve) => {
		const server = createServer().listen(0, '127.0.0.1', () => {
			const { port } = server.address() as AddressInfo;
			server.close(() => resolve(port));
		});
	});
}

/** Memory of a process that is in use now, and the most that ever was, in MiB (Linux). */
export function memoryOf(pid: number): { nowMiB: number; peakMiB: number } {
	const status = readFileSync(`/proc/${pid}/status`, 'utf8');
	const mib = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? NaN) / 1024;
	return { nowMiB: mib('VmRSS'), peakMiB: mib('VmHWM') };
}
