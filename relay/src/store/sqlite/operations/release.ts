import type { DatabaseSync } from 'node:sqlite';
import { deliveryRow } from '../../delivery-id.ts';
import { prepareFirstDue } from '../first-due.ts';
import { all, first } from '../query.ts';

/** Hands claims back. */
export function prepareRelease(db: DatabaseSync) {
	const noteFirstDue = prepareFirstDue(db);
	const release = db.prepare(`
		UPDATE deliveries SET state = 'ready', due_at = ?
		WHERE id = ? AND state = 'leased' AND attempt = ?
		RETURNING subscription_id`);
	const endLeases = db.prepare("UPDATE deliveries SET due_at = ?1 WHERE state = 'leased' AND due_at > ?1");
	const withPending = db.prepare('SELECT id FROM subscriptions WHERE first_due_at IS NOT NULL');

	return {
		release(claims: { deliveryId: string; attempt: number }[], now: number): void {
			for (const { deliveryId, attempt } of claims) {
				const row = first<{ subscription_id: string }>(release, now, deliveryRow(deliveryId), attempt);
				if (row) noteFirstDue(row.subscription_id);
			}
		},
		/** Ends every lease: for a process that knows that no other one is delivering. */
		endLeases(at: number): void {
			endLeases.run(at);
			for (const { id } of all<{ id: string }>(withPending)) noteFirstDue(id);
		},
	};
}
