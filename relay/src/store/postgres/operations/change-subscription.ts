import type { Subscription, SubscriptionChanges } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';
import { SUBSCRIPTION_COLUMNS, toFilterJson, toSubscription } from '../subscription-row.ts';
import type { SubscriptionRow } from '../subscription-row.ts';
import { toTextOrNull } from '../text.ts';

// What is absent stays as it is, in the row as it is when the lock on it is had; null is a value for two of them.
// A new rate starts afresh: the wait of a slow one must not outlast it.
const CHANGE = statement(
	'change subscription',
	`UPDATE subscriptions SET
		events = coalesce($2, events),
		filter = coalesce($3, filter),
		description = CASE WHEN $4 THEN $5 ELSE description END,
		concurrency = coalesce($6, concurrency),
		per_minute = CASE WHEN $7 THEN $8 ELSE per_minute END,
		next_start_at = CASE WHEN $7 AND per_minute IS DISTINCT FROM $8 THEN 0 ELSE next_start_at END
	WHERE id = $1 RETURNING ${SUBSCRIPTION_COLUMNS}`,
);

/** Changes what an operator may change, and nothing beside it. */
export const changeSubscription = (db: Database) => ({
	async changeSubscription(id: string, changes: SubscriptionChanges): Promise<Subscription | null> {
		const { events, filter, description, concurrency, perMinute } = changes;
		const [row] = await db.repeatable<SubscriptionRow>(CHANGE, [
			id,
			events ?? null,
			filter ? toFilterJson(filter) : null,
			description !== undefined,
			toTextOrNull(description ?? null),
			concurrency ?? null,
			perMinute !== undefined,
			perMinute ?? null,
		]);
		return row ? toSubscription(row) : null;
	},
});
