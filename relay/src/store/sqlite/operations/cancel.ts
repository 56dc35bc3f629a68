import type { DatabaseSync } from 'node:sqlite';
import { deliveryRow } from '../../delivery-id.ts';
import { prepareFirstDue } from '../first-due.ts';
import { first } from '../query.ts';

/** Ends a delivery that is not final. An attempt under way is fenced off: it is leased no more. */
export function prepareCancel(db: DatabaseSync): (id: string) => 'cancelled' | 'final' | null {
	const noteFirstDue = prepareFirstDue(db);
	const cancel = db.prepare(`
		UPDATE deliveries SET state = 'cancelled' WHERE id = ? AND state IN ('ready', 'leased')
		RETURNING subscription_id`);
	const exists = db.prepare('SELECT 1 FROM deliveries WHERE id = ?');
	return (id) => {
		const row = first<{ subscription_id: string }>(cancel, deliveryRow(id));
		if (!row) return exists.get(deliveryRow(id)) ? 'final' : null;
		noteFirstDue(row.subscription_id);
		return 'cancelled';
	};
}
