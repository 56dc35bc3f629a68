import type { DatabaseSync } from 'node:sqlite';
import { STOP_SLICE } from '../../stop-slice.ts';
import { prepareFirstDue } from '../first-due.ts';
import { all } from '../query.ts';

/** The two ways a subscription stops: removed by its owner, or ended because its receiver is gone. */
export function prepareStopSubscription(db: DatabaseSync) {
	const noteFirstDue = prepareFirstDue(db);
	const remove = db.prepare('DELETE FROM subscriptions WHERE id = ?');
	const end = db.prepare("UPDATE subscriptions SET status = 'ended' WHERE id = ?");
	const note = db.prepare('INSERT INTO stopped_subscriptions (id) VALUES (?) ON CONFLICT DO NOTHING');
	const noted = db.prepare('SELECT id FROM stopped_subscriptions ORDER BY id');
	const forget = db.prepare('DELETE FROM stopped_subscriptions WHERE id = ?');
	// One index each: an OR over both states would read all deliveries the subscription ever had.
	const cancelReady = db.prepare(`
		UPDATE deliveries SET state = 'cancelled' WHERE id IN (
			SELECT id FROM deliveries INDEXED BY deliveries_ready
			WHERE subscription_id = ? AND state = 'ready' ORDER BY due_at LIMIT ?)`);
	// As many as its concurrency, and those whose leases have run out.
	const cancelLeased = db.prepare(`
		UPDATE deliveries INDEXED BY deliveries_leased SET state = 'cancelled' WHERE subscription_id = ? AND state = 'leased'`);

	/** Cancels up to `limit`, and notes the subscription while there may be more. */
	function cancelSome(id: string, limit: number): number {
		const cancelled = Number(cancelReady.run(id, limit).changes);
		if (cancelled === limit) note.run(id);
		else forget.run(id);
		return cancelled;
	}

	function cancelPending(id: string): void {
		cancelLeased.run(id);
		cancelSome(id, STOP_SLICE);
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
		cancelStopped(limit: number): number {
			let left = limit;
			for (const { id } of all<{ id: string }>(noted)) {
				if (left === 0) break;
				left -= cancelSome(id, left);
			}
			return limit - left;
		},
	};
}
