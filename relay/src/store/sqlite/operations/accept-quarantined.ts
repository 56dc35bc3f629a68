import type { DatabaseSync } from 'node:sqlite';
import type { IngestOutcome, NewEvent } from '../../port.ts';
import { first } from '../query.ts';
import type { DedupeKeys } from '../dedupe-keys.ts';
import type { Targets } from '../targets.ts';
import type { MakeDeliveries } from './make-deliveries.ts';

type Read = Pick<NewEvent, 'dedupeKey' | 'type' | 'workflowId' | 'attributes' | 'truncated'>;

/** Takes an event out of quarantine and makes its deliveries. All keys but those of its batch are in dedupe_keys then: see batch.ts. */
export function prepareAcceptQuarantined(
	db: DatabaseSync,
	parts: { keys: DedupeKeys; targets: Targets; makeDeliveries: MakeDeliveries },
) {
	const { keys, targets, makeDeliveries } = parts;
	const find = db.prepare(
		"SELECT seq, source_id, received_at FROM events WHERE id = ? AND state = 'quarantined'",
	);
	const accept = db.prepare(`
		UPDATE events SET state = 'accepted', quarantine_reason = NULL, dedupe_key = ?, type = ?, workflow_id = ?,
			attributes = ?, truncated = ?
		WHERE seq = ?`);

	return (eventId: string, read: Read, now: number): IngestOutcome | null => {
		const event = first<{ seq: number; source_id: string; received_at: number }>(find, eventId);
		if (!event) return null;
		const { seq, source_id: sourceId } = event;
		const { dedupeKey, type, workflowId, attributes, truncated } = read;
		const known = keys.find(sourceId, dedupeKey);
		if (known && known.eventId !== eventId) return { kind: 'duplicate', eventId: known.eventId };
		// The key it was stored under stays as well: the same bytes again are still the same event.
		keys.write({ sourceId, key: dedupeKey, eventId, seq, truncated, receivedAt: event.received_at });
		accept.run(dedupeKey, type, workflowId, JSON.stringify(attributes), truncated, seq);
		const wanted = targets.of({ state: 'accepted', type, attributes });
		makeDeliveries(seq, wanted, now);
		return { kind: 'stored', eventId, deliveries: wanted.length };
	};
}
