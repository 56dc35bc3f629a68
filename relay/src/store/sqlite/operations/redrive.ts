import type { DatabaseSync } from 'node:sqlite';
import type { Store } from '../../port.ts';
import { deliveryRow } from '../../delivery-id.ts';
import { prepareFirstDue } from '../first-due.ts';
import { all } from '../query.ts';

/** Makes dead deliveries of active subscriptions ready again, oldest first. */
export function prepareRedrive(db: DatabaseSync): (options: Parameters<Store['redrive']>[0]) => number {
	const noteFirstDue = prepareFirstDue(db);
	// Out of the index alone, in its order: those of ended subscriptions are passed over without being read.
	const dead = db.prepare(`
		SELECT id, subscription_id FROM deliveries INDEXED BY deliveries_given_up
		WHERE state = 'dead' AND (?1 IS NULL OR id = ?1) AND (?2 IS NULL OR subscription_id = ?2)
			AND subscription_id IN (SELECT id FROM subscriptions WHERE status = 'active')
		ORDER BY id LIMIT ?3`);
	const revive = db.prepare(
		"UPDATE deliveries SET state = 'ready', due_at = ?, scheduled = 0, conflict_since = NULL, dead_reason = NULL WHERE id = ?",
	);
	return ({ deliveryId, subscriptionId, limit, now }) => {
		const only = deliveryId === undefined ? null : deliveryRow(deliveryId);
		const rows = all<{ id: number; subscription_id: string }>(dead, only, subscriptionId ?? null, limit);
		for (const { id } of rows) revive.run(now, id);
		for (const id of new Set(rows.map((row) => row.subscription_id))) noteFirstDue(id);
		return rows.length;
	};
}
