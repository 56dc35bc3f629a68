import type { DatabaseSync } from 'node:sqlite';
import { all, first } from './query.ts';

/**
 * How many keys wait in memory before they are written to dedupe_keys: many, for the more there are the more of them share a page
 * (twice as many: 1 µs of CPU time less for a webhook, and 2 % more of them), but not for longer than 5 s when there are some, because
 * webhooks wait while they are written, in 1 to 2 µs each. So it is 8 ms at 1,000 webhooks a second, and 45 at the most.
 */
const MANY_KEYS = 32_768;
const SOME_KEYS = 256;
const PAUSE_MS = 5_000;

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
	/** Of a new event. @param seq of its row */
	put(sourceId: string, key: string, seq: number): void;
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
	seq: number;
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
	const readAll = db.prepare(`SELECT source_id, dedupe_key, seq FROM events WHERE ${tail}`);
	const findEvent = db.prepare('SELECT id AS eventId, truncated FROM events WHERE seq = ?');
	const behind = db.prepare(`SELECT EXISTS (SELECT 1 FROM events WHERE ${tail}) AS behind`);

	// Another one when another connection has committed since.
	const dataVersion = db.prepare('PRAGMA data_version');

	/**
	 * The seq of the event, by source and then by key. No more than that, because V8 goes through all that is kept, again and again
	 * under load: a name made of both, with what is known of the event, cost a webhook 2 µs.
	 */
	const recent = new Map<string, Map<string, number>>();
	let version: number | null = null;
	let foldedAt = -Infinity;
	let added: { sourceId: string; key: string }[] = [];

	function set(sourceId: string, key: string, seq: number): void {
		const keys = recent.get(sourceId);
		if (keys) keys.set(key, seq);
		else recent.set(sourceId, new Map([[key, seq]]));
	}

	function count(): number {
		let keys = 0;
		for (const { size } of recent.values()) keys += size;
		return keys;
	}

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
		for (const row of all<TailRow>(readAll)) set(row.source_id, row.dedupe_key, row.seq);
	}

	return {
		get(sourceId, key) {
			const seq = recent.get(sourceId)?.get(key);
			return seq === undefined ? undefined : first<Known>(findEvent, seq);
		},
		put(sourceId, key, seq) {
			added.push({ sourceId, key });
			set(sourceId, key, seq);
		},
		begin() {
			added = [];
			const { data_version: now } = first<{ data_version: number }>(dataVersion)!;
			if (now !== version) readAgain();
			version = now;
		},
		mark: () => added.length,
		undo(mark) {
			for (const { sourceId, key } of added.splice(mark)) recent.get(sourceId)?.delete(key);
		},
		fold() {
			if (first<{ behind: number }>(behind)?.behind) fold();
		},
		foldIfDue(now) {
			if (count() < (now < foldedAt + PAUSE_MS ? MANY_KEYS : SOME_KEYS)) return;
			fold();
			foldedAt = now;
		},
	};
}
