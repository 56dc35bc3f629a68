import type { DatabaseSync } from 'node:sqlite';
import { add, createKeyFilter, hashOf, mayHave } from './key-filter.ts';
import type { KeyFilter } from './key-filter.ts';
import { all, first } from './query.ts';

/** Events in a segment, by their seq; in SQL `seq >> 15`. */
const SEGMENT_EVENTS = 2 ** 15;

/**
 * How many keys wait in memory before they are written to dedupe_keys: many, for the more there are the more of them share a page
 * (4,096: 0.7 µs more for each), but not for longer than 5 s when there are some, because webhooks wait while they are
 * written, in 1.5 µs each. So it is 8 ms at 1,000 webhooks a second, and 25 at the most.
 */
const MANY_KEYS = 16_384;
const SOME_KEYS = 256;
const PAUSE_MS = 5_000;

/** An event known by its dedupe key. */
export interface Known {
	eventId: string;
	truncated: number;
}

/** A key and the event it is of, whose row is `seq`. */
export interface DedupeKey {
	sourceId: string;
	key: string;
	eventId: string;
	seq: number;
	truncated: number;
	receivedAt: number;
}

/**
 * The dedupe keys of all events, those deleted since included. An event's row has its key, so both are on disk by one commit.
 * The newest are found in memory; dedupe_keys follows later, many keys at a time. Workflow ids come in random order, and so
 * each key written by itself means a page written: half of all the bytes, and a third of the CPU time, of a webhook of 2 KiB.
 *
 * dedupe_keys is in segments, in the order of arrival, so that what is written lies side by side however many keys there are.
 * Of each a Bloom filter in memory says whether it may have a key: for a new one, as nearly all are, no page is read. One index
 * over all keys cost a webhook 2 µs more with 120,000 of them, and 6 with a million.
 *
 * Once `begin` is through, exactly the keys of events after `keys_up_to` are in memory, and the filters know all that is in
 * dedupe_keys. Both are read again when another process has written, which SQLite tells, and so after a start as well.
 */
export interface DedupeKeys {
	find(sourceId: string, key: string): Known | undefined;
	/** Of a new event, whose row has it. */
	put(sourceId: string, key: string, seq: number, receivedAt: number): void;
	/** One more key of an event, or the same one changed, to dedupe_keys. */
	write(key: DedupeKey): void;
	/** Of an event that was truncated. Changes nothing when dedupe_keys does not have it yet: then the event's row is what counts. */
	complete(sourceId: string, key: string, seq: number): void;
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
	received_at: number;
}

