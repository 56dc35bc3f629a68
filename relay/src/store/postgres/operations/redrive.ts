import { deliveryRow } from '../../delivery-id.ts';
import type { Store } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';

// SKIP LOCKED: what another relay makes ready just now is made ready. The subscriptions are held as by a webhook
// being stored: see make-deliveries.ts. So are the events, for retention: what that is about to delete stays dead.
const REDRIVE = statement(
	'redrive',
	`WITH target AS (SELECT id FROM subscriptions WHERE status = 'active' FOR KEY SHARE), dead AS (
		SELECT id, event_seq FROM deliveries
		WHERE state = 'dead' AND ($1::bigint IS NULL OR id = $1) AND ($2::text IS NULL OR subscription_id = $2)
			AND subscription_id IN (SELECT id FROM target)
		ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
	), event AS (
		SELECT seq FROM events WHERE seq = ANY (ARRAY(SELECT event_seq FROM dead)) FOR KEY SHARE SKIP LOCKED)
	UPDATE deliveries d SET state = 'ready', due_at = $4, scheduled = 0, conflict_since = NULL, dead_reason = NULL
	FROM dead JOIN event ON seq = dead.event_seq WHERE d.id = dead.id RETURNING d.id`,
);

/** Makes dead deliveries of active subscriptions ready again, oldest first. */
export const redrive = (db: Database) => ({
	async redrive({
		deliveryId,
		subscriptionId,
		limit,
		now,
	}: Parameters<Store['redrive']>[0]): Promise<number> {
		const only = deliveryId === undefined ? null : deliveryRow(deliveryId);
		return (await db.query(REDRIVE, [only, subscriptionId ?? null, limit, now])).length;
	},
});
