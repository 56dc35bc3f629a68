import { StoreError } from '../../port.ts';
import type { IngestOutcome, NewEvent } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database, Query } from '../database.ts';
import { toFilterJson } from '../subscription-row.ts';
import { toText, toTextOrNull } from '../text.ts';
import { makeDeliveries, TARGETS } from './make-deliveries.ts';

/*
 * Events, keys, bodies and deliveries of a whole batch in one statement, which is a transaction of its own: one round
 * trip. Those whose key is there already are left out of the answer. Keys are inserted in their order, so that two
 * relays with the same keys in hand wait for each other instead of blocking each other.
 *
 * The bodies come as one value and are cut apart by the server: an array of bytea would travel as hexadecimal text,
 * twice as long and slow to make.
 */
const STORE = statement(
	'store events',
	`WITH input AS (
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
			$8::text[], $9::jsonb[], $10::text[], $11::bigint[], $12::bigint[], $13::integer[], $14::integer[],
			$15::integer[], $16::integer[])
		WITH ORDINALITY AS input (id, source_id, origin, dedupe_key, state, quarantine_reason, type, workflow_id,
			attributes, content_type, truncated, received_at, bytes, key_id, body_from, body_length, n)
	), key AS (
		INSERT INTO dedupe_keys (source_id, key, event_id, truncated, received_at)
		SELECT source_id, dedupe_key, id, truncated, received_at FROM input ORDER BY source_id, dedupe_key COLLATE "C", n
		ON CONFLICT (source_id, key) DO NOTHING RETURNING event_id
	), event AS (
		INSERT INTO events (id, source_id, origin, dedupe_key, state, quarantine_reason, type, workflow_id, attributes,
			content_type, truncated, received_at, bytes)
		SELECT id, source_id, origin, dedupe_key, state, quarantine_reason, type, workflow_id, attributes, content_type,
			truncated, received_at, bytes
		FROM input WHERE id IN (SELECT event_id FROM key) ORDER BY n RETURNING seq, id
	), body AS (
		INSERT INTO bodies (event_seq, key_id, body)
		SELECT seq, key_id, substr($17::bytea, body_from, body_length) FROM event JOIN input USING (id)
	), target AS (${TARGETS}), delivery AS (
		INSERT INTO deliveries (event_seq, subscription_id, state, due_at, created_at)
		SELECT seq, target.id, 'ready', received_at, received_at
		FROM event JOIN input USING (id) JOIN target ON type = ANY (target.events) AND attributes @> target.filter
		WHERE input.state = 'accepted' RETURNING event_seq
	)
	SELECT id, count(event_seq) AS deliveries FROM event LEFT JOIN delivery ON event_seq = seq GROUP BY id`,
);

// Locked in their order: completions and counts of one key come one after the other.
const KEYS = statement(
	'known keys',
	`SELECT k.source_id, k.key, k.event_id, k.truncated, e.seq,
		(SELECT count(*) FROM deliveries d WHERE d.event_seq = e.seq) AS deliveries
	FROM unnest($1::text[], $2::text[]) AS input (source_id, key)
	JOIN dedupe_keys k USING (source_id, key) LEFT JOIN events e ON e.id = k.event_id
	ORDER BY k.source_id, k.key FOR UPDATE OF k`,
);
const COUNT_DUPLICATES = statement(
	'count duplicates',
	`UPDATE events SET duplicates = duplicates + n FROM (
		SELECT id, count(*) AS n FROM unnest($1::text[]) AS id GROUP BY id) AS again
	WHERE events.id = again.id`,
);
const COMPLETE_KEY = statement(
	'complete key',
	'UPDATE dedupe_keys SET truncated = $3 WHERE source_id = $1 AND key = $2',
);
const REPLACE_EVENT = statement(
	'replace event',
	`UPDATE events SET attributes = $2, content_type = $3, truncated = $4, bytes = $5, duplicates = duplicates + 1
	WHERE seq = $1`,
);
const REPLACE_BODY = statement(
	'replace body',
	'UPDATE bodies SET key_id = $2, body = $3 WHERE event_seq = $1',
);

interface Key {
	source_id: string;
	key: string;
	event_id: string;
	truncated: number;
	/** Null when retention took the event already. */
	seq: number | null;
	deliveries: number;
}

