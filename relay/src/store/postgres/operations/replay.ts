import { deliveryRow } from '../../delivery-id.ts';
import { StoreError } from '../../port.ts';
import type { StoredDelivery } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';
import { readDelivery } from './get-deliveries.ts';

const FIND = statement('find for replay', 'SELECT event_seq, subscription_id FROM deliveries WHERE id = $1');
// Held as by a webhook being stored: see make-deliveries.ts.
const ACTIVE = statement(
	'active subscription',
	"SELECT id FROM subscriptions WHERE id = $1 AND status = 'active' FOR KEY SHARE",
);
// Of one event there are few.
const CANCEL_WAITING = statement(
	'cancel waiting',
	"UPDATE deliveries SET state = 'cancelled' WHERE event_seq = $1 AND subscription_id = $2 AND state = 'ready'",
);
const INSERT = statement(
	'replay',
	`INSERT INTO deliveries (event_seq, subscription_id, state, due_at, created_at) VALUES ($1, $2, 'ready', $3, $3)
	RETURNING id`,
);

/** Makes a new delivery of the same event to the same subscription, in place of a retry that waits. */
export const replay = (db: Database) => ({
	replay: (id: string, now: number): Promise<StoredDelivery | null> =>
		db.transaction(async ({ query }) => {
			const [row] = await query<{ event_seq: number; subscription_id: string }>(FIND, [deliveryRow(id)]);
			if (!row) return null;
			const { event_seq: event, subscription_id: subscription } = row;
			if ((await query(ACTIVE, [subscription])).length === 0) {
				throw new StoreError('conflict', 'The subscription of this delivery is gone or has ended.');
			}
			await query(CANCEL_WAITING, [event, subscription]);
			const [made] = await query<{ id: number }>(INSERT, [event, subscription, now]);
			return made ? readDelivery(query, made.id) : null;
		}),
});
