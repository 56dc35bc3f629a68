import type { DatabaseSync } from 'node:sqlite';
import type { IngestOutcome, NewEvent } from '../../port.ts';
import { all, first } from '../query.ts';
import type { DedupeKeys } from '../dedupe-keys.ts';
import type { Known } from '../key-segments.ts';
import type { EventNumbers } from '../event-numbers.ts';
import type { Targets } from '../targets.ts';
import type { MakeDeliveries } from './make-deliveries.ts';

/** Stores one event with its dedupe key and its deliveries. */
export function prepareIngest(
	db: DatabaseSync,
	parts: { keys: DedupeKeys; numbers: EventNumbers; targets: Targets; makeDeliveries: MakeDeliveries },
): (event: NewEvent) => IngestOutcome {
	const { keys, numbers, targets, makeDeliveries } = parts;
	const insertEvent = db.prepare(`
		INSERT INTO events (seq, id, source_id, origin, dedupe_key, state, quarantine_reason, type, workflow_id, attributes,
			content_type, truncated, received_at, bytes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
	const insertBody = db.prepare('INSERT INTO bodies (event_seq, key_id, body) VALUES (?, ?, ?)');
	const seqOf = db.prepare('SELECT seq FROM events WHERE id = ?');
	const countDuplicate = db.prepare('UPDATE events SET duplicates = duplicates + 1 WHERE id = ?');
	const replaceEvent = db.prepare(`
		UPDATE events SET attributes = ?, content_type = ?, truncated = ?, bytes = ?, duplicates = duplicates + 1
		WHERE seq = ?`);
	const replaceBody = db.prepare('UPDATE bodies SET key_id = ?, body = ? WHERE event_seq = ?');
	// What was not delivered yet will be sent complete; sending it twice would help nobody.
	const waiting = db.prepare(
		"SELECT subscription_id FROM deliveries WHERE event_seq = ? AND state = 'ready'",
	);

	function store(event: NewEvent): IngestOutcome {
		const wanted = targets.of(event);
		const seq = numbers.next();
		insertEvent.run(
			seq,
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
		insertBody.run(seq, event.bodyKeyId, event.body);
		makeDeliveries(seq, wanted, event.receivedAt);
		keys.put(event.sourceId, event.dedupeKey, seq, event.receivedAt);
		return { kind: 'stored', eventId: event.id, deliveries: wanted.length };
	}

	function complete(event: NewEvent, known: Known, seq: number): IngestOutcome {
		const { sourceId, dedupeKey, truncated } = event;
		keys.complete(sourceId, dedupeKey, seq);
		replaceEvent.run(JSON.stringify(event.attributes), event.contentType, truncated, event.bytes, seq);
		replaceBody.run(event.bodyKeyId, event.body, seq);
		const still = new Set(all<{ subscription_id: string }>(waiting, seq).map((row) => row.subscription_id));
		const wanted = targets.of(event).filter((id) => !still.has(id));
		makeDeliveries(seq, wanted, event.receivedAt);
		return { kind: 'completed', eventId: known.eventId, deliveries: wanted.length };
	}

	return (event) => {
		const { sourceId, dedupeKey } = event;
		const known = keys.find(sourceId, dedupeKey);
		if (!known) return store(event);
		if (known.truncated > 0 && event.truncated === 0 && event.state === 'accepted') {
			const kept = first<{ seq: number }>(seqOf, known.eventId);
			// Null when retention took the event already: there is nothing left to complete.
			if (kept) return complete(event, known, kept.seq);
		}
		countDuplicate.run(known.eventId);
		return { kind: 'duplicate', eventId: known.eventId };
	};
}
