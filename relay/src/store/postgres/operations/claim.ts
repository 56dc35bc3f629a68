import { deliveryId } from '../../delivery-id.ts';
import { pace } from '../../pace.ts';
import type { Claim, Receiver, Store } from '../../port.ts';
import { slotsOf } from '../../slots.ts';
import type { Candidate } from '../../slots.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';

type Options = Parameters<Store['claim']>[0];

interface Row {
	id: number;
	event_id: string;
	subscription_id: string;
	attempt: number;
	scheduled: number;
	conflict_since: number | null;
	concurrency: number;
	url: string;
	sealed_secret: Buffer;
	/** While it is still good. */
	previous_secret: Buffer | null;
	content_type: string;
	key_id: number | null;
	body: Buffer;
}

/*
 * First the subscriptions that have something due, and only those no other relay is claiming from: with the lock on
 * the row, nobody else changes how many of its deliveries are in flight upwards. The claim itself is a statement of
 * its own, because what it counts must not be older than the lock, and a statement sees the data as of its beginning.
 */
const LOCK = statement(
	'lock claimable',
	`SELECT id, concurrency, per_minute, next_start_at, probe_at FROM subscriptions s
	WHERE status = 'active' AND (probe_at IS NULL OR probe_at <= $1) AND (
		EXISTS (SELECT 1 FROM deliveries WHERE subscription_id = s.id AND state = 'ready' AND due_at <= $1)
		OR EXISTS (SELECT 1 FROM deliveries WHERE subscription_id = s.id AND state = 'leased' AND due_at <= $1))
	ORDER BY id FOR NO KEY UPDATE SKIP LOCKED`,
);

/*
 * A leased delivery is in flight while its lease (due_at) lies ahead. "slots" is how many a subscription may have in
 * flight, "most" what its rate leaves; the rate moves on by "step" for each that starts (pace.ts). SKIP LOCKED passes
 * over what is just being settled, cancelled or released.
 *
 * It is planned once, without knowing how few rows the limits leave. So it is written such that there is one
 * way to go about it: deliveries by an array of ids, events and bodies a row at a time (LIMIT 1); a join could become
 * one that reads the whole table.
 */
const due = (state: string) => `SELECT id, due_at FROM (
				SELECT id, due_at FROM deliveries WHERE subscription_id = limits.id AND state = '${state}' AND due_at <= $6
				ORDER BY due_at, id LIMIT free FOR UPDATE SKIP LOCKED) AS ${state}`;
const CLAIM = statement(
	'claim',
	`WITH limits AS (
		SELECT subscription.id, start, step, greatest(0, least(most, slots - (
			SELECT count(*) FROM deliveries
			WHERE subscription_id = subscription.id AND state = 'leased' AND due_at > $6))) AS free
		FROM unnest($1::text[], $2::integer[], $3::integer[], $4::float8[], $5::float8[])
			AS subscription (id, slots, most, start, step)
	), chosen AS (
		SELECT oldest.id, oldest.due_at FROM limits CROSS JOIN LATERAL (
			SELECT id, due_at FROM (${due('ready')} UNION ALL ${due('leased')}) AS either
			ORDER BY due_at, id LIMIT free) AS oldest
		ORDER BY due_at, id LIMIT $8
	), claimed AS (
		UPDATE deliveries SET state = 'leased', due_at = $6 + $7, attempt = attempt + 1
		WHERE id = ANY (ARRAY(SELECT id FROM chosen))
		RETURNING id, event_seq, subscription_id, attempt, scheduled, conflict_since
	), paced AS (
		UPDATE subscriptions s SET next_start_at = start + step * starts
		FROM limits JOIN (SELECT subscription_id, count(*) AS starts FROM claimed GROUP BY 1) AS started
			ON started.subscription_id = limits.id
		WHERE s.id = limits.id AND s.per_minute IS NOT NULL
	)
	SELECT c.id, e.event_id, c.subscription_id, c.attempt, c.scheduled, c.conflict_since,
		s.concurrency, s.url, s.sealed_secret, CASE WHEN s.previous_until > $6 THEN s.previous_secret END AS previous_secret,
		e.content_type, b.key_id, b.body
	FROM claimed c
	JOIN chosen USING (id)
	JOIN subscriptions s ON s.id = c.subscription_id
	CROSS JOIN LATERAL (SELECT id AS event_id, content_type FROM events WHERE seq = c.event_seq LIMIT 1) AS e
	CROSS JOIN LATERAL (SELECT key_id, body FROM bodies WHERE event_seq = c.event_seq LIMIT 1) AS b
	ORDER BY chosen.due_at, c.id`,
);

/** More than any limit, and yet an integer to PostgreSQL. */
const NO_LIMIT = 2 ** 31 - 1;

/** Claims due deliveries. @param db for 'progress' */
export const claim = (db: Database) => ({
	claim: ({ now, leaseMs, limit, ahead }: Options): Promise<Claim[]> =>
		db.transaction(async ({ query, last }) => {
			const candidates = await query<Candidate>(LOCK, [now]);
			if (candidates.length === 0) return [];
			const limits = candidates.map((candidate) => limitsOf(candidate, now, ahead));
			const rows = await last<Row>(CLAIM, [
				candidates.map(({ id }) => id),
				limits.map(({ slots }) => slots),
				limits.map(({ most }) => most),
				limits.map(({ start }) => start),
				limits.map(({ step }) => step),
				now,
				leaseMs,
				limit,
			]);
			const receivers = new Map<string, Receiver>();
			return rows.map((row) => toClaim(row, receivers));
		}),
});

/** What a subscription may have in flight, what it may start now, and how its rate moves on. */
function limitsOf(candidate: Candidate, now: number, ahead: Options['ahead']) {
	const { per_minute: perMinute, next_start_at: nextStartAt } = candidate;
	const slots = slotsOf(candidate, ahead);
	if (perMinute === null) return { slots, most: NO_LIMIT, start: 0, step: 0 };
	const rate = pace(perMinute, nextStartAt, now);
	return { slots, most: rate.free, start: rate.after(0), step: rate.after(1) - rate.after(0) };
}

function toClaim(row: Row, receivers: Map<string, Receiver>): Claim {
	const { subscription_id: subscriptionId } = row;
	const receiver = receivers.get(subscriptionId) ?? {
		url: row.url,
		sealedSecret: row.sealed_secret,
		previousSealedSecret: row.previous_secret,
		concurrency: row.concurrency,
	};
	receivers.set(subscriptionId, receiver);
	return {
		deliveryId: deliveryId(row.id),
		eventId: row.event_id,
		subscriptionId,
		receiver,
		body: row.body,
		bodyKeyId: row.key_id,
		contentType: row.content_type,
		attempt: row.attempt,
		scheduled: row.scheduled,
		conflictSince: row.conflict_since,
	};
}
