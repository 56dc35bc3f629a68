import type { Store, SweepResult } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database, Query } from '../database.ts';

type Options = Parameters<Store['sweep']>[0];

// Delivered or cancelled to all. Walked from the oldest delivery on, up to the last event that is old enough: passed
// over are only the dead ones, which are kept for longer. Which event that is the last thousand tell: they are not always
// stored in the order they came in, because relays store beside each other, two batches each. SKIP LOCKED: of two relays
// that sweep each finds its own.
const DONE = statement(
	'sweep delivered',
	`WITH last AS (SELECT max(seq) AS seq FROM (
		SELECT seq FROM events WHERE received_at < $1 ORDER BY received_at DESC, seq DESC LIMIT 1000) AS latest), old AS (
		SELECT e.seq FROM events e WHERE e.received_at < $1 AND e.seq IN (
			SELECT DISTINCT d.event_seq FROM deliveries d
			WHERE d.event_seq <= (SELECT seq FROM last) AND NOT EXISTS (
				SELECT 1 FROM deliveries other
				WHERE other.event_seq = d.event_seq AND other.state IN ('ready', 'leased', 'dead'))
			ORDER BY d.event_seq LIMIT $2)
		ORDER BY e.seq LIMIT $2 FOR UPDATE SKIP LOCKED)
	DELETE FROM events USING old WHERE events.seq = old.seq RETURNING events.seq`,
);
// Quarantined, with a dead delivery, without any; or with a pending one, which stays.
const REST = statement(
	'sweep the rest',
	`WITH old AS (
		SELECT e.seq FROM events e WHERE e.received_at < $1 AND NOT EXISTS (
			SELECT 1 FROM deliveries d WHERE d.event_seq = e.seq AND d.state IN ('ready', 'leased'))
			AND (NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event_seq = e.seq)
				OR EXISTS (SELECT 1 FROM deliveries d WHERE d.event_seq = e.seq AND d.state = 'dead'))
		ORDER BY e.received_at LIMIT $2 FOR UPDATE SKIP LOCKED)
	DELETE FROM events USING old WHERE events.seq = old.seq RETURNING events.seq`,
);
const KEYS = statement(
	'sweep keys',
	`WITH old AS (
		SELECT source_id, key FROM dedupe_keys WHERE received_at < $1 ORDER BY received_at LIMIT $2
		FOR UPDATE SKIP LOCKED)
	DELETE FROM dedupe_keys k USING old WHERE k.source_id = old.source_id AND k.key = old.key RETURNING k.event_id`,
);

/** Retention: deletes what is old, a small batch at a time. Deliveries, attempts and bodies go with their event. */
export const sweep = (db: Database) => ({
	async sweep({ deliveredBefore, deadBefore, keysBefore, limit }: Options): Promise<SweepResult> {
		const swept = async (query: Query, ...[one, before, most]: [typeof DONE, number, number]) =>
			most > 0 ? (await query(one, [before, most])).length : 0;
		const done = await swept(db.repeatable, DONE, deliveredBefore, limit);
		const rest = await swept(db.repeatable, REST, deadBefore, limit - done);
		return { events: done + rest, dedupeKeys: await swept(db.repeatable, KEYS, keysBefore, limit) };
	},
});
