import type { DatabaseSync } from 'node:sqlite';
import type { StoreStats } from '../../port.ts';
import { first } from '../query.ts';

/** What waits. Every number is counted in an index that holds nothing else. */
export function prepareStats(db: DatabaseSync): () => StoreStats {
	const stats = db.prepare(`
		SELECT
			(SELECT count(*) FROM deliveries INDEXED BY deliveries_ready WHERE state = 'ready') AS ready,
			(SELECT count(*) FROM deliveries INDEXED BY deliveries_leased WHERE state = 'leased') AS leased,
			(SELECT count(*) FROM deliveries INDEXED BY deliveries_given_up WHERE state = 'dead') AS dead,
			(SELECT min(first_due_at) FROM subscriptions INDEXED BY subscriptions_claimable
				WHERE first_due_at IS NOT NULL) AS oldestDueAt,
			(SELECT count(*) FROM events INDEXED BY events_quarantined WHERE state = 'quarantined') AS quarantined,
			(SELECT count(*) FROM subscriptions INDEXED BY subscriptions_active_url WHERE status = 'active')
				AS activeSubscriptions,
			(SELECT count(*) FROM subscriptions INDEXED BY subscriptions_open
				WHERE probe_at IS NOT NULL AND status = 'active') AS openBreakers`);
	// A copy: rows of node:sqlite have no prototype.
	return () => ({ ...(first<StoreStats>(stats) as StoreStats) });
}