export function createDedupeKeys(db: DatabaseSync): DedupeKeys {
	const tail = 'seq > (SELECT keys_up_to FROM progress)';
	// In the order of dedupe_keys, so that neighbours share pages. A key that is there already is the same event's.
	const insertTail = db.prepare(`
		INSERT INTO dedupe_keys (segment, source_id, key, event_id, truncated, received_at)
		SELECT seq >> 15 AS segment, source_id, dedupe_key, id, truncated, received_at FROM events WHERE ${tail}
		ORDER BY segment, source_id, dedupe_key
		ON CONFLICT DO NOTHING`);
	const insert = db.prepare(`
		INSERT INTO dedupe_keys (segment, source_id, key, event_id, truncated, received_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET truncated = excluded.truncated`);
	const progress = db.prepare(
		'UPDATE progress SET keys_up_to = (SELECT coalesce(max(seq), keys_up_to) FROM events)',
	);
	const readTail = db.prepare(`SELECT source_id, dedupe_key, seq, received_at FROM events WHERE ${tail}`);
	const findEvent = db.prepare('SELECT id AS eventId, truncated FROM events WHERE seq = ?');
	const findKey = db.prepare(
		'SELECT event_id AS eventId, truncated FROM dedupe_keys WHERE segment = ? AND source_id = ? AND key = ?',
	);
	const complete = db.prepare(
		'UPDATE dedupe_keys SET truncated = 0 WHERE segment = ? AND source_id = ? AND key = ?',
	);
	const behind = db.prepare(`SELECT EXISTS (SELECT 1 FROM events WHERE ${tail}) AS behind`);
	const putSegment = db.prepare(`
		INSERT INTO dedupe_segments (segment, oldest_at, filter) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET oldest_at = min(oldest_at, excluded.oldest_at), filter = excluded.filter`);
	const segments = db.prepare('SELECT segment FROM dedupe_segments');
	const readFilters = db.prepare('SELECT segment, filter FROM dedupe_segments');

	// Another one when another connection has committed since.
	const dataVersion = db.prepare('PRAGMA data_version');

	/**
	 * The seq of the event, by source and then by key. No more than that, because V8 goes through all that is kept, again and again
	 * under load: a name made of both, with what is known of the event, cost a webhook 2 µs.
	 */
	const recent = new Map<string, Map<string, number>>();
	/** When the oldest of them was received. */
	let oldestAt = Infinity;
	const filters = new Map<number, KeyFilter>();
	let version: number | null = null;
	let foldedAt = -Infinity;
	let added: { sourceId: string; key: string }[] = [];

	function set(sourceId: string, key: string, seq: number, receivedAt: number): void {
		const keys = recent.get(sourceId);
		if (keys) keys.set(key, seq);
		else recent.set(sourceId, new Map([[key, seq]]));
		oldestAt = Math.min(oldestAt, receivedAt);
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
		filters.clear();
		for (const { segment, filter } of all<{ segment: number; filter: Uint8Array }>(readFilters)) {
			filters.set(segment, filter);
		}
		version = now;
	}

	function filterOf(segment: number): KeyFilter {
		let filter = filters.get(segment);
		if (!filter) filters.set(segment, (filter = createKeyFilter()));
		return filter;
	}

	function fold(): void {
		db.exec('BEGIN IMMEDIATE');
		try {
			readAgainIfChanged();
			insertTail.run();
			progress.run();
			const changed = new Set<number>();
			for (const keys of recent.values()) {
				for (const [key, seq] of keys) {
					const segment = segmentOf(seq);
					add(filterOf(segment), hashOf(key));
					changed.add(segment);
				}
			}
			for (const segment of changed) putSegment.run(segment, oldestAt, filterOf(segment));
			db.exec('COMMIT');
		} catch (error) {
			if (db.isTransaction) db.exec('ROLLBACK');
			throw error;
		}
		clear();
	}

	/** Segments that have been swept. */
	function forgetGone(): void {
		const there = new Set(all<{ segment: number }>(segments).map(({ segment }) => segment));
		for (const segment of filters.keys()) if (!there.has(segment)) filters.delete(segment);
	}

	return {
		find(sourceId, key) {
			const seq = recent.get(sourceId)?.get(key);
			if (seq !== undefined) return first<Known>(findEvent, seq);
			const hash = hashOf(key);
			for (const [segment, filter] of filters) {
				const known = mayHave(filter, hash) && first<Known>(findKey, segment, sourceId, key);
				if (known) return known;
			}
			return undefined;
		},
		put(sourceId, key, seq, receivedAt) {
			added.push({ sourceId, key });
			set(sourceId, key, seq, receivedAt);
		},
		write({ sourceId, key, eventId, seq, truncated, receivedAt }) {
			const segment = segmentOf(seq);
			const filter = filterOf(segment);
			add(filter, hashOf(key));
			insert.run(segment, sourceId, key, eventId, truncated, receivedAt);
			putSegment.run(segment, receivedAt, filter);
		},
		complete(sourceId, key, seq) {
			complete.run(segmentOf(seq), sourceId, key);
		},
		begin() {
			added = [];
			readAgainIfChanged();
		},
		mark: () => added.length,
		undo(mark) {
			for (const { sourceId, key } of added.splice(mark)) recent.get(sourceId)?.delete(key);
		},
		fold() {
			if (first<{ behind: number }>(behind)?.behind) fold();
			forgetGone();
		},
		foldIfDue(now) {
			if (count() < (now < foldedAt + PAUSE_MS ? MANY_KEYS : SOME_KEYS)) return;
			fold();
			foldedAt = now;
		},
	};
}

const segmentOf = (seq: number): number => Math.floor(seq / SEGMENT_EVENTS);
