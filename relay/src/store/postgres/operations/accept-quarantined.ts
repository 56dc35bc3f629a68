import type { IngestOutcome, NewEvent } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';
import { toFilterJson } from '../subscription-row.ts';
import { toText, toTextOrNull } from '../text.ts';
import { makeDeliveries } from './make-deliveries.ts';

type Read = Pick<NewEvent, 'dedupeKey' | 'type' | 'workflowId' | 'attributes' | 'truncated'>;

const FIND = statement(
	'quarantined event',
	"SELECT seq, source_id, received_at FROM events WHERE id = $1 AND state = 'quarantined' FOR UPDATE",
);
// The key it was stored under stays as well: the same bytes again are still the same event. A key that is there is
// written back as it is, for its row.
const PUT_KEY = statement(
	'key of quarantined event',
	`INSERT INTO dedupe_keys AS k (source_id, key, event_id, truncated, received_at) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (source_id, key) DO UPDATE SET
		truncated = CASE WHEN k.event_id = excluded.event_id THEN excluded.truncated ELSE k.truncated END
	RETURNING event_id`,
);
const ACCEPT = statement(
	'accept event',
	`UPDATE events SET state = 'accepted', quarantine_reason = NULL, dedupe_key = $2, type = $3, workflow_id = $4,
		attributes = $5, truncated = $6
	WHERE seq = $1`,
);

/** Takes an event out of quarantine and makes its deliveries. */
export const acceptQuarantined = (db: Database) => ({
	acceptQuarantined: (eventId: string, read: Read, now: number): Promise<IngestOutcome | null> =>
		db.transaction(async ({ query }) => {
			const [event] = await query<{ seq: number; source_id: string; received_at: number }>(FIND, [
				toText(eventId),
			]);
			if (!event) return null;
			const { type, attributes, truncated } = read;
			const dedupeKey = toText(read.dedupeKey);
			const [key] = await query<{ event_id: string }>(PUT_KEY, [
				event.source_id,
				dedupeKey,
				eventId,
				truncated,
				event.received_at,
			]);
			if (key && key.event_id !== eventId) return { kind: 'duplicate', eventId: key.event_id };
			const { seq } = event;
			await query(ACCEPT, [
				seq,
				dedupeKey,
				type,
				toTextOrNull(read.workflowId),
				toFilterJson(attributes),
				truncated,
			]);
			return {
				kind: 'stored',
				eventId,
				deliveries: await makeDeliveries(query, { seq, type, attributes }, now),
			};
		}),
});
