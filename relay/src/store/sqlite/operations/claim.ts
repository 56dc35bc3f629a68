import type { DatabaseSync } from 'node:sqlite';
import { pace } from '../../pace.ts';
import type { Claim, Receiver, Store } from '../../port.ts';
import { deliveryId } from '../../delivery-id.ts';
import { slotsOf } from '../../slots.ts';
import type { Candidate } from '../../slots.ts';
import { prepareFirstDue } from '../first-due.ts';
import { all, first } from '../query.ts';

type Options = Parameters<Store['claim']>[0];

interface Due {
	id: number;
	due_at: number;
	subscription: string;
}

interface ReceiverRow {
	url: string;
	sealed_secret: Uint8Array;
	/** While it is still good. */
	previous_secret: Uint8Array | null;
}

interface Row {
	id: number;
	event_id: string;
	attempt: number;
	scheduled: number;
	conflict_since: number | null;
	content_type: string;
	key_id: number | null;
	body: Uint8Array;
}

/**
 * Claims due deliveries, subscription by subscription: those that may have something claimable come in the order
 * in which it became so, out of an index that holds no others. One that turns out to be at its limits is held back
 * until one of them can have changed, so that nobody looks again at a backlog that can't move.
 */
export function prepareClaim(db: DatabaseSync): (options: Options) => Claim[] {
	const noteFirstDue = prepareFirstDue(db);
	const claimable = db.prepare(`
		SELECT id, concurrency, per_minute, next_start_at, probe_at
		FROM subscriptions INDEXED BY subscriptions_claimable
		WHERE first_due_at IS NOT NULL AND max(first_due_at, held_until) <= ?
		ORDER BY max(first_due_at, held_until) LIMIT ?`);
	const hold = db.prepare('UPDATE subscriptions SET held_until = ? WHERE id = ?');
	const lookAgain = db.prepare('UPDATE subscriptions SET held_until = 0 WHERE id = ? AND held_until > 0');
	const keepPace = db.prepare('UPDATE subscriptions SET next_start_at = ? WHERE id = ?');
	// A leased delivery is in flight while its lease (due_at) lies ahead.
	const inFlight = db.prepare(`
		SELECT count(*) AS n, min(due_at) AS firstEndsAt FROM deliveries INDEXED BY deliveries_leased
		WHERE subscription_id = ? AND state = 'leased' AND due_at > ?`);
	const ready = db.prepare(`
		SELECT id, due_at, subscription_id AS subscription FROM deliveries INDEXED BY deliveries_ready
		WHERE subscription_id = ? AND state = 'ready' AND due_at <= ? ORDER BY due_at, id LIMIT ?`);
	const lapsed = db.prepare(`
		SELECT id, due_at, subscription_id AS subscription FROM deliveries INDEXED BY deliveries_leased
		WHERE subscription_id = ? AND state = 'leased' AND due_at <= ? ORDER BY due_at, id LIMIT ?`);
	// OR FAIL here and in settle.ts: because of the triggers SQLite would first copy every page the statement writes to, so as
	// to undo it alone. Nobody needs that: batch.ts undoes the whole batch, or to the savepoint. 8 µs instead of 13.
	const lease = db.prepare(
		`UPDATE OR FAIL deliveries SET state = 'leased', due_at = ?, attempt = attempt + 1
		WHERE id IN (SELECT value FROM json_each(?))`,
	);
	const readReceiver = db.prepare(`
		SELECT url, sealed_secret, iif(previous_until > ?, previous_secret, NULL) AS previous_secret
		FROM subscriptions WHERE id = ?`);
	const read = db.prepare(`
		SELECT d.id, e.id AS event_id, d.attempt, d.scheduled, d.conflict_since, e.content_type, b.key_id, b.body
		FROM deliveries d
		JOIN events e ON e.seq = d.event_seq
		JOIN bodies b ON b.event_seq = d.event_seq
		WHERE d.id IN (SELECT value FROM json_each(?))`);

	/** How many more the subscription may have in flight now, or until when it may have none. */
	function room(subscription: Candidate, { now, ahead }: Options): { free: number } | { heldUntil: number } {
		const { per_minute: perMinute, probe_at: probeAt } = subscription;
		if (probeAt !== null && now < probeAt) return { heldUntil: probeAt };
		const { n, firstEndsAt } = first<{ n: number; firstEndsAt: number | null }>(
			inFlight,
			subscription.id,
			now,
		) ?? { n: 0, firstEndsAt: null };
		const slots = slotsOf(subscription, ahead) - n;
		if (slots <= 0 && firstEndsAt !== null) return { heldUntil: firstEndsAt };
		if (perMinute === null) return { free: slots };
		const { free, nextStartAt } = pace(perMinute, subscription.next_start_at, now);
		return free > 0 ? { free: Math.min(slots, free) } : { heldUntil: nextStartAt };
	}

	/** What one subscription has to claim. One looked at in vain is held back: it must not be looked at for ever. */
	function dueOf(subscription: Candidate, options: Options): Due[] {
		const { now, limit } = options;
		const found = room(subscription, options);
		if ('heldUntil' in found) {
			hold.run(Math.max(found.heldUntil, now + 1), subscription.id);
			return [];
		}
		const most = Math.min(found.free, limit);
		const due = [lapsed, ready]
			.flatMap((states) => all<Due>(states, subscription.id, now, most))
			.sort(byAge)
			.slice(0, most);
		if (due.length === 0) {
			// What was noted is not so: only where the file was changed by other hands.
			noteFirstDue(subscription.id);
			hold.run(now + 1, subscription.id);
		}
		return due;
	}

	function receiverOf({ id, concurrency }: Candidate, now: number): Receiver {
		const row = first<ReceiverRow>(readReceiver, now, id) as ReceiverRow;
		return {
			url: row.url,
			sealedSecret: toBuffer(row.sealed_secret),
			previousSealedSecret: row.previous_secret && toBuffer(row.previous_secret),
			concurrency,
		};
	}

	function round(options: Options): { looked: number; claims: Claim[] } {
		const { now, leaseMs, limit } = options;
		const candidates = all<Candidate>(claimable, now, limit);
		const chosen = candidates
			.flatMap((subscription) => dueOf(subscription, options))
			.sort(byAge)
			.slice(0, limit);
		const starting = Map.groupBy(chosen, ({ subscription }) => subscription);
		const receivers = new Map<string, Receiver>();
		for (const subscription of candidates) {
			const starts = starting.get(subscription.id)?.length ?? 0;
			if (starts === 0) continue;
			receivers.set(subscription.id, receiverOf(subscription, now));
			const { per_minute: perMinute, next_start_at: nextStartAt } = subscription;
			if (perMinute !== null) {
				keepPace.run(pace(perMinute, nextStartAt, now).after(starts), subscription.id);
			}
		}
		const ids = JSON.stringify(chosen.map(({ id }) => id));
		lease.run(now + leaseMs, ids);
		const rows = new Map(all<Row>(read, ids).map((row) => [row.id, row]));
		const claims = chosen.map(({ id, subscription }) =>
			toClaim(rows.get(id)!, subscription, receivers.get(subscription)!),
		);
		for (const id of starting.keys()) noteFirstDue(id);
		return { looked: candidates.length, claims };
	}

	return (options) => {
		const { limit, ahead } = options;
		const claims: Claim[] = [];
		// What holds one back may be the limit of somebody who claimed less ahead.
		for (const [id, more] of ahead ?? []) if (more > 0) lookAgain.run(id);
		// Every round claims something, or holds back all it looked at.
		while (claims.length < limit) {
			const { looked, claims: more } = round({ ...options, limit: limit - claims.length });
			if (looked === 0) break;
			claims.push(...more);
		}
		return claims;
	};
}

const byAge = (a: Due, b: Due) => a.due_at - b.due_at || a.id - b.id;

const toClaim = (row: Row, subscriptionId: string, receiver: Receiver): Claim => ({
	deliveryId: deliveryId(row.id),
	eventId: row.event_id,
	subscriptionId,
	receiver,
	body: toBuffer(row.body),
	bodyKeyId: row.key_id,
	contentType: row.content_type,
	attempt: row.attempt,
	scheduled: row.scheduled,
	conflictSince: row.conflict_since,
});

/** Over the same memory: it is copied when it goes to the other thread. */
const toBuffer = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
	Buffer.from(buffer, byteOffset, byteLength);
