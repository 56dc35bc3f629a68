/**
 * Preloaded into the relay's own, unchanged process: kills it (SIGKILL) at one named point of its work. What happens
 * when is seen at the border of the process: the statements it gives to SQLite and PostgreSQL, and the diagnostics
 * channels of its HTTP client.
 *
 * CRASH_POINT: the point. CRASH_ARMED: a file; the point counts only while it is there, so that the start and the
 * first events are left alone. CRASH_CLOCK_MS: how far the process's clock is ahead. CRASH_SOON: what is to happen in
 * five minutes or more, such as retention, happens as soon as that is there.
 */
import { subscribe } from 'node:diagnostics_channel';
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { isMainThread } from 'node:worker_threads';
import type { Client } from 'pg';

const { CRASH_POINT = '', CRASH_ARMED = '', CRASH_CLOCK_MS = '0' } = process.env;

function reached(point: string): void {
	if (point === CRASH_POINT && existsSync(CRASH_ARMED)) process.kill(process.pid, 'SIGKILL');
}

const realNow = Date.now.bind(Date);
Date.now = () => realNow() + Number(CRASH_CLOCK_MS);

const LONG_MS = 5 * 60_000;
const SOON_MS = 100;
if (process.env.CRASH_SOON) {
	const realSetTimeout = globalThis.setTimeout;
	const sooner = (callback: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): NodeJS.Timeout => {
		if (ms < LONG_MS) return realSetTimeout(callback, ms, ...args);
		const onceArmed = () => (existsSync(CRASH_ARMED) ? callback(...args) : sooner(onceArmed, LONG_MS));
		return realSetTimeout(onceArmed, SOON_MS);
	};
	globalThis.setTimeout = Object.assign(sooner, realSetTimeout) as typeof setTimeout;
}

/** What a statement of the relay does, for those a crash is interesting at. */
const SQLITE_STEPS: Record<string, RegExp> = {
	event: /^\s*INSERT INTO events\b/,
	claim: /^\s*UPDATE OR FAIL deliveries SET state = 'leased'/,
	checkpoint: /^PRAGMA wal_checkpoint\(PASSIVE\)/,
	settlement: /^\s*UPDATE OR FAIL deliveries SET state = \?, due_at = \?, scheduled/,
	release: /^\s*UPDATE deliveries SET state = 'ready', due_at = \?\s+WHERE id = \? AND state = 'leased'/,
	sweep: /^\s*DELETE FROM events\b/,
};
const POSTGRES_STEPS: Record<string, string> = {
	'store events': 'event',
	claim: 'claim',
	settle: 'settlement',
	release: 'release',
	sweep: 'sweep',
};

/** The steps of one open transaction, so that its COMMIT is known for what it commits. */
class Transaction {
	private readonly steps = new Set<string>();

	before(sql: string, step: string | undefined): void {
		if (/^BEGIN/i.test(sql)) {
			this.steps.clear();
			reached('transaction: before it begins');
		} else if (/^COMMIT/i.test(sql)) for (const done of this.steps) reached(`${done}: before COMMIT`);
		else if (step) reached(`${step}: before it is written`);
	}

	/** It is on its way, and COMMIT may follow before it is answered. */
	sent(step: string): void {
		this.steps.add(step);
	}

	after(sql: string, step: string | undefined): void {
		if (/^COMMIT/i.test(sql)) {
			for (const done of this.steps) reached(`${done}: after COMMIT`);
			this.steps.clear();
		} else if (step) {
			this.steps.add(step);
			reached(`${step}: written, not committed`);
		}
	}
}

function watchSqlite(): void {
	const transaction = new Transaction();
	const stepOf = (sql: string) => Object.keys(SQLITE_STEPS).find((step) => SQLITE_STEPS[step]?.test(sql));
	function run(sql: string, call: () => unknown): unknown {
		transaction.before(sql, stepOf(sql));
		const result = call();
		transaction.after(sql, stepOf(sql));
		return result;
	}
	for (const method of ['run', 'get', 'all'] as const) {
		const original = StatementSync.prototype[method] as (...args: unknown[]) => unknown;
		StatementSync.prototype[method] = function (this: StatementSync, ...args: unknown[]) {
			return run(this.sourceSQL, () => original.apply(this, args)) as never;
		};
	}
	const exec = DatabaseSync.prototype.exec;
	DatabaseSync.prototype.exec = function (sql) {
		run(sql, () => exec.call(this, sql));
	};
}

/** A statement outside BEGIN and COMMIT is a transaction of its own: sent, it may be committed before it is answered. */
function watchPostgres(): void {
	const require = createRequire(new URL('../../relay/src/app.ts', import.meta.url));
	const { Client: PgClient } = require('pg') as { Client: { prototype: Client } };
	const open = new WeakMap<Client, Transaction>();
	const original = PgClient.prototype.query as (this: Client, ...args: unknown[]) => unknown;
	function query(this: Client, ...args: unknown[]): unknown {
		const [first] = args as [string | { name?: string; text?: string } | undefined];
		const sql = typeof first === 'string' ? first : (first?.text ?? '');
		const step = typeof first === 'object' ? POSTGRES_STEPS[first.name ?? ''] : undefined;
		if (/^BEGIN/.test(sql)) open.set(this, new Transaction());
		const transaction = open.get(this);
		(transaction ?? new Transaction()).before(sql, step);
		const result = original.apply(this, args);
		if (step) {
			transaction?.sent(step);
			reached(`${step}: sent`);
		}
		if (/^(COMMIT|ROLLBACK)/.test(sql)) open.delete(this);
		if (!(result instanceof Promise)) return result;
		return result.then((rows: unknown) => {
			if (transaction) transaction.after(sql, step);
			else if (step) reached(`${step}: after COMMIT`);
			return rows;
		});
	}
	PgClient.prototype.query = query as Client['query'];
}

/**
 * The log is copied into the database's file inside one call of SQLite, in the store's thread. Only that writes to this
 * file, so as soon as it has changed the main thread, which goes on meanwhile, ends the process in the middle of it.
 */
function watchCheckpoints(file: string): void {
	const changed = () => statSync(file, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? 0n;
	let before: bigint | null = null;
	const look = () => {
		if (existsSync(CRASH_ARMED)) {
			before ??= changed();
			if (changed() !== before) reached(MID_CHECKPOINT);
		}
		setImmediate(look);
	};
	look();
}
const MID_CHECKPOINT = 'checkpoint: some of it copied';

if (isMainThread && CRASH_POINT === MID_CHECKPOINT) {
	watchCheckpoints(`${process.env.RELAY_DATA}/relay.sqlite`);
}
watchSqlite();
watchPostgres();
subscribe('undici:request:create', () => reached('attempt: before the request'));
subscribe('undici:request:bodySent', () => reached('attempt: after the request was sent'));
subscribe('undici:request:headers', () => reached('attempt: after the receiver answered'));
