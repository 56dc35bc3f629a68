import { breakerAfter } from '../../breaker.ts';
import type { Breaker } from '../../breaker.ts';
import { deliveryRow } from '../../delivery-id.ts';
import type { Settlement } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database, Query } from '../database.ts';
import { isLocked } from '../errors.ts';
import { toTextOrNull } from '../text.ts';
import { endSubscription } from './stop-subscription.ts';

type Outcome = 'settled' | 'fenced';

// A batch of results, each fenced by its attempt. A success closes the breaker, whatever it was before, so it does it here: where
// a batch has nothing worse it is this one statement, written or not. "was" is a state that the planner cannot see: on a small
// table it would plan to read all of the index of what is leased, which grows under way (a sixth of the server's time).
// NOWAIT: it has its deliveries by then, and who holds a subscription may want them (see LOCK, which is had before).
const SETTLE = statement(
	'settle',
	`WITH input AS (
		SELECT *, 'leased' AS was FROM unnest($1::bigint[], $2::integer[], $3::text[], $4::bigint[], $5::integer[], $6::bigint[],
			$7::bigint[], $8::bigint[], $9::float8[], $10::float8[], $11::float8[], $12::float8[], $13::float8[],
			$14::integer[], $15::text[], $16::text[], $17::boolean[])
		AS input (id, attempt, state, due_at, scheduled, conflict_since, delivered_at, started_at, duration_ms, dns_ms,
			connect_ms, tls_ms, first_byte_ms, status, error, response, up)
	), settled AS (
		UPDATE deliveries d SET state = i.state, due_at = i.due_at, scheduled = i.scheduled,
			conflict_since = i.conflict_since, delivered_at = i.delivered_at,
			dead_reason = CASE WHEN i.state = 'dead' THEN 'schedule_used_up' END
		FROM input i WHERE d.id = i.id AND d.state = i.was AND d.attempt = i.attempt
		RETURNING d.id, d.subscription_id
	), recorded AS (
		INSERT INTO attempts (delivery_id, attempt, started_at, duration_ms, dns_ms, connect_ms, tls_ms, first_byte_ms,
			status, error, response)
		SELECT id, attempt, started_at, duration_ms, dns_ms, connect_ms, tls_ms, first_byte_ms, status, error, response
		FROM settled JOIN input USING (id)
	), recovered AS (
		UPDATE subscriptions SET failures = 0, failing_since = NULL, probe_at = NULL
		WHERE id = ANY (ARRAY(
			SELECT id FROM subscriptions
			WHERE id = ANY (ARRAY(SELECT subscription_id FROM settled JOIN input USING (id) WHERE up)) AND failures > 0
			FOR NO KEY UPDATE NOWAIT))
	)
	SELECT id, subscription_id FROM settled`,
);
// Before any delivery: whoever deletes a subscription has its lock first, and then takes those of its deliveries. The other way round
// each waited for the other, until PostgreSQL took one of them back a second later.
const LOCK = statement(
	'lock breakers',
	`SELECT id FROM subscriptions WHERE id = ANY (ARRAY(SELECT subscription_id FROM deliveries WHERE id = ANY ($1::bigint[])))
	ORDER BY id FOR NO KEY UPDATE`,
);
const RECORDED = statement(
	'recorded attempts',
	`SELECT delivery_id AS id FROM attempts
	JOIN unnest($1::bigint[], $2::integer[], $3::bigint[]) AS input (id, attempt, started_at)
		ON delivery_id = input.id AND attempts.attempt = input.attempt AND attempts.started_at = input.started_at`,
);
const BREAKERS = statement(
	'breakers',
	`SELECT id, failures, failing_since AS "failingSince", probe_at AS "probeAt" FROM subscriptions WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE`,
);
const SET_BREAKER = statement(
	'set breaker',
	'UPDATE subscriptions SET failures = $2, failing_since = $3, probe_at = $4 WHERE id = $1',
);

interface Settled {
	id: number;
	subscription_id: string;
}

