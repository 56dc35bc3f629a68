import type { DatabaseSync } from 'node:sqlite';
import type { Subscription, SubscriptionChanges } from '../../port.ts';
import { prepareFirstDue } from '../first-due.ts';
import { prepareGetSubscriptions } from './get-subscriptions.ts';

/** Changes what an operator may change, and nothing beside it. */
export function prepareChangeSubscription(db: DatabaseSync) {
	const subscriptions = prepareGetSubscriptions(db);
	const noteFirstDue = prepareFirstDue(db);
	const change = db.prepare(
		'UPDATE subscriptions SET events = ?, filter = ?, description = ?, concurrency = ? WHERE id = ?',
	);
	// A new rate starts afresh: the wait of a slow one must not outlast it.
	const changeRate = db.prepare('UPDATE subscriptions SET per_minute = ?, next_start_at = 0 WHERE id = ?');

	return (id: string, changes: SubscriptionChanges): Subscription | null => {
		const before = subscriptions.getSubscription(id);
		if (!before) return null;
		const { events = before.events, filter = before.filter, description = before.description } = changes;
		const { concurrency = before.concurrency, perMinute = before.perMinute } = changes;
		change.run(JSON.stringify(events), JSON.stringify(filter), description, concurrency, id);
		if (perMinute !== before.perMinute) changeRate.run(perMinute, id);
		noteFirstDue(id);
		return { ...before, events, filter, description, concurrency, perMinute };
	};
}
