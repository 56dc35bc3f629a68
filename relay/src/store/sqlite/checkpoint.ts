import type { DatabaseSync } from 'node:sqlite';

/**
 * When the write-ahead log is copied back into the database file, by its bytes that are not there yet: late, for pages that
 * many events write to in between are copied once (8 MiB and 32 do alike), but once a second when there are some, because
 * a copy holds webhooks up for as long as it takes.
 */
const MANY_BYTES = 8 * 1024 * 1024;
const SOME_BYTES = 2 * 1024 * 1024;
const PAUSE_MS = 1_000;

export interface Checkpointer {
	/** To be called between two batches. @param now in ms, of any clock that never goes back */
	checkpointIfDue(now: number): void;
}

/**
 * Checkpoints between batches, never inside a COMMIT that someone waits for. The log stays bounded: by the limit and one
 * batch, unless a backup holds on to an older state.
 */
export function createCheckpointer(db: DatabaseSync): Checkpointer {
	// SQLite's own would run inside a COMMIT.
	db.exec('PRAGMA wal_autocheckpoint = 0');
	const { page_size: pageBytes } = db.prepare('PRAGMA page_size').get() as { page_size: number };
	const look = db.prepare('PRAGMA wal_checkpoint(NOOP)');
	const copy = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');

	let copiedAt = -Infinity;

	return {
		checkpointIfDue(now) {
			const { log, checkpointed } = look.get() as { log: number; checkpointed: number };
			const waiting = (log - checkpointed) * pageBytes;
			if (waiting < (now < copiedAt + PAUSE_MS ? MANY_BYTES : SOME_BYTES)) return;
			copy.get();
			copiedAt = now;
		},
	};
}
