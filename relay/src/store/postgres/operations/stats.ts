import type { StoreStats } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';

const STATS = statement(
	'stats',
	`SELECT
		(SELECT count(*) FROM deliveries WHERE state = 'ready') AS ready,
		(SELECT count(*) FROM deliveries WHERE state = 'leased') AS leased,
		(SELECT count(*) FROM deliveries WHERE state = 'dead') AS dead,
		(SELECT min(least(
			(SELECT min(due_at) FROM deliveries WHERE subscription_id = s.id AND state = 'ready'),
			(SELECT min(due_at) FROM deliveries WHERE subscription_id = s.id AND state = 'leased')))
			FROM subscriptions s WHERE status = 'active') AS "oldestDueAt",
		(SELECT count(*) FROM events WHERE state = 'quarantined') AS quarantined,
		(SELECT count(*) FROM subscriptions WHERE status = 'active') AS "activeSubscriptions",
		(SELECT count(*) FROM subscriptions WHERE probe_at IS NOT NULL AND status = 'active') AS "openBreakers"`,
);

/** What waits. Every number is counted in an index that holds nothing else, or among the few subscriptions. */
export const stats = (db: Database) => ({
	async stats(): Promise<StoreStats> {
		const [row] = await db.repeatable<StoreStats>(STATS);
		return row as StoreStats;
	},
});