/** Stores a batch of events with their dedupe keys and deliveries. A key may appear once in it. */
export const ingest =
	(db: Database) =>
	async (events: NewEvent[]): Promise<IngestOutcome[]> => {
		const outcomes = new Map<NewEvent, IngestOutcome>();
		// A key that is known may be gone a moment later, taken by retention: then the event is a new one after all.
		for (let left = events; left.length > 0; left = left.filter((event) => !outcomes.has(event))) {
			const stored = await store(db, left);
			for (const event of left) {
				const deliveries = stored.get(event.id);
				if (deliveries !== undefined) outcomes.set(event, { kind: 'stored', eventId: event.id, deliveries });
			}
			const known = left.filter((event) => !outcomes.has(event));
			if (known.length === 0) break;
			for (const [event, outcome] of await repeat(db, known)) outcomes.set(event, outcome);
		}
		return events.map((event) => {
			const outcome = outcomes.get(event);
			if (!outcome) throw new StoreError('failed', 'An event was neither stored nor known.');
			return outcome;
		});
	};

/** Stores those that are new. Returns how many deliveries each of them got, by its id. */
async function store(db: Database, events: NewEvent[]): Promise<Map<string, number>> {
	const column = <T>(of: (event: NewEvent) => T) => events.map(of);
	const lengths = column(({ body }) => body.length);
	let end = 1; // SQL counts from 1.
	const starts = lengths.map((length) => (end += length) - length);
	const rows = await db.query<{ id: string; deliveries: number }>(STORE, [
		column(({ id }) => id),
		column(({ sourceId }) => sourceId),
		column(({ origin }) => origin),
		column(({ dedupeKey }) => toText(dedupeKey)),
		column(({ state }) => state),
		column(({ quarantineReason }) => toTextOrNull(quarantineReason)),
		column(({ type }) => type),
		column(({ workflowId }) => toTextOrNull(workflowId)),
		column(({ attributes }) => toFilterJson(attributes)),
		column(({ contentType }) => toText(contentType)),
		column(({ truncated }) => truncated),
		column(({ receivedAt }) => receivedAt),
		column(({ bytes }) => bytes),
		column(({ bodyKeyId }) => bodyKeyId),
		starts,
		lengths,
		Buffer.concat(column(({ body }) => body)),
	]);
	return new Map(rows.map(({ id, deliveries }) => [id, deliveries]));
}

/** Counts or completes those whose key was there. One whose key is gone by now is left out. */
const repeat = (db: Database, events: NewEvent[]): Promise<Map<NewEvent, IngestOutcome>> =>
	db.transaction(async ({ query }) => {
		const outcomes = new Map<NewEvent, IngestOutcome>();
		const keys = await query<Key>(KEYS, [
			events.map(({ sourceId }) => sourceId),
			events.map(({ dedupeKey }) => toText(dedupeKey)),
		]);
		const byKey = new Map(keys.map((key) => [`${key.source_id} ${key.key}`, key]));
		const duplicates: string[] = [];
		for (const event of events) {
			const key = byKey.get(`${event.sourceId} ${toText(event.dedupeKey)}`);
			if (!key) continue;
			const { event_id: eventId, truncated, seq, deliveries } = key;
			if (eventId === event.id) {
				// Its own: stored by a statement whose answer was lost with the connection.
				outcomes.set(event, { kind: 'stored', eventId, deliveries });
			} else if (truncated > 0 && event.truncated === 0 && event.state === 'accepted' && seq !== null) {
				outcomes.set(event, { kind: 'completed', eventId, deliveries: await complete(query, event, seq) });
			} else {
				outcomes.set(event, { kind: 'duplicate', eventId });
				duplicates.push(eventId);
			}
		}
		if (duplicates.length > 0) await query(COUNT_DUPLICATES, [duplicates]);
		return outcomes;
	});

async function complete(query: Query, event: NewEvent, seq: number): Promise<number> {
	const { sourceId, dedupeKey, attributes, contentType, truncated, bytes, bodyKeyId, body } = event;
	await query(COMPLETE_KEY, [sourceId, toText(dedupeKey), truncated]);
	await query(REPLACE_EVENT, [seq, toFilterJson(attributes), toText(contentType), truncated, bytes]);
	await query(REPLACE_BODY, [seq, bodyKeyId, body]);
	return makeDeliveries(query, { seq, type: event.type, attributes }, event.receivedAt);
}
