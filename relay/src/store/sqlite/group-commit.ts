import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../port.ts';
import { toStoreError } from './errors.ts';

export interface GroupCommit {
	/** Runs `operation` inside the next transaction; resolves with its result once that is on disk. */
	write<T>(operation: () => T): Promise<T>;
	/** Commits what is queued now. */
	flush(): void;
}

interface Queued {
	operation: () => unknown;
	resolve: (value: unknown) => void;
	reject: (error: StoreError) => void;
}

/**
 * Group commit: writes queue, one `setImmediate` runs them all in one transaction, and only then are they all
 * answered. One fsync for everything that arrived in a turn of the event loop: 16,380 durable ingests a second
 * against 2,980 with a transaction each, measured over HTTP with 64 connections.
 *
 * Each operation has its own savepoint, so a failing one is undone alone and fails alone. A failing COMMIT, or a
 * failure at which SQLite gave up the whole transaction (it may at a full disk), fails every one of the batch.
 */
export function createGroupCommit(db: DatabaseSync): GroupCommit {
	// IMMEDIATE: a transaction that began by reading could not be upgraded once another process wrote.
	const begin = db.prepare('BEGIN IMMEDIATE');
	const commit = db.prepare('COMMIT');
	const rollback = db.prepare('ROLLBACK');
	const savepoint = db.prepare('SAVEPOINT operation');
	const release = db.prepare('RELEASE operation');
	const rollbackTo = db.prepare('ROLLBACK TO operation');

	let queue: Queued[] = [];

	function runOne({ operation, resolve, reject }: Queued): () => void {
		savepoint.run();
		try {
			const value = operation();
			release.run();
			return () => resolve(value);
		} catch (error) {
			// No transaction any more: SQLite rolled everything back, the operations before this one included.
			if (!db.isTransaction) throw error;
			rollbackTo.run();
			release.run();
			const reason = toStoreError(error);
			return () => reject(reason);
		}
	}

	function flush(): void {
		if (queue.length === 0) return;
		const batch = queue;
		queue = [];
		let answers: (() => void)[];
		try {
			begin.run();
			answers = batch.map(runOne);
			commit.run();
		} catch (error) {
			const reason = toStoreError(error);
			if (db.isOpen && db.isTransaction) rollback.run();
			answers = batch.map(
				({ reject }) =>
					() =>
						reject(reason),
			);
		}
		for (const answer of answers) answer();
	}

	return {
		write<T>(operation: () => T) {
			return new Promise<T>((resolve, reject) => {
				if (!db.isOpen) {
					reject(new StoreError('failed', 'The store is closed.'));
					return;
				}
				if (queue.length === 0) setImmediate(flush);
				queue.push({ operation, resolve: resolve as (value: unknown) => void, reject });
			});
		},
		flush,
	};
}
