import type { DatabaseSync } from 'node:sqlite';
import type { EventType } from '../../contract/relay-api.ts';
import type { EventFilter, StoredEvent } from '../port.ts';

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
	bytes: number;
}

const COLUMNS = `id, source_id, origin, dedupe_key, state, quarantine_reason, type, workflow_id, attributes,
	content_type, truncated, received_at, duplicates, bytes`;

/** Reads of events. Pages go by order of arrival (seq), so they hold still while events come in. */
export function prepareEvents(db: DatabaseSync) {
	const byId = db.prepare(`SELECT ${COLUMNS} FROM events WHERE id = ?`);
	const seqOf = db.prepare('SELECT seq FROM events WHERE id = ?');
	const page = db.prepare(`SELECT ${COLUMNS} FROM events WHERE seq < ? ORDER BY seq DESC LIMIT ?`);
	// Accepted events by their dedupe key, one look-up for each source; quarantined ones by an index of their own.
	const pageOfWorkflow = db.prepare(`
		SELECT ${COLUMNS} FROM events
		WHERE seq < :before AND seq IN (
			SELECT e.seq FROM sources s
			JOIN dedupe_keys k ON k.source_id = s.id AND k.key = 'workflow:' || :workflow
			JOIN events e ON e.id = k.event_id
			UNION ALL
			SELECT seq FROM events WHERE state = 'quarantined' AND workflow_id = :workflow)
		ORDER BY seq DESC LIMIT :limit`);

	return {
		get(id: string): StoredEvent | null {
			const row = byId.get(id) as unknown as Row | undefined;
			return row ? fromRow(row) : null;
		},
		list(options: { limit: number; before?: string; workflowId?: string }): StoredEvent[] {
			const { limit, before, workflowId } = options;
			const seq =
				before === undefined
					? Number.MAX_SAFE_INTEGER
					: // An event that is gone ends the walk: there is no place to go on from.
						((seqOf.get(before) as { seq: number } | undefined)?.seq ?? 0);
			const rows =
				workflowId === undefined
					? page.all(seq, limit)
					: pageOfWorkflow.all({ workflow: workflowId, before: seq, limit });
			return (rows as unknown as Row[]).map(fromRow);
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
	bytes: row.bytes,
});
