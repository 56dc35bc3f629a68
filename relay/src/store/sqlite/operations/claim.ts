import type { DatabaseSync } from 'node:sqlite';
import { pace } from '../../pace.ts';
import type { Claim, Store } from '../../port.ts';
import { deliveryId } from '../../delivery-id.ts';
import { prepareFirstDue } from '../first-due.ts';
import { all, first } from '../query.ts';

type Options = Parameters<Store['claim']>[0];

interface Candidate {
	id: string;
	concurrency: number;
	per_minute: number | null;
	next_start_at: number;
	probe_at: number | null;
}

interface Due {
	id: number;
	due_at: number;
	subscription: string;
}

interface Row {
	event_id: string;
	subscription_id: string;
	attempt: number;
	scheduled: number;
	conflict_since: number | null;
	url: string;
	sealed_secret: Uint8Array;
	previous_secret: Uint8Array | null;
	previous_until: number | null;
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
	const lease = db.prepare(
		"UPDATE deliveries SET state = 'leased', due_at = ?, attempt = attempt + 1 WHERE id = ?",
	);
	const read = db.prepare(`
		SELECT e.id AS event_id, d.subscription_id, d.attempt, d.scheduled, d.conflict_since,
			s.url, s.sealed_secret, s.previous_secret, s.previous_until, e.content_type, b.key_id, b.body
		FROM deliveries d
		JOIN subscriptions s ON s.id = d.subscription_id
		JOIN events e ON e.seq = d.event_seq
		JOIN bodies b ON b.event_seq = d.event_seq
		WHERE d.id = ?`);

	/** How many more the subscription may have in flight now, or until when it may have none. */
	function room(subscription: Candidate, now: number): { free: number } | { heldUntil: number } {
		const { concurrency, per_minute: perMinute, probe_at: probeAt } = subscription;
		if (probeAt !== null && now < probeAt) return { heldUntil: probeAt };
		const { n, firstEndsAt } = first<{ n: number; firstEndsAt: number | null }>(
			inFlight,
			subscription.id,
			now,
		) ?? { n: 0, firstEndsAt: null };
		// While the breaker is open a single delivery probes the receiver.
		const slots = (probeAt === null ? concurrency : 1) - n;
		if (slots <= 0 && firstEndsAt !== null) return { heldUntil: firstEndsAt };
		if (perMinute === null) return { free: slots };
		const { free, nextStartAt } = pace(perMinute, subscription.next_start_at, now);
		return free > 0 ? { free: Math.min(slots, free) } : { heldUntil: nextStartAt };
	}

	/** What one subscription has to claim. One looked at in vain is held back: it must not be looked at for ever. */
	function dueOf(subscription: Candidate, now: number, limit: number): Due[] {
		const found = room(subscription, now);
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

	function round({ now, leaseMs, limit }: Options): { looked: number; claims: Claim[] } {
		const candidates = all<Candidate>(claimable, now, limit);
		const chosen = candidates
			.flatMap((subscription) => dueOf(subscription, now, limit))
			.sort(byAge)
			.slice(0, limit);
		const claims = chosen.map(({ id }) => {
			lease.run(now + leaseMs, id);
			return toClaim(id, first<Row>(read, id) as Row, now);
		});
		for (const subscription of candidates) {
			const starts = chosen.filter((due) => due.subscription === subscription.id).length;
			if (starts === 0) continue;
			const { per_minute: perMinute, next_start_at: nextStartAt } = subscription;
			if (perMinute !== null) {
				keepPace.run(pace(perMinute, nextStartAt, now).after(starts), subscription.id);
			}
			noteFirstDue(subscription.id);
		}
		return { looked: candidates.length, claims };
	}

	return ({ now, leaseMs, limit }) => {
		const claims: Claim[] = [];
		// Every round claims something, or holds back all it looked at.
		while (claims.length < limit) {
			const { looked, claims: more } = round({ now, leaseMs, limit: limit - claims.length });
			if (looked === 0) break;
			claims.push(...more);
		}
		return claims;
	};
}

const byAge = (a: Due, b: Due) => a.due_at - b.due_at || a.id - b.id;

const toClaim = (id: number, row: Row, now: number): Claim => ({
	deliveryId: deliveryId(id),
	eventId: row.event_id,
	subscriptionId: row.subscription_id,
	url: row.url,
	sealedSecret: Buffer.from(row.sealed_secret),
	previousSealedSecret:
		row.previous_secret !== null && row.previous_until !== null && row.previous_until > now
			? Buffer.from(row.previous_secret)
			: null,
	body: Buffer.from(row.body),
	bodyKeyId: row.key_id,
	contentType: row.content_type,
	attempt: row.attempt,
	scheduled: row.scheduled,
	conflictSince: row.conflict_since,
});
