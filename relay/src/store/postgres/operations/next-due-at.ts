import { statement } from '../database.ts';
import type { Database } from '../database.ts';

// Of each active subscription the first due delivery, or, where all its slots are taken, the first lease that runs
// out; not before its breaker and its rate let anything go. Two steps into two indexes for each.
const NEXT = statement(
	'next due',
	`SELECT min(greatest(
		CASE WHEN (SELECT count(*) FROM deliveries WHERE subscription_id = s.id AND state = 'leased')
			>= CASE WHEN s.probe_at IS NULL THEN s.concurrency ELSE 1 END
			THEN leased.due_at ELSE least(ready.due_at, leased.due_at) END,
		s.probe_at,
		CASE WHEN s.per_minute IS NOT NULL THEN floor(s.next_start_at)::bigint END)) AS at
	FROM subscriptions s
	CROSS JOIN LATERAL (
		SELECT min(due_at) AS due_at FROM deliveries WHERE subscription_id = s.id AND state = 'ready') AS ready
	CROSS JOIN LATERAL (
		SELECT min(due_at) AS due_at FROM deliveries WHERE subscription_id = s.id AND state = 'leased') AS leased
	WHERE s.status = 'active' AND (ready.due_at IS NOT NULL OR leased.due_at IS NOT NULL)`,
);

export const nextDueAt = (db: Database) => ({
	async nextDueAt(): Promise<number | null> {
		const [row] = await db.repeatable<{ at: number | null }>(NEXT);
		return row?.at ?? null;
	},
});