/** Writes a batch of outcomes of attempts, of different deliveries, and what they mean for the breakers. @param db for 'progress' */
export const settle = (db: Database) => ({
	/** @param tried those that were tried before and the answer lost: what is recorded of them already is settled */
	async settle(settlements: Settlement[], tried: Settlement[]): Promise<Outcome[]> {
		const quiet = settlements.every(({ health, next }) => health !== 'down' && next.state !== 'cancelled');
		const withBreakers = () => db.transaction(({ query }) => writeWithBreakers(query, settlements));
		// Nothing can come of it but what the statement does by itself: one round trip. Unless a breaker that it would close is held.
		const settled = quiet
			? await write(db.query, settlements).catch((error: unknown) => {
					if (isLocked(error)) return withBreakers();
					throw error;
				})
			: await withBreakers();
		const done = new Set(settled.map(({ id }) => id));
		const open = tried.filter(({ deliveryId }) => !done.has(deliveryRow(deliveryId)));
		if (open.length > 0) for (const { id } of await recorded(db, open)) done.add(id);
		return settlements.map(({ deliveryId }) => (done.has(deliveryRow(deliveryId)) ? 'settled' : 'fenced'));
	},
});

async function writeWithBreakers(query: Query, settlements: Settlement[]): Promise<Settled[]> {
	const locked = query(LOCK, [settlements.map(({ deliveryId }) => deliveryRow(deliveryId))]);
	const [settled] = await Promise.all([write(query, settlements), locked]);
	const subscriptionOf = new Map(settled.map(({ id, subscription_id }) => [id, subscription_id]));
	await moveBreakers(query, settlements, subscriptionOf);
	for (const { deliveryId, next } of settlements) {
		const subscription = subscriptionOf.get(deliveryRow(deliveryId));
		if (next.state === 'cancelled' && subscription !== undefined) await endSubscription(query, subscription);
	}
	return settled;
}

/**
 * Moves the breakers on by what was settled, in order, from where they are under their lock.
 *
 * @param subscriptionOf of each delivery that was settled
 */
async function moveBreakers(
	query: Query,
	settlements: Settlement[],
	subscriptionOf: ReadonlyMap<number, string>,
): Promise<void> {
	const before = await query<Breaker & { id: string }>(BREAKERS, [[...new Set(subscriptionOf.values())]]);
	for (const breaker of before) {
		const after = settlements
			.filter(({ deliveryId }) => subscriptionOf.get(deliveryRow(deliveryId)) === breaker.id)
			.reduce<Breaker>(breakerAfter, breaker);
		if (after.failures !== breaker.failures || after.probeAt !== breaker.probeAt) {
			await query(SET_BREAKER, [breaker.id, after.failures, after.failingSince, after.probeAt]);
		}
	}
}

function write(query: Query, settlements: Settlement[]): Promise<Settled[]> {
	// In the order that a deletion takes them in, too.
	const ordered = settlements.toSorted((a, b) => deliveryRow(a.deliveryId) - deliveryRow(b.deliveryId));
	const column = <T>(of: (settlement: Settlement) => T) => ordered.map(of);
	const endedAt = ({ startedAt, durationMs }: Settlement) => Math.round(startedAt + durationMs);
	const retry = ({ next }: Settlement) => (next.state === 'ready' ? next : null);
	return query<Settled>(SETTLE, [
		column(({ deliveryId }) => deliveryRow(deliveryId)),
		column(({ attempt }) => attempt),
		column(({ next }) => next.state),
		column((one) => retry(one)?.at ?? endedAt(one)),
		column((one) => retry(one)?.scheduled ?? 0),
		column((one) => retry(one)?.conflictSince ?? null),
		column((one) => (one.next.state === 'delivered' ? endedAt(one) : null)),
		column(({ startedAt }) => startedAt),
		column(({ durationMs }) => durationMs),
		column(({ timings }) => timings.dnsMs),
		column(({ timings }) => timings.connectMs),
		column(({ timings }) => timings.tlsMs),
		column(({ timings }) => timings.firstByteMs),
		column(({ status }) => status),
		column(({ error }) => toTextOrNull(error)),
		column(({ response }) => toTextOrNull(response)),
		column(({ health }) => health === 'up'),
	]);
}

const recorded = (db: Database, settlements: Settlement[]): Promise<{ id: number }[]> =>
	db.repeatable(RECORDED, [
		settlements.map(({ deliveryId }) => deliveryRow(deliveryId)),
		settlements.map(({ attempt }) => attempt),
		settlements.map(({ startedAt }) => startedAt),
	]);
