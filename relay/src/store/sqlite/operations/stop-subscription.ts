import type { DatabaseSync } from 'node:sqlite';
import { prepareFirstDue } from '../first-due.ts';

/** The two ways a subscription stops: removed by its owner, or ended because its receiver is gone. */
export function prepareStopSubscription(db: DatabaseSync) {
	const noteFirstDue = prepareFirstDue(db);
	const remove = db.prepare('DELETE FROM subscriptions WHERE id = ?');
	const end = db.prepare("UPDATE subscriptions SET status = 'ended' WHERE id = ?");
	// One index each: an OR over both states would read all deliveries the subscription ever had.
	const cancelReady = db.prepare(`
		UPDATE deliveries INDEXED BY deliveries_ready SET state = 'cancelled' WHERE subscription_id = ? AND state = 'ready'`);
	const cancelLeased = db.prepare(`
		UPDATE deliveries INDEXED BY deliveries_leased SET state = 'cancelled' WHERE subscription_id = ? AND state = 'leased'`);

	function cancelPending(id: string): void {
		cancelReady.run(id);
		cancelLeased.run(id);
	}

	return {
		deleteSubscription(id: string): boolean {
			if (remove.run(id).changes === 0) return false;
			cancelPending(id);
			return true;
		},
		endSubscription(id: string): void {
			end.run(id);
			cancelPending(id);
			noteFirstDue(id);
		},
	};
}
