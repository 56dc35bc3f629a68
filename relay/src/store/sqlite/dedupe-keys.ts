import type { DatabaseSync } from 'node:sqlite';
import { createKeySegments } from './key-segments.ts';
import type { KeySegments, Known } from './key-segments.ts';
import { all, first } from './query.ts';

/**
 * How many keys wait in memory before they are written to dedupe_keys: many, for the more there are the more of them share a page
 * (4,096: 0.7 µs more for each), but not for longer than 5 s when there are some, because webhooks wait while they are
 * written, in 1.5 µs each. So it is 8 ms at 1,000 webhooks a second, and some 30 at the most.
 */
const MANY_KEYS = 16_384;
const SOME_KEYS = 256;
const PAUSE_MS = 5_000;

/**
 * The dedupe keys of all events, those deleted since included. An event's row has its key, so both are on disk by one commit.
 * The newest are found in memory; dedupe_keys follows later, many keys at a time. Workflow ids come in random order, and so
 * each key written by itself means a page written: half of all the bytes, and a third of the CPU time, of a webhook of 2 KiB.
 *
 * Once `begin` is through, exactly the keys of events after `progress.keys_up_to` are in memory, and the segments know all that
 * is in dedupe_keys. Both are read again when another process has written, which SQLite tells, and so after a start as well.
 */
export interface DedupeKeys extends Pick<KeySegments, 'find' | 'write' | 'complete'> {
	/** Of a new event, whose row has it. */
	put(sourceId: string, key: string, seq: number, receivedAt: number): void;
	/** To be called inside a transaction, first of all: what was put so far is committed. */
	begin(): void;
	/** Where a savepoint is. */
	mark(): number;
	/** Forgets what was put since the mark, for it was rolled back; 0: since the transaction began. */
	undo(mark: number): void;
	/** To be called when it is not known what of it was committed: `begin` reads it again. */
	forget(): void;
	/** Writes them all to dedupe_keys, in a transaction of its own. */
	fold(): void;
	/** The same when it is time to. @param now in ms, of any clock that never goes back */
	foldIfDue(now: number): void;
}

interface TailRow {
	source_id: string;
	dedupe_key: string;
	seq: number;
	received_at: number;
}

export function createDedupeKeys(db: DatabaseSync): DedupeKeys {
	const segments = createKeySegments(db);
	const tail = 'seq > (SELECT keys_up_to FROM progress)';
	const readTail = db.prepare(`SELECT source_id, dedupe_key, seq, received_at FROM events WHERE ${tail}`);
	const findEvent = db.prepare('SELECT id AS eventId, truncated FROM events WHERE seq = ?');
	const behind = db.prepare(`SELECT EXISTS (SELECT 1 FROM events WHERE ${tail}) AS behind`);
	const progress = db.prepare(
		'UPDATE progress SET keys_up_to = (SELECT coalesce(max(seq), keys_up_to) FROM events)',
	);
	// Another one when another connection has committed since.
	const dataVersion = db.prepare('PRAGMA data_version');

	/**
	 * The seq of the event, by source and then by key. No more than that, because V8 goes through all that is kept, again and again
	 * under load: a name made of both, with what is known of the event, cost a webhook 2 µs.
	 */
	const recent = new Map<string, Map<string, number>>();
	/** When the oldest of them was received. */
	let oldestAt = Infinity;
	let version: number | null = null;
	let foldedAt = -Infinity;
	let added: { sourceId: string; key: string }[] = [];

	function set(sourceId: string, key: string, seq: number, receivedAt: number): void {
		const keys = recent.get(sourceId);
		if (keys) keys.set(key, seq);
		else recent.set(sourceId, new Map([[key, seq]]));
		oldestAt = Math.min(oldestAt, receivedAt);
	}

	function* keysWithSeq(): Iterable<[key: string, seq: number]> {
		for (const keys of recent.values()) yield* keys;
	}

	function count(): number {
		let keys = 0;
		for (const { size } of recent.values()) keys += size;
		return keys;
	}

	function clear(): void {
		recent.clear();
		oldestAt = Infinity;
	}

	function readAgainIfChanged(): void {
		const { data_version: now } = first<{ data_version: number }>(dataVersion)!;
		if (now === version) return;
		clear();
		for (const row of all<TailRow>(readTail)) set(row.source_id, row.dedupe_key, row.seq, row.received_at);
		segments.readFilters();
		version = now;
	}

	function fold(): void {
		db.exec('BEGIN IMMEDIATE');
		try {
			readAgainIfChanged();
			segments.copy(keysWithSeq(), oldestAt);
			progress.run();
			db.exec('COMMIT');
		} catch (error) {
			if (db.isTransaction) db.exec('ROLLBACK');
			throw error;
		}
		clear();
	}

	return {
		find(sourceId, key) {
			const seq = recent.get(sourceId)?.get(key);
			return seq === undefined ? segments.find(sourceId, key) : first<Known>(findEvent, seq);
		},
		write: (key) => segments.write(key),
		// Of one that is not there yet the event's row is what counts.
		complete: (sourceId, key, seq) => segments.complete(sourceId, key, seq),
		put(sourceId, key, seq, receivedAt) {
			added.push({ sourceId, key });
			set(sourceId, key, seq, receivedAt);
		},
		begin() {
			added = [];
			readAgainIfChanged();
		},
		mark: () => added.length,
		undo(mark) {
			for (const { sourceId, key } of added.splice(mark)) recent.get(sourceId)?.delete(key);
		},
		forget() {
			version = null;
		},
		fold() {
			if (first<{ behind: number }>(behind)?.behind) fold();
			segments.forgetSwept();
		},
		foldIfDue(now) {
			if (count() < (now < foldedAt + PAUSE_MS ? MANY_KEYS : SOME_KEYS)) return;
			fold();
			foldedAt = now;
		},
	};
}
