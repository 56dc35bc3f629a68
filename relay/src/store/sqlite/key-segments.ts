import type { DatabaseSync } from 'node:sqlite';
import { add, blockOf, createFilterBlock, hashOf, segmentsOf } from './key-filters.ts';
import type { FilterBlock } from './key-filters.ts';
import { all, first } from './query.ts';

/** Events whose keys are a segment, by their seq; in SQL `seq >> 15`. */
const SEGMENT_EVENTS = 2 ** 15;
const segmentOf = (seq: number): number => Math.floor(seq / SEGMENT_EVENTS);

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
 * The table dedupe_keys, in segments by the order of arrival: what is written lies side by side however many keys there are.
 * Filters in memory say which segments may have a key: of new ones, as nearly all are, one in 13 is looked for in the table with
 * a million keys there, and every other with 10 million. One index over all keys cost a webhook 2 µs more with 120,000 of
 * them, and 6 with a million.
 *
 * What is rolled back may stay in the filters: they say "maybe" once too often.
 */
export interface KeySegments {
	find(sourceId: string, key: string): Known | undefined;
	/** One more key of an event, or the same one changed. */
	write(key: DedupeKey): void;
	/** Copies the keys of the events after `progress.keys_up_to`. @param keys exactly those, and the seq of each event */
	copy(keys: Iterable<[key: string, seq: number]>, oldestAt: number): void;
	/** Of an event that was truncated; it may have no key here yet. */
	complete(sourceId: string, key: string, seq: number): void;
	/** Reads the filters again: another process has written. */
	readFilters(): void;
	/** Forgets the filters of what was swept. */
	forgetSwept(): void;
}

export function createKeySegments(db: DatabaseSync): KeySegments {
	const findKey = db.prepare(
		'SELECT event_id AS eventId, truncated FROM dedupe_keys WHERE segment = ? AND source_id = ? AND key = ?',
	);
	const insert = db.prepare(`
		INSERT INTO dedupe_keys (segment, source_id, key, event_id, truncated, received_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET truncated = excluded.truncated`);
	// In the order of the table, so that neighbours share pages. A key that is there already is the same event's.
	const copyKeys = db.prepare(`
		INSERT INTO dedupe_keys (segment, source_id, key, event_id, truncated, received_at)
		SELECT seq >> 15 AS segment, source_id, dedupe_key, id, truncated, received_at FROM events
		WHERE seq > (SELECT keys_up_to FROM progress)
		ORDER BY segment, source_id, dedupe_key
		ON CONFLICT DO NOTHING`);
	const completeKey = db.prepare(
		'UPDATE dedupe_keys SET truncated = 0 WHERE segment = ? AND source_id = ? AND key = ?',
	);
	const putSegment = db.prepare(`
		INSERT INTO dedupe_segments (segment, oldest_at) VALUES (?, ?)
		ON CONFLICT DO UPDATE SET oldest_at = min(oldest_at, excluded.oldest_at)`);
	const putFilters = db.prepare(`
		INSERT INTO dedupe_filters (block, bits) VALUES (?, ?) ON CONFLICT DO UPDATE SET bits = excluded.bits`);
	const allFilters = db.prepare('SELECT block, bits FROM dedupe_filters');
	const kept = db.prepare('SELECT block FROM dedupe_filters');

	const blocks = new Map<number, FilterBlock>();

	function addToFilters(segment: number, key: string): void {
		const number = blockOf(segment);
		let block = blocks.get(number);
		if (!block) blocks.set(number, (block = createFilterBlock()));
		add(block, segment, hashOf(key));
	}

	function save(segments: Iterable<number>, oldestAt: number): void {
		const changed = new Set<number>();
		for (const segment of segments) {
			putSegment.run(segment, oldestAt);
			changed.add(blockOf(segment));
		}
		for (const number of changed) putFilters.run(number, blocks.get(number)!);
	}

	return {
		find(sourceId, key) {
			const hash = hashOf(key);
			for (const [number, block] of blocks) {
				for (const segment of segmentsOf(block, number, hash)) {
					const known = first<Known>(findKey, segment, sourceId, key);
					if (known) return known;
				}
			}
			return undefined;
		},
		write({ sourceId, key, eventId, seq, truncated, receivedAt }) {
			const segment = segmentOf(seq);
			insert.run(segment, sourceId, key, eventId, truncated, receivedAt);
			addToFilters(segment, key);
			save([segment], receivedAt);
		},
		copy(keys, oldestAt) {
			copyKeys.run();
			const segments = new Set<number>();
			for (const [key, seq] of keys) {
				const segment = segmentOf(seq);
				addToFilters(segment, key);
				segments.add(segment);
			}
			save(segments, oldestAt);
		},
		complete(sourceId, key, seq) {
			completeKey.run(segmentOf(seq), sourceId, key);
		},
		readFilters() {
			blocks.clear();
			for (const { block, bits } of all<{ block: number; bits: Uint8Array }>(allFilters))
				blocks.set(block, bits);
		},
		forgetSwept() {
			const there = new Set(all<{ block: number }>(kept).map(({ block }) => block));
			for (const number of blocks.keys()) if (!there.has(number)) blocks.delete(number);
		},
	};
}
