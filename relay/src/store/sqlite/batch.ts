import type { DatabaseSync } from 'node:sqlite';
import { systemClock } from '../../clock.ts';
import { watchFiles } from '../../sqlite/same-files.ts';
import { StoreError } from '../port.ts';
import type { StoreErrorCode } from '../port.ts';
import { OPERATIONS } from './engine.ts';
import type { Engine, Operations } from './engine.ts';
import { toStoreError } from './errors.ts';
import { MIGRATIONS } from './schema.ts';

/** An operation of the engine, by name; it travels between threads. */
export interface Call {
	name: keyof Operations | 'ping';
	args: readonly unknown[];
}

/** What came of it. */
export type Outcome = { value: unknown } | { error: Failure };

/** A StoreError as it travels. */
export interface Failure {
	code: StoreErrorCode;
	message: string;
	/** What the database said. */
	cause: string | null;
}

/** These need every dedupe key of what came before the batch in its table, not in memory. */
const NEED_ALL_KEYS: ReadonlySet<string> = new Set<Call['name']>(['acceptQuarantined', 'sweep']);

const REPLACED =
	'The database file was deleted or replaced while the relay has it open, so nothing more is kept. Restart the relay.';

const kindOf = ({ name }: Call) => (name === 'ping' ? 'write' : OPERATIONS[name]);

const isRead = (call: Call) => kindOf(call) === 'read';

/** Whether this is a write that may reach the disk later. */
export const isProgress = (call: Call) => kindOf(call) === 'progress';

/**
 * Group commit: runs the writes of a batch in one transaction and answers when it is on disk. One fsync for all of
 * them: 16,380 durable ingests a second against 2,980 with a transaction each, measured over HTTP with 64 connections.
 * Reads see what was committed before.
 *
 * Nearly always every write works, so there is no savepoint around each. When one fails the batch is undone and run
 * again with savepoints, and the bad one fails alone. A failing BEGIN or COMMIT, or a failure at which SQLite gave up
 * the whole transaction (it may at a full disk), fails every write of the batch.
 */
export function createBatchRunner({
	db,
	operations,
	keys,
	numbers,
	targets,
	firstDue,
}: Engine): (calls: Call[]) => Outcome[] {
	// IMMEDIATE: a transaction that began by reading could not be upgraded once another process wrote.
	const begin = db.prepare('BEGIN IMMEDIATE');
	const commit = db.prepare('COMMIT');
	const rollback = db.prepare('ROLLBACK');
	const savepoint = db.prepare('SAVEPOINT operation');
	const release = db.prepare('RELEASE operation');
	const rollbackTo = db.prepare('ROLLBACK TO operation');
	const synchronous = createSynchronous(db);

	const sameFiles = watchFiles(db.location(), systemClock);
	// Whether the disk takes a write is known only by writing. An UPDATE that changes nothing would not: SQLite compares.
	const rewrite = db.prepare(`PRAGMA user_version = ${MIGRATIONS.length}`);

	function perform({ name, args }: Call): Outcome {
		if (name !== 'settle') firstDue.catchUp();
		if (name === 'ping') {
			rewrite.run();
			return { value: undefined };
		}
		const value = (operations[name] as (...args: readonly unknown[]) => unknown)(...args);
		// Any other than these may have changed who wants which events.
		if (name !== 'ingest') targets.forget();
		return { value };
	}

	function performAlone(call: Call): Outcome {
		savepoint.run();
		const mark = keys.mark();
		try {
			const outcome = perform(call);
			firstDue.catchUp();
			release.run();
			return outcome;
		} catch (error) {
			// No transaction any more: SQLite rolled everything back, the operations before this one included.
			if (!db.isTransaction) throw error;
			rollbackTo.run();
			release.run();
			keys.undo(mark);
			numbers.forget();
			targets.forget();
			return failure(error);
		}
	}

	function transaction(writes: Call[], each: (call: Call) => Outcome): Outcome[] {
		numbers.forget();
		targets.forget();
		synchronous(!writes.every(isProgress));
		begin.run();
		try {
			keys.begin();
			const outcomes = writes.map(each);
			firstDue.catchUp();
			commit.run();
			if (!sameFiles()) throw new StoreError('failed', REPLACED);
			return outcomes;
		} catch (error) {
			if (db.isTransaction) {
				rollback.run();
				keys.undo(0);
			} else {
				// Committed, in files that are no longer the same, or undone by SQLite: the database knows.
				keys.forget();
			}
			throw error;
		}
	}

	function write(writes: Call[]): Outcome[] {
		try {
			return transaction(writes, perform);
		} catch (error) {
			if (writes.length === 1) return [failure(error)];
		}
		try {
			return transaction(writes, performAlone);
		} catch (error) {
			return writes.map(() => failure(error));
		}
	}

	function read(call: Call): Outcome {
		try {
			return perform(call);
		} catch (error) {
			return failure(error);
		}
	}

	return (calls) => {
		if (calls.some(({ name }) => NEED_ALL_KEYS.has(name))) {
			try {
				keys.fold();
			} catch (error) {
				return calls.map(() => failure(error));
			}
		}
		const outcomes = calls.map((call) => (isRead(call) ? read(call) : null));
		const writes = calls.filter((call) => !isRead(call));
		const written = (writes.length > 0 ? write(writes) : []).values();
		return outcomes.map((outcome) => outcome ?? written.next().value!);
	};
}

/** Says whether the commits that follow wait for the disk. */
function createSynchronous(db: DatabaseSync): (wait: boolean) => void {
	let waits = true;
	return (wait) => {
		if (wait !== waits) db.exec(`PRAGMA synchronous = ${wait ? 'FULL' : 'NORMAL'}`);
		waits = wait;
	};
}

/** Any failure, ready to travel. */
export function failure(error: unknown): { error: Failure } {
	const { code, message, cause } = toStoreError(error);
	return { error: { code, message, cause: cause instanceof Error ? cause.message : null } };
}
