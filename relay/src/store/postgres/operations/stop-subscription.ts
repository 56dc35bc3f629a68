import { STOP_SLICE } from '../../stop-slice.ts';
import { statement } from '../database.ts';
import type { Database, Query } from '../database.ts';

// The full lock waits for webhooks being stored, which hold a share of it while they make their deliveries, and
// makes later ones see that there is nobody to deliver to. The statements after it see all they have made.
const LOCK = statement('lock subscription', 'SELECT id FROM subscriptions WHERE id = $1 FOR UPDATE');
const REMOVE = statement('delete subscription', 'DELETE FROM subscriptions WHERE id = $1');
const END = statement('end subscription', "UPDATE subscriptions SET status = 'ended' WHERE id = $1");
// As many as its concurrency, and those whose leases have run out. In the order of settle.ts, or each would wait for the other.
const CANCEL_LEASED = statement(
	'cancel leased',
	`UPDATE deliveries SET state = 'cancelled' WHERE id = ANY (ARRAY(
		SELECT id FROM deliveries WHERE subscription_id = $1 AND state = 'leased' ORDER BY id FOR UPDATE))`,
);
const CANCEL_READY = statement(
	'cancel ready',
	`UPDATE deliveries SET state = 'cancelled' WHERE id IN (
		SELECT id FROM deliveries WHERE subscription_id = $1 AND state = 'ready' ORDER BY due_at, id LIMIT $2 FOR UPDATE)
	RETURNING id`,
);
const NOTE = statement(
	'note stopped subscription',
	'INSERT INTO stopped_subscriptions (id) VALUES ($1) ON CONFLICT DO NOTHING',
);
// SKIP LOCKED: what another relay goes on with is in its hands.
const NOTED = statement(
	'stopped subscriptions',
	'SELECT id FROM stopped_subscriptions ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED',
);
const FORGET = statement('forget stopped subscription', 'DELETE FROM stopped_subscriptions WHERE id = $1');

/** Cancels up to `limit`, and notes the subscription while there may be more. */
async function cancelSome(query: Query, id: string, limit: number): Promise<number> {
	const cancelled = (await query(CANCEL_READY, [id, limit])).length;
	await query(cancelled === limit ? NOTE : FORGET, [id]);
	return cancelled;
}

async function cancelPending(query: Query, id: string): Promise<void> {
	await query(CANCEL_LEASED, [id]);
	await cancelSome(query, id, STOP_SLICE);
}

/** The receiver is gone: nothing is sent there any more. */
export async function endSubscription(query: Query, id: string): Promise<void> {
	await query(LOCK, [id]);
	await query(END, [id]);
	await cancelPending(query, id);
}

export const stopSubscription = (db: Database) => ({
	deleteSubscription: (id: string): Promise<boolean> =>
		db.transaction(async ({ query }) => {
			if ((await query(LOCK, [id])).length === 0) return false;
			await query(REMOVE, [id]);
			await cancelPending(query, id);
			return true;
		}),
	cancelStopped: (limit: number): Promise<number> =>
		db.transaction(async ({ query }) => {
			let left = limit;
			while (left > 0) {
				const [stopped] = await query<{ id: string }>(NOTED);
				if (!stopped) break;
				left -= await cancelSome(query, stopped.id, left);
			}
			return limit - left;
		}),
});
