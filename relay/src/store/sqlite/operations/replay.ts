import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../port.ts';
import type { StoredDelivery } from '../../port.ts';
import { deliveryId, deliveryRow } from '../../delivery-id.ts';
import { prepareFirstDue } from '../first-due.ts';
import { first } from '../query.ts';
import { prepareGetDeliveries } from './get-deliveries.ts';

/** Makes a new delivery of the same event to the same subscription, in place of a retry that waits. */
export function prepareReplay(db: DatabaseSync): (id: string, now: number) => StoredDelivery | null {
	const noteFirstDue = prepareFirstDue(db);
	const deliveries = prepareGetDeliveries(db);
	const find = db.prepare('SELECT event_seq, subscription_id FROM deliveries WHERE id = ?');
	const active = db.prepare("SELECT 1 FROM subscriptions WHERE id = ? AND status = 'active'");
	// Of one event there are few.
	const cancelWaiting = db.prepare(`
		UPDATE deliveries INDEXED BY deliveries_event SET state = 'cancelled'
		WHERE event_seq = ? AND subscription_id = ? AND state = 'ready'`);
	const insert = db.prepare(`
		INSERT INTO deliveries (event_seq, subscription_id, state, due_at, created_at) VALUES (?1, ?2, 'ready', ?3, ?3)`);

	return (id, now) => {
		const row = first<{ event_seq: number; subscription_id: string }>(find, deliveryRow(id));
		if (!row) return null;
		const { event_seq: event, subscription_id: subscription } = row;
		if (!active.get(subscription)) {
			throw new StoreError('conflict', 'The subscription of this delivery is gone or has ended.');
		}
		cancelWaiting.run(event, subscription);
		const { lastInsertRowid } = insert.run(event, subscription, now);
		noteFirstDue(subscription);
		return deliveries.getDelivery(deliveryId(Number(lastInsertRowid)));
	};
}
