import { statement } from '../database.ts';
import type { Database, Query } from '../database.ts';

// The full lock waits for webhooks being stored, which hold a share of it while they make their deliveries, and
// makes later ones see that there is nobody to deliver to. The statement after it sees all they have made.
const LOCK = statement('lock subscription', 'SELECT id FROM subscriptions WHERE id = $1 FOR UPDATE');
const REMOVE = statement('delete subscription', 'DELETE FROM subscriptions WHERE id = $1');
const END = statement('end subscription', "UPDATE subscriptions SET status = 'ended' WHERE id = $1");
// Spelt out, so that each side has its index: IN would read all deliveries the subscription ever had.
const CANCEL = statement(
	'cancel pending',
	"UPDATE deliveries SET state = 'cancelled' WHERE subscription_id = $1 AND (state = 'ready' OR state = 'leased')",
);

/** The receiver is gone: nothing is sent there any more. */
export async function endSubscription(query: Query, id: string): Promise<void> {
	await query(LOCK, [id]);
	await query(END, [id]);
	await query(CANCEL, [id]);
}

export const stopSubscription = (db: Database) => ({
	deleteSubscription: (id: string): Promise<boolean> =>
		db.transaction(async (query) => {
			if ((await query(LOCK, [id])).length === 0) return false;
			await query(REMOVE, [id]);
			await query(CANCEL, [id]);
			return true;
		}),
});
