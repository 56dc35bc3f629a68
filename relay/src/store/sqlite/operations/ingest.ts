import type { DatabaseSync } from 'node:sqlite';
import type { IngestOutcome, NewEvent } from '../../port.ts';
import { all, first } from '../query.ts';
import type { MakeDeliveries } from './make-deliveries.ts';

/** Stores one event with its dedupe key and its deliveries. */
export function prepareIngest(
	db: DatabaseSync,
	makeDeliveries: MakeDeliveries,
): (event: NewEvent) => IngestOutcome {
	const findKey = db.prepare('SELECT event_id, truncated FROM dedupe_keys WHERE source_id = ? AND key = ?');
	const insertKey = db.prepare(
		'INSERT INTO dedupe_keys (source_id, key, event_id, truncated, received_at) VALUES (?, ?, ?, ?, ?)',
	);
	const insertEvent = db.prepare(`
		INSERT INTO events (id, source_id, origin, dedupe_key, state, quarantine_reason, type, workflow_id, attributes,
			content_type, truncated, received_at, bytes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
	const insertBody = db.prepare('INSERT INTO bodies (event_seq, key_id, body) VALUES (?, ?, ?)');
	const keepForLonger = db.prepare("UPDATE events SET at_rest = 'kept' WHERE seq = ?");
	const seqOf = db.prepare('SELECT seq FROM events WHERE id = ?');
	const countDuplicate = db.prepare('UPDATE events SET duplicates = duplicates + 1 WHERE id = ?');
	const replaceEvent = db.prepare(`
		UPDATE events SET attributes = ?, content_type = ?, truncated = ?, bytes = ?, duplicates = duplicates + 1
		WHERE seq = ?`);
	const replaceBody = db.prepare('UPDATE bodies SET key_id = ?, body = ? WHERE event_seq = ?');
	const completeKey = db.prepare('UPDATE dedupe_keys SET truncated = ? WHERE source_id = ? AND key = ?');
	// What was not delivered yet will be sent complete; sending it twice would help nobody.
	const waiting = db.prepare(
		"SELECT subscription_id FROM deliveries WHERE event_seq = ? AND state = 'ready'",
	);

	function store(event: NewEvent): IngestOutcome {
		insertKey.run(event.sourceId, event.dedupeKey, event.id, event.truncated, event.receivedAt);
		const { lastInsertRowid } = insertEvent.run(
			event.id,
			event.sourceId,
			event.origin,
			event.dedupeKey,
			event.state,
			event.quarantineReason,
			event.type,
			event.workflowId,
			JSON.stringify(event.attributes),
			event.contentType,
			event.truncated,
			event.receivedAt,
			event.bytes,
		);
		const seq = Number(lastInsertRowid);
		insertBody.run(seq, event.bodyKeyId, event.body);
		const { type, attributes } = event;
		const deliveries =
			event.state === 'accepted' ? makeDeliveries({ seq, type, attributes }, event.receivedAt) : 0;
		if (deliveries === 0) keepForLonger.run(seq);
		return { kind: 'stored', eventId: event.id, deliveries };
	}

	function complete(event: NewEvent, eventId: string, seq: number): IngestOutcome {
		const { type, attributes } = event;
		completeKey.run(event.truncated, event.sourceId, event.dedupeKey);
		replaceEvent.run(JSON.stringify(attributes), event.contentType, event.truncated, event.bytes, seq);
		replaceBody.run(event.bodyKeyId, event.body, seq);
		const still = new Set(all<{ subscription_id: string }>(waiting, seq).map((row) => row.subscription_id));
		return {
			kind: 'completed',
			eventId,
			deliveries: makeDeliveries({ seq, type, attributes }, event.receivedAt, still),
		};
	}

	return (event) => {
		const known = first<{ event_id: string; truncated: number }>(findKey, event.sourceId, event.dedupeKey);
		if (!known) return store(event);
		if (known.truncated > 0 && event.truncated === 0 && event.state === 'accepted') {
			const kept = first<{ seq: number }>(seqOf, known.event_id);
			// Null when retention took the event already: there is nothing left to complete.
			if (kept) return complete(event, known.event_id, kept.seq);
		}
		countDuplicate.run(known.event_id);
		return { kind: 'duplicate', eventId: known.event_id };
	};
}
