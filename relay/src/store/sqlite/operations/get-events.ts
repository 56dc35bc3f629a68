import type { DatabaseSync } from 'node:sqlite';
import type { EventType } from '../../../contract/relay-api.ts';
import type { EventFilter, Store, StoredBody, StoredEvent } from '../../port.ts';
import { first } from '../query.ts';

interface Row {
	id: string;
	source_id: string;
	origin: StoredEvent['origin'];
	dedupe_key: string;
	state: StoredEvent['state'];
	quarantine_reason: string | null;
	type: EventType | null;
	workflow_id: string | null;
	attributes: string;
	content_type: string;
	truncated: number;
	received_at: number;
	duplicates: number;
	variants: number;
	bytes: number;
}

const COLUMNS = `id, source_id, origin, dedupe_key, state, quarantine_reason, type, workflow_id, attributes,
	content_type, truncated, received_at, duplicates, variants, bytes`;

/** Reads of events. Pages go by order of arrival (seq), so they hold still while events come in. */
export function prepareGetEvents(db: DatabaseSync) {
	const byId = db.prepare(`SELECT ${COLUMNS} FROM events WHERE id = ?`);
	// Behind one that is gone the walk goes on at the newest that is older by its id, which begins with the time.
	const placeOf = db.prepare(
		'SELECT seq + (id <> ?1) AS seq FROM events WHERE id <= ?1 ORDER BY id DESC LIMIT 1',
	);
	const page = db.prepare(`SELECT ${COLUMNS} FROM events WHERE seq < :before ORDER BY seq DESC LIMIT :limit`);
	// Nearly all are accepted: walking back from the newest finds a page of them at once.
	const accepted = db.prepare(`
		SELECT ${COLUMNS} FROM events WHERE seq < :before AND state = 'accepted' ORDER BY seq DESC LIMIT :limit`);
	const quarantined = db.prepare(`
		SELECT ${COLUMNS} FROM events INDEXED BY events_quarantined
		WHERE seq < :before AND state = 'quarantined' ORDER BY seq DESC LIMIT :limit`);
	// Accepted events by their dedupe key, one look-up for each source and segment, and among the newest, whose keys are not in
	// the table yet (dedupe-keys.ts); quarantined ones by an index of their own.
	const ofWorkflow = db.prepare(`
		SELECT ${COLUMNS} FROM events
		WHERE seq < :before AND (:state IS NULL OR state = :state) AND seq IN (
			SELECT e.seq FROM dedupe_segments g CROSS JOIN sources s
			CROSS JOIN dedupe_keys k ON k.segment = g.segment AND k.source_id = s.id AND k.key = 'workflow:' || :workflow
			JOIN events e ON e.id = k.event_id
			UNION ALL
			SELECT seq FROM events
			WHERE seq > (SELECT keys_up_to FROM progress) AND dedupe_key = 'workflow:' || :workflow
			UNION ALL
			SELECT seq FROM events WHERE state = 'quarantined' AND workflow_id = :workflow)
		ORDER BY seq DESC LIMIT :limit`);
	const body = db.prepare(`
		SELECT b.body, b.key_id, e.content_type FROM events e JOIN bodies b ON b.event_seq = e.seq WHERE e.id = ?`);

	return {
		getEvent(id: string): StoredEvent | null {
			const row = first<Row>(byId, id);
			return row ? fromRow(row) : null;
		},
		listEvents({ limit, before, workflowId, state }: Parameters<Store['listEvents']>[0]): StoredEvent[] {
			const seq =
				before === undefined ? Number.MAX_SAFE_INTEGER : (first<{ seq: number }>(placeOf, before)?.seq ?? 0);
			const from = { before: seq, limit };
			const rows =
				workflowId !== undefined
					? ofWorkflow.all({ ...from, workflow: workflowId, state: state ?? null })
					: (state === undefined ? page : state === 'accepted' ? accepted : quarantined).all(from);
			return (rows as unknown as Row[]).map(fromRow);
		},
		getBody(eventId: string): StoredBody | null {
			const row = first<{ body: Uint8Array; key_id: number | null; content_type: string }>(body, eventId);
			return row ? { body: Buffer.from(row.body), keyId: row.key_id, contentType: row.content_type } : null;
		},
	};
}

const fromRow = (row: Row): StoredEvent => ({
	id: row.id,
	sourceId: row.source_id,
	origin: row.origin,
	dedupeKey: row.dedupe_key,
	state: row.state,
	quarantineReason: row.quarantine_reason,
	type: row.type,
	workflowId: row.workflow_id,
	attributes: JSON.parse(row.attributes) as EventFilter,
	contentType: row.content_type,
	truncated: row.truncated,
	receivedAt: row.received_at,
	duplicates: row.duplicates,
	variants: row.variants,
	bytes: row.bytes,
});
