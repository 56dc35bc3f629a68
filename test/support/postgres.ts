import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { installPostgres } from './postgres-binaries.ts';
import { until } from './until.ts';

/** A real PostgreSQL of its own, on loopback, in a temporary folder, with everything that makes it durable left on. */
export interface TestPostgres {
	readonly port: number;
	/** Makes a new, empty database and resolves with its URL. */
	createDatabase(): Promise<string>;
	/** The URL of a database, there or not. */
	url(database: string): string;
	/** Runs SQL as the superuser, in the database `postgres` or the one of this URL. */
	query<Row>(sql: string, url?: string): Promise<Row[]>;
	/** Starts again after `stop` or `kill`, on the same port; more server settings if given. */
	start(settings?: Settings): Promise<void>;
	/** Shuts down, ending every session; `immediate` leaves crash recovery to the next start. */
	stop(how?: 'fast' | 'immediate'): Promise<void>;
	/** SIGKILL to the server; its sessions die with it. */
	kill(): Promise<void>;
	/**
	 * Makes a standby that streams from this one, a server of its own on a copy of the data, and starts it. To be asked for
	 * while nothing is going on. What is committed here from then on is on its disk too (synchronous replication).
	 *
	 * @param options.port that it reaches this one by, of a proxy for example
	 * @param options.synchronous false: commits here do not wait for it
	 */
	standby(options?: { port?: number; synchronous?: boolean }): Promise<TestPostgres>;
	/** What the server wrote to its log, the last of it. */
	log(): string;
	/** Ends it and removes its folder. */
	dispose(): Promise<void>;
}

/** As in postgresql.conf. */
export type Settings = Record<string, string>;

const USER = 'relay';
/** With characters that a URL has to escape. */
export const TEST_PASSWORD = 'p@ss:word/?#%';

const DEFAULTS: Settings = {
	listen_addresses: '127.0.0.1',
	unix_socket_directories: '',
	fsync: 'on',
	full_page_writes: 'on',
	synchronous_commit: 'on',
	shared_buffers: '64MB',
	max_connections: '60',
};

/** A server must answer within this; a slow machine replays its WAL first. */
const START_LIMIT_MS = 60_000;

/**
 * Makes a cluster and starts it.
 *
 * @param place where its data is to lie, a folder that `unprivilegedAccount` may write to; by default in a temporary one
 */
export async function startPostgres(settings: Settings = {}, place?: string): Promise<TestPostgres> {
	const account = unprivilegedAccount();
	const folder = temporaryFolder(account);
	const server = createServerIn(folder, account, settings, place);
	try {
		await server.init();
		await server.start();
		return server;
	} catch (error) {
		await server.dispose();
		throw error;
	}
}

function temporaryFolder(account: Account | null): string {
	const folder = mkdtempSync(join(tmpdir(), 'relay-postgres-'));
	if (account) chownSync(folder, account.uid, account.gid);
	return folder;
}

interface Account {
	uid: number;
	gid: number;
}

/** The name that a standby is known under to its primary. */
const STANDBY = 'standby';

