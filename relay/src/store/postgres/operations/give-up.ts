import type { Store } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';

// SKIP LOCKED: what is being claimed, cancelled or given up by another relay just now is not waiting.
const GIVE_UP = statement(
	'give up',
	`WITH late AS (
		SELECT oldest.id FROM subscriptions s CROSS JOIN LATERAL (
			SELECT id FROM deliveries WHERE subscription_id = s.id AND state = 'ready' AND due_at < $1
			ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED) AS oldest
		WHERE s.status = 'active' AND s.probe_at IS NOT NULL AND s.failing_since < $1
		LIMIT $2)
	UPDATE deliveries d SET state = 'dead', dead_reason = 'receiver_down'
	FROM late WHERE d.id = late.id RETURNING d.id`,
);

/** Makes dead what waits behind a breaker that nothing has got through for too long. */
export const giveUp = (db: Database) => ({
	async giveUp({ before, limit }: Parameters<Store['giveUp']>[0]): Promise<number> {
		return (await db.query(GIVE_UP, [before, limit])).length;
	},
});
