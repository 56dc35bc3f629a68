import type { DatabaseSync } from 'node:sqlite';
import type { Store } from '../../port.ts';
import { prepareFirstDue } from '../first-due.ts';
import { all } from '../query.ts';

/** Makes dead what waits behind a breaker that nothing has got through for too long. */
export function prepareGiveUp(db: DatabaseSync): (options: Parameters<Store['giveUp']>[0]) => number {
	const noteFirstDue = prepareFirstDue(db);
	const down = db.prepare(`
		SELECT id FROM subscriptions INDEXED BY subscriptions_open
		WHERE probe_at IS NOT NULL AND status = 'active' AND failing_since < ?`);
	const giveUp = db.prepare(`
		UPDATE deliveries SET state = 'dead', dead_reason = 'receiver_down' WHERE id IN (
			SELECT id FROM deliveries INDEXED BY deliveries_ready
			WHERE subscription_id = ? AND state = 'ready' AND due_at < ? ORDER BY due_at LIMIT ?)`);

	return ({ before, limit }) => {
		let left = limit;
		for (const { id } of all<{ id: string }>(down, before)) {
			if (left === 0) break;
			const given = Number(giveUp.run(id, before, left).changes);
			if (given > 0) noteFirstDue(id);
			left -= given;
		}
		return limit - left;
	};
}
