import type { DatabaseSync } from 'node:sqlite';

/**
 * Notes when the first pending delivery of a subscription is due, and lets the next claim look at it. To be called
 * after anything that may have changed either. Of one that has ended nothing is due, whatever is still pending; claim alone
 * holds a subscription back, once it has looked.
 */
export function prepareFirstDue(db: DatabaseSync): (subscriptionId: string) => void {
	// Two steps into two indexes, however long the backlog is.
	const note = db.prepare(`
		UPDATE subscriptions SET held_until = 0, first_due_at = iif(status = 'ended', NULL, (
			SELECT min(due_at) FROM (
				SELECT min(due_at) AS due_at FROM deliveries INDEXED BY deliveries_ready
				WHERE subscription_id = ?1 AND state = 'ready'
				UNION ALL
				SELECT min(due_at) FROM deliveries INDEXED BY deliveries_leased
				WHERE subscription_id = ?1 AND state = 'leased')))
		WHERE id = ?1`);
	return (subscriptionId) => {
		note.run(subscriptionId);
	};
}

/**
 * The same for settlements, once for all those of a subscription that follow each other: 2 µs less for each. Until then what
 * is noted is out of date. What was rolled back may be noted all the same: it is looked up.
 */
export interface FirstDue {
	/** Notes it with the next `catchUp`. */
	noteLater(subscriptionId: string): void;
	/** To be called before a commit, and before anything but a settlement. */
	catchUp(): void;
}

export function createFirstDue(db: DatabaseSync): FirstDue {
	const note = prepareFirstDue(db);
	const behind = new Set<string>();
	return {
		noteLater: (subscriptionId) => void behind.add(subscriptionId),
		catchUp() {
			for (const subscriptionId of behind) note(subscriptionId);
			behind.clear();
		},
	};
}
