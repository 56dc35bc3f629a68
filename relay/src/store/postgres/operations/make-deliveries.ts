import type { NewEvent } from '../../port.ts';
import { statement } from '../database.ts';
import type { Query } from '../database.ts';
import { toFilterJson } from '../subscription-row.ts';

/**
 * The active subscriptions, each held by a share of its lock until the deliveries made for it are committed: one
 * that is ended or deleted meanwhile waits for them, and then cancels them too (stop-subscription.ts). Claims and
 * changes of other fields are not in the way of it.
 */
export const TARGETS = "SELECT id, events, filter FROM subscriptions WHERE status = 'active' FOR KEY SHARE";

// What was not delivered yet will be sent as it is now; sending it twice would help nobody.
const MAKE = statement(
	'make deliveries',
	`WITH target AS (${TARGETS})
	INSERT INTO deliveries (event_seq, subscription_id, state, due_at, created_at)
	SELECT $1, target.id, 'ready', $4, $4 FROM target
	WHERE $2 = ANY (target.events) AND $3::jsonb @> target.filter AND NOT EXISTS (
		SELECT 1 FROM deliveries d WHERE d.event_seq = $1 AND d.subscription_id = target.id AND d.state = 'ready')
	RETURNING id`,
);

/** Makes the deliveries of an event: one for each active subscription that wants it. Returns how many. */
export async function makeDeliveries(
	query: Query,
	event: Pick<NewEvent, 'type' | 'attributes'> & { seq: number },
	now: number,
): Promise<number> {
	const made = await query(MAKE, [event.seq, event.type, toFilterJson(event.attributes), now]);
	return made.length;
}
