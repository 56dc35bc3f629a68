import type { DatabaseSync } from 'node:sqlite';
import { all, first } from './query.ts';

/**
 * How many keys wait in memory before they are written to dedupe_keys: many, for the more there are the more of them
 * share a page, but not for longer than a second when there are some, because that many are written in 2 µs each while
 * webhooks wait. So it is a few ms at 1,000 webhooks a second, and 30 at the most.
 */
const MANY_KEYS = 16_384;
const SOME_KEYS = 256;
const PAUSE_MS = 1_000;

/** An event known by its dedupe key. */
export interface Known {
	eventId: string;
	truncated: number;
}

/**
 * The dedupe keys of the newest events, in memory. An event's row has its key, so both are on disk by one commit; the
 * unique index over all keys follows later, many keys at a time. Workflow ids come in random order, and so each key
 * written by itself means a page written: half of all the bytes, and a third of the CPU time, of a webhook of 2 KiB.
 *
 * Once `begin` is through, exactly the keys of events after `dedupe_progress` are in here. They are read again from the
 * events when another process has written, which SQLite tells, and so after a start as well.
 */
export interface RecentKeys {
	get(sourceId: string, key: string): Known | undefined;
	put(sourceId: string, key: string, known: Known): void;
	/** To be called inside a transaction, first of all: what was put so far is committed. */
	begin(): void;
	/** Where a savepoint is. */
	mark(): number;
	/** Forgets what was put since the mark, for it was rolled back; 0: since the transaction began. */
	undo(mark: number): void;
	/** Writes them all to dedupe_keys, in a transaction of its own. */
	fold(): void;
	/** The same when it is time to. @param now in ms, of any clock that never goes back */
	foldIfDue(now: number): void;
}

interface TailRow {
	source_id: string;
	dedupe_key: string;
	id: string;
	truncated: number;
}

export function createRecentKeys(db: DatabaseSync): RecentKeys {
	const tail = 'seq > (SELECT up_to FROM dedupe_progress)';
	// In the order of the index, so that neighbours share pages. A key that is there already is the same event's.
	const insert = db.prepare(`
		INSERT INTO dedupe_keys (source_id, key, event_id, truncated, received_at)
		SELECT source_id, dedupe_key, id, truncated, received_at FROM events WHERE ${tail} ORDER BY source_id, dedupe_key
		ON CONFLICT (source_id, key) DO NOTHING`);
	const progress = db.prepare(
		'UPDATE dedupe_progress SET up_to = (SELECT coalesce(max(seq), up_to) FROM events)',
	);
	const readAll = db.prepare(`SELECT source_id, dedupe_key, id, truncated FROM events WHERE ${tail}`);
	const behind = db.prepare(`SELECT EXISTS (SELECT 1 FROM events WHERE ${tail}) AS behind`);

	// Another one when another connection has committed since.
	const dataVersion = db.prepare('PRAGMA data_version');

	const recent = new Map<string, Known>();
	let version: number | null = null;
	let foldedAt = -Infinity;
	let changes: { name: string; before: Known | undefined }[] = [];
	const nameOf = (sourceId: string, key: string) => `${sourceId}\n${key}`;

	function fold(): void {
		db.exec('BEGIN IMMEDIATE');
		try {
			insert.run();
			progress.run();
			db.exec('COMMIT');
		} catch (error) {
			if (db.isTransaction) db.exec('ROLLBACK');
			throw error;
		}
		recent.clear();
	}

	function readAgain(): void {
		recent.clear();
		for (const row of all<TailRow>(readAll)) {
			recent.set(nameOf(row.source_id, row.dedupe_key), { eventId: row.id, truncated: row.truncated });
		}
	}

	return {
		get: (sourceId, key) => recent.get(nameOf(sourceId, key)),
		put(sourceId, key, known) {
			const name = nameOf(sourceId, key);
			changes.push({ name, before: recent.get(name) });
			recent.set(name, known);
		},
		begin() {
			changes = [];
			const { data_version: now } = first<{ data_version: number }>(dataVersion)!;
			if (now !== version) readAgain();
			version = now;
		},
		mark: () => changes.length,
		undo(mark) {
			for (const { name, before } of changes.splice(mark).reverse()) {
				if (before) recent.set(name, before);
				else recent.delete(name);
			}
		},
		fold() {
			if (first<{ behind: number }>(behind)?.behind) fold();
		},
		foldIfDue(now) {
			if (recent.size < (now < foldedAt + PAUSE_MS ? MANY_KEYS : SOME_KEYS)) return;
			fold();
			foldedAt = now;
		},
	};
}