function createServerIn(
	folder: string,
	account: Account | null,
	settings: Settings,
	place = folder,
): TestPostgres & { init(): Promise<void> } {
	let bin = '';
	const data = join(place, 'data');
	const as = account ?? {};
	const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
	let port = 0;
	let child: ChildProcess | null = null;
	let guard: ChildProcess | null = null;
	let log = '';
	let databases = 0;

	const url = (database: string) =>
		`postgres://${USER}:${encodeURIComponent(TEST_PASSWORD)}@127.0.0.1:${port}/${database}`;

	const query = <Row>(sql: string, target = url('postgres')): Promise<Row[]> =>
		onOneConnection(target, async (client) => (await client.query(sql)).rows as Row[]);

	/** @returns false when it ended before it was ready */
	async function launch(more: Settings): Promise<boolean> {
		bin ||= installPostgres(join(folder, 'install'));
		const options = Object.entries({ ...DEFAULTS, ...settings, ...more }).flatMap(([name, value]) => [
			'-c',
			`${name}=${value}`,
		]);
		const started = spawn(join(bin, 'postgres'), ['-D', data, '-p', String(port), ...options], {
			...as,
			env,
			stdio: ['ignore', 'ignore', 'pipe'],
		});
		let heard = '';
		const ready = await new Promise<boolean>((resolve, reject) => {
			const limit = setTimeout(() => reject(new Error(`PostgreSQL did not start:\n${log}`)), START_LIMIT_MS);
			const answer = (value: boolean) => {
				clearTimeout(limit);
				resolve(value);
			};
			started.once('error', reject).once('exit', () => answer(false));
			started.stderr.setEncoding('utf8').on('data', (text: string) => {
				log = (log + text).slice(-100_000);
				heard = (heard + text).slice(-10_000);
				if (/ready to accept (read-only )?connections/.test(heard)) answer(true);
			});
		});
		if (!ready) return false;
		child = started;
		guard = watchOver(started, account);
		return true;
	}

	/** A base backup by hand: the tool for it is not among the binaries. */
	async function copyData(to: string): Promise<void> {
		await onOneConnection(url('postgres'), async (client) => {
			await client.query("SELECT pg_backup_start('standby', true)");
			const { status, stderr } = spawnSync('cp', ['-a', data, to], { ...as, encoding: 'utf8' });
			if (status !== 0) throw new Error(`The data could not be copied:\n${stderr}`);
			const { rows } = await client.query<{ labelfile: string }>(
				'SELECT labelfile FROM pg_backup_stop(false)',
			);
			rmSync(join(to, 'postmaster.pid'));
			for (const [name, text] of [
				['backup_label', rows[0]?.labelfile ?? ''],
				['standby.signal', ''],
			] as const) {
				writeFileSync(join(to, name), text);
				if (account) chownSync(join(to, name), account.uid, account.gid);
			}
		});
	}

	async function end(signal: NodeJS.Signals): Promise<void> {
		const running = child;
		child = null;
		guard?.kill('SIGKILL');
		if (running?.exitCode !== null || running.signalCode !== null) return;
		const exited = once(running, 'exit');
		running.kill(signal);
		await exited;
	}

	return {
		get port() {
			return port;
		},
		async init() {
			bin ||= installPostgres(join(folder, 'install'));
			const passwordFile = join(folder, 'password');
			writeFileSync(passwordFile, TEST_PASSWORD);
			if (account) chownSync(passwordFile, account.uid, account.gid);
			// No sync of what initdb makes: a power cut is not survived by a test anyhow.
			const { status, stderr, error } = spawnSync(
				join(bin, 'initdb'),
				[
					...['--pgdata', data, '--username', USER, '--pwfile', passwordFile, '--auth', 'scram-sha-256'],
					...['--encoding', 'UTF8', '--no-locale', '--no-sync'],
				],
				{ ...as, env, encoding: 'utf8' },
			);
			if (status !== 0) throw error ?? new Error(`initdb failed:\n${stderr}`);
		},
		async start(more: Settings = {}) {
			// A port that was free may be taken by now; after a kill, the old sessions may still be about to end.
			for (let tries = 1; ; tries++) {
				if (databases === 0) port = await freePort();
				if (await launch(more)) return;
				if (tries === 20) throw new Error(`PostgreSQL did not start:\n${log}`);
				await new Promise((resolve) => setTimeout(resolve, 100));
			}
		},
		async createDatabase() {
			const name = `relay_${++databases}`;
			await query(`CREATE DATABASE ${name}`);
			return url(name);
		},
		url,
		query,
		stop: (how: 'fast' | 'immediate' = 'fast') => end(how === 'fast' ? 'SIGINT' : 'SIGQUIT'),
		kill: () => end('SIGKILL'),
		async standby({ port: primary = port, synchronous = true } = {}) {
			const place = temporaryFolder(account);
			const options = `host=127.0.0.1 port=${primary} user=${USER} password='${TEST_PASSWORD}' application_name=${STANDBY}`;
			const made = createServerIn(place, account, { ...settings, primary_conninfo: options });
			try {
				await copyData(join(place, 'data'));
				await made.start();
				if (synchronous) await query(`ALTER SYSTEM SET synchronous_standby_names = '${STANDBY}'`);
				await query('SELECT pg_reload_conf()');
				await until('the standby follows', async () => {
					const [row] = await query<{ state: string; sync_state: string }>(
						'SELECT state, sync_state FROM pg_stat_replication',
					);
					return row?.state === 'streaming' && row.sync_state === (synchronous ? 'sync' : 'async');
				});
				return made;
			} catch (error) {
				await made.dispose();
				throw error;
			}
		},
		log: () => log,
		async dispose() {
			await end('SIGQUIT');
			rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
		},
	};
}

async function onOneConnection<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
	const client = new Client({ connectionString: url });
	// What breaks it reaches whoever waits for an answer; without a listener it would fail whatever test runs just then.
	client.on('error', () => undefined);
	await client.connect();
	try {
		return await work(client);
	} finally {
		await client.end();
	}
}

/** PostgreSQL refuses to run as root: the account to run it as, null when this one will do. */
export function unprivilegedAccount(): Account | null {
	if (userInfo().uid !== 0) return null;
	for (const name of ['postgres', 'nobody']) {
		const [uid, gid] = ['-u', '-g'].map((flag) =>
			Number.parseInt(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout, 10),
		) as [number, number];
		if (Number.isInteger(uid) && Number.isInteger(gid)) return { uid, gid };
	}
	throw new Error(
		'PostgreSQL can not run as root, and there is no user "postgres" or "nobody" to run it as.',
	);
}

/** Ends the server when this process is gone without having done so: its end of the pipe closes then. */
function watchOver(server: ChildProcess, account: Account | null): ChildProcess | null {
	if (!existsSync('/bin/sh')) return null;
	const script = 'read -r _; kill -QUIT "$1"';
	return spawn('/bin/sh', ['-c', script, 'guard', String(server.pid)], {
		...account,
		stdio: ['pipe', 'ignore', 'ignore'],
	});
}

async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
	const { port } = server.address() as AddressInfo;
	await new Promise((closed) => server.close(closed));
	return port;
}
