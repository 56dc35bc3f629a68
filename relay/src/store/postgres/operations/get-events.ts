import type { EventType } from '../../../contract/relay-api.ts';
import type { EventFilter, Store, StoredBody, StoredEvent } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';
import { fromFilterJson } from '../subscription-row.ts';
import { fromText, fromTextOrNull, toText } from '../text.ts';

interface Row {
	id: string;
	source_id: string;
	origin: StoredEvent['origin'];
	dedupe_key: string;
	state: StoredEvent['state'];
	quarantine_reason: string | null;
	type: EventType | null;
	workflow_id: string | null;
	attributes: EventFilter;
	content_type: string;
	truncated: number;
	received_at: number;
	duplicates: number;
	variants: number;
	bytes: number;
}

const SELECT = `SELECT id, source_id, origin, dedupe_key, state, quarantine_reason, type, workflow_id, attributes,
	content_type, truncated, received_at, duplicates, variants, bytes FROM events`;

const BY_ID = statement('event', `${SELECT} WHERE id = $1`);
// Behind one that is gone the walk goes on at the newest that is older by its id, which begins with the time.
const BEFORE = `($1::text IS NULL OR seq < coalesce(
	(SELECT seq + (id <> $1)::integer FROM events WHERE id <= $1 ORDER BY id DESC LIMIT 1), 0))`;
const PAGE = `${BEFORE} ORDER BY seq DESC LIMIT $2`;
const EVERY = statement('events', `${SELECT} WHERE ${PAGE}`);
// Nearly all are accepted: walking back from the newest finds a page of them at once.
const ACCEPTED = statement('accepted events', `${SELECT} WHERE state = 'accepted' AND ${PAGE}`);
const QUARANTINED = statement('quarantined events', `${SELECT} WHERE state = 'quarantined' AND ${PAGE}`);
// Accepted events by their dedupe key, one look-up for each source; quarantined ones by an index of their own.
const OF_WORKFLOW = statement(
	'events of workflow',
	`${SELECT} WHERE seq IN (
		SELECT e.seq FROM sources s
		JOIN dedupe_keys k ON k.source_id = s.id AND k.key = 'workflow:' || $3
		JOIN events e ON e.id = k.event_id
		UNION ALL
		SELECT seq FROM events WHERE state = 'quarantined' AND workflow_id = $3)
	AND ($4::text IS NULL OR state = $4) AND ${PAGE}`,
);
const BODY = statement(
	'body',
	`SELECT b.body, b.key_id, e.content_type FROM events e JOIN bodies b ON b.event_seq = e.seq WHERE e.id = $1`,
);

/** Reads of events. Pages go by order of arrival (seq), so they hold still while events come in. */
export const getEvents = (db: Database) => ({
	async getEvent(id: string): Promise<StoredEvent | null> {
		const [row] = await db.repeatable<Row>(BY_ID, [toText(id)]);
		return row ? fromRow(row) : null;
	},
	async listEvents(options: Parameters<Store['listEvents']>[0]): Promise<StoredEvent[]> {
		const { limit, before, workflowId, state } = options;
		const page = [before === undefined ? null : toText(before), limit];
		const rows = await (workflowId !== undefined
			? db.repeatable<Row>(OF_WORKFLOW, [...page, toText(workflowId), state ?? null])
			: db.repeatable<Row>(
					state === undefined ? EVERY : state === 'accepted' ? ACCEPTED : QUARANTINED,
					page,
				));
		return rows.map(fromRow);
	},
	async getBody(eventId: string): Promise<StoredBody | null> {
		const [row] = await db.repeatable<{ body: Buffer; key_id: number | null; content_type: string }>(BODY, [
			toText(eventId),
		]);
		return row ? { body: row.body, keyId: row.key_id, contentType: row.content_type } : null;
	},
});

const fromRow = (row: Row): StoredEvent => ({
	id: row.id,
	sourceId: row.source_id,
	origin: row.origin,
	dedupeKey: fromText(row.dedupe_key),
	state: row.state,
	quarantineReason: fromTextOrNull(row.quarantine_reason),
	type: row.type,
	workflowId: fromTextOrNull(row.workflow_id),
	attributes: fromFilterJson(row.attributes),
	contentType: row.content_type,
	truncated: row.truncated,
	receivedAt: row.received_at,
	duplicates: row.duplicates,
	variants: row.variants,
	bytes: row.bytes,
});
