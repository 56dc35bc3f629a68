import type { DatabaseSync } from 'node:sqlite';

/**
 * When the write-ahead log is copied back into the database file, by its bytes that are not there yet. While few wait
 * for it, early, because then it is short: a few ms, while one of 32 MiB takes 30 and more. When many do, late: pages
 * that many events write to in between are copied once (a third fewer bytes written for each event).
 */
const QUIET_BYTES = 2 * 1024 * 1024;
const BUSY_BYTES = 32 * 1024 * 1024;
export interface Checkpointer {
	/** To be called between two batches, `busy` or not. */
	checkpointIfDue(busy: boolean): void;
}

/**
 * Checkpoints between batches, never inside a COMMIT that someone waits for. The log stays bounded: by the busy limit and
 * one batch, unless a backup holds on to an older state.
 */
export function createCheckpointer(db: DatabaseSync): Checkpointer {
	// SQLite's own would run inside a COMMIT.
	db.exec('PRAGMA wal_autocheckpoint = 0');
	const { page_size: pageBytes } = db.prepare('PRAGMA page_size').get() as { page_size: number };
	const look = db.prepare('PRAGMA wal_checkpoint(NOOP)');
	const copy = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');

	return {
		checkpointIfDue(busy) {
			const { log, checkpointed } = look.get() as { log: number; checkpointed: number };
			const waiting = (log - checkpointed) * pageBytes;
			if (waiting >= (busy ? BUSY_BYTES : QUIET_BYTES)) copy.get();
		},
	};
}
