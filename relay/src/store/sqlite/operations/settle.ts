import type { DatabaseSync } from 'node:sqlite';
import { breakerAfter } from '../../breaker.ts';
import type { Breaker } from '../../breaker.ts';
import type { Settlement } from '../../port.ts';
import { deliveryRow } from '../../delivery-id.ts';
import type { FirstDue } from '../first-due.ts';
import { first } from '../query.ts';
import { prepareStopSubscription } from './stop-subscription.ts';

/** Writes the outcome of an attempt, unless a later one was claimed or the delivery was cancelled meanwhile. */
export function prepareSettle(
	db: DatabaseSync,
	{ firstDue }: { firstDue: FirstDue },
): (settlement: Settlement) => 'settled' | 'fenced' {
	const subscriptions = prepareStopSubscription(db);
	const settle = db.prepare(`
		UPDATE OR FAIL deliveries SET state = ?, due_at = ?, scheduled = ?, conflict_since = ?, delivered_at = ?, dead_reason = ?
		WHERE id = ? AND state = 'leased' AND attempt = ?
		RETURNING subscription_id`);
	const recordAttempt = db.prepare(`
		INSERT INTO attempts (delivery_id, attempt, started_at, duration_ms, dns_ms, connect_ms, tls_ms, first_byte_ms,
			status, error, response)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
	const breakerOf = db.prepare(
		'SELECT failures, failing_since AS failingSince, probe_at AS probeAt FROM subscriptions WHERE id = ?',
	);
	const setBreaker = db.prepare(
		'UPDATE subscriptions SET failures = ?, failing_since = ?, probe_at = ? WHERE id = ?',
	);

	return (settlement) => {
		const { attempt, startedAt, durationMs, timings, status, error, response, next } = settlement;
		const id = deliveryRow(settlement.deliveryId);
		const endedAt = Math.round(startedAt + durationMs);
		const retry = next.state === 'ready' ? next : null;
		const delivery = first<{ subscription_id: string }>(
			settle,
			next.state,
			retry?.at ?? endedAt,
			retry?.scheduled ?? 0,
			retry?.conflictSince ?? null,
			next.state === 'delivered' ? endedAt : null,
			next.state === 'dead' ? 'schedule_used_up' : null,
			id,
			attempt,
		);
		if (!delivery) return 'fenced';
		recordAttempt.run(
			id,
			attempt,
			startedAt,
			durationMs,
			timings.dnsMs,
			timings.connectMs,
			timings.tlsMs,
			timings.firstByteMs,
			status,
			error,
			response,
		);
		const { subscription_id: subscription } = delivery;
		const before = first<Breaker>(breakerOf, subscription);
		if (before) {
			const after = breakerAfter(before, settlement);
			if (after.failures !== before.failures || after.probeAt !== before.probeAt) {
				setBreaker.run(after.failures, after.failingSince, after.probeAt, subscription);
			}
		}
		if (next.state === 'cancelled') subscriptions.endSubscription(subscription);
		else firstDue.noteLater(subscription);
		return 'settled';
	};
}
