import type { DatabaseSync } from 'node:sqlite';
import type { EventFilter, IngestOutcome, NewEvent } from '../port.ts';

/** A subscription as ingest needs it: whom to make a delivery for. */
interface Target {
	id: string;
	events: string;
	filter: string;
}

/** Stores one event with its dedupe key and its deliveries. Runs inside the caller's transaction. */
export function prepareIngest(db: DatabaseSync): (event: NewEvent) => IngestOutcome {
	// Primary key look-up: one B-tree descent.
	const findKey = db.prepare('SELECT event_id, truncated FROM dedupe_keys WHERE source_id = ? AND key = ?');
	const insertKey = db.prepare(
		'INSERT INTO dedupe_keys (source_id, key, event_id, truncated) VALUES (?, ?, ?, ?)',
	);
	const insertEvent = db.prepare(`
		INSERT INTO events (id, source_id, origin, dedupe_key, state, quarantine_reason, type, workflow_id, attributes,
			content_type, truncated, received_at, bytes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
	const insertBody = db.prepare('INSERT INTO bodies (event_seq, body) VALUES (?, ?)');
	const countDuplicate = db.prepare('UPDATE events SET duplicates = duplicates + 1 WHERE id = ?');
	// The partial unique index holds the active ones only; there are few.
	const activeSubscriptions = db.prepare(
		"SELECT id, events, filter FROM subscriptions WHERE status = 'active'",
	);
	const insertDelivery = db.prepare(
		"INSERT INTO deliveries (event_id, subscription_id, state, due_at) VALUES (?, ?, 'ready', ?)",
	);
	const replaceEvent = db.prepare(`
		UPDATE events SET state = ?, quarantine_reason = ?, attributes = ?, content_type = ?, truncated = ?, bytes = ?,
			duplicates = duplicates + 1
		WHERE id = ?`);
	const replaceBody = db.prepare(
		'INSERT OR REPLACE INTO bodies (event_seq, body) SELECT seq, ? FROM events WHERE id = ?',
	);
	const completeKey = db.prepare('UPDATE dedupe_keys SET truncated = ? WHERE source_id = ? AND key = ?');
	// What was not delivered yet will be sent complete; sending it twice would help nobody.
	const pendingOfEvent = db.prepare(
		"SELECT subscription_id FROM deliveries WHERE event_id = ? AND state = 'ready'",
	);

	function deliver(event: NewEvent, eventId: string, except: ReadonlySet<string>): number {
		if (event.state !== 'accepted' || event.type === null) return 0;
		let deliveries = 0;
		for (const target of activeSubscriptions.all() as unknown as Target[]) {
			if (except.has(target.id) || !wants(target, event.type, event.attributes)) continue;
			insertDelivery.run(eventId, target.id, event.receivedAt);
			deliveries++;
		}
		return deliveries;
	}

	function store(event: NewEvent): IngestOutcome {
		insertKey.run(event.sourceId, event.dedupeKey, event.id, event.truncated);
		const { lastInsertRowid: seq } = insertEvent.run(
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
			event.body.length,
		);
		insertBody.run(seq, event.body);
		return { kind: 'stored', eventId: event.id, deliveries: deliver(event, event.id, new Set()) };
	}

	function complete(event: NewEvent, eventId: string): IngestOutcome {
		completeKey.run(event.truncated, event.sourceId, event.dedupeKey);
		replaceEvent.run(
			event.state,
			event.quarantineReason,
			JSON.stringify(event.attributes),
			event.contentType,
			event.truncated,
			event.body.length,
			eventId,
		);
		replaceBody.run(event.body, eventId);
		const pending = pendingOfEvent.all(eventId) as { subscription_id: string }[];
		const deliveries = deliver(event, eventId, new Set(pending.map((row) => row.subscription_id)));
		return { kind: 'completed', eventId, deliveries };
	}

	return (event) => {
		const known = findKey.get(event.sourceId, event.dedupeKey) as
			{ event_id: string; truncated: number } | undefined;
		if (!known) return store(event);
		if (known.truncated > 0 && event.truncated === 0 && event.state === 'accepted') {
			return complete(event, known.event_id);
		}
		countDuplicate.run(known.event_id);
		return { kind: 'duplicate', eventId: known.event_id };
	};
}

function wants(target: Target, type: string, attributes: EventFilter): boolean {
	if (!(JSON.parse(target.events) as string[]).includes(type)) return false;
	const filter = JSON.parse(target.filter) as EventFilter;
	return Object.entries(filter).every(([field, value]) => attributes[field as keyof EventFilter] === value);
}
