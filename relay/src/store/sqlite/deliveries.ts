import type { DatabaseSync } from 'node:sqlite';
import type { Claim, Settlement, StoredDelivery } from '../port.ts';

interface DueRow {
	id: number;
	due_at: number;
}

interface ClaimRow {
	event_id: string;
	subscription_id: string;
	attempt: number;
	scheduled: number;
	conflict_since: number | null;
	url: string;
	sealed_secret: Uint8Array;
	content_type: string;
	body: Uint8Array;
}

/** Claims and settlements. They run inside the caller's transaction. */
export function prepareDeliveries(db: DatabaseSync, endSubscription: (id: string) => void) {
	// Subscriptions that have something due, each found by skipping through deliveries_pending: as many steps as
	// there are subscriptions, however many deliveries wait.
	const dueSubscriptions = db.prepare(`
		SELECT id FROM subscriptions WHERE EXISTS (
			SELECT 1 FROM deliveries INDEXED BY deliveries_pending
			WHERE subscription_id = subscriptions.id AND state IN ('ready', 'leased') AND due_at <= ?)`);
	// A leased delivery is in flight while its lease (due_at) lies ahead.
	const inFlight = db.prepare(`
		SELECT count(*) AS n FROM deliveries INDEXED BY deliveries_leased
		WHERE subscription_id = ? AND state = 'leased' AND due_at > ?`);
	const due = db.prepare(`
		SELECT id, due_at FROM deliveries INDEXED BY deliveries_pending
		WHERE subscription_id = ? AND state IN ('ready', 'leased') AND due_at <= ? ORDER BY due_at LIMIT ?`);
	const lease = db.prepare(
		"UPDATE deliveries SET state = 'leased', due_at = ?, attempt = attempt + 1 WHERE id = ?",
	);
	const read = db.prepare(`
		SELECT d.event_id, d.subscription_id, d.attempt, d.scheduled, d.conflict_since,
			s.url, s.sealed_secret, e.content_type, b.body
		FROM deliveries d
		JOIN subscriptions s ON s.id = d.subscription_id
		JOIN events e ON e.id = d.event_id
		JOIN bodies b ON b.event_seq = e.seq
		WHERE d.id = ?`);
	const settle = db.prepare(`
		UPDATE deliveries SET state = ?, due_at = ?, scheduled = ?, conflict_since = ?, delivered_at = ?
		WHERE id = ? AND state = 'leased' AND attempt = ?
		RETURNING subscription_id`);
	const recordAttempt = db.prepare(`
		INSERT INTO attempts (delivery_id, attempt, started_at, duration_ms, status, error, response)
		VALUES (?, ?, ?, ?, ?, ?, ?)`);
	const release = db.prepare(`
		UPDATE deliveries SET state = 'ready', due_at = ?
		WHERE id = ? AND state = 'leased' AND attempt = ?`);
	const endLeases = db.prepare("UPDATE deliveries SET due_at = ? WHERE state = 'leased' AND due_at > ?");
	// The first entry of deliveries_due.
	const nextDue = db.prepare(
		"SELECT due_at FROM deliveries WHERE state IN ('ready', 'leased') ORDER BY due_at LIMIT 1",
	);
	const ofEvent = db.prepare(`
		SELECT id, event_id, subscription_id, state, due_at, delivered_at FROM deliveries WHERE event_id = ? ORDER BY id`);
	const attemptsOf = db.prepare(`
		SELECT attempt, started_at, duration_ms, status, error FROM attempts WHERE delivery_id = ? ORDER BY attempt`);

	return {
		claim(options: { now: number; leaseMs: number; limit: number; perSubscription: number }): Claim[] {
			const { now, leaseMs, limit, perSubscription } = options;
			const candidates: DueRow[] = [];
			for (const { id } of dueSubscriptions.all(now) as { id: string }[]) {
				const { n } = inFlight.get(id, now) as { n: number };
				const free = Math.min(limit, perSubscription - n);
				if (free > 0) candidates.push(...(due.all(id, now, free) as unknown as DueRow[]));
			}
			candidates.sort((a, b) => a.due_at - b.due_at || a.id - b.id);
			const leaseUntil = now + leaseMs;
			return candidates.slice(0, limit).map(({ id }) => {
				lease.run(leaseUntil, id);
				return toClaim(id, read.get(id) as unknown as ClaimRow);
			});
		},

		settle(settlement: Settlement): 'settled' | 'fenced' {
			const { next, startedAt, durationMs } = settlement;
			const id = rowId(settlement.deliveryId);
			const endedAt = Math.round(startedAt + durationMs);
			const retry = next.state === 'ready' ? next : null;
			const row = settle.get(
				next.state,
				retry?.at ?? endedAt,
				retry?.scheduled ?? 0,
				retry?.conflictSince ?? null,
				next.state === 'delivered' ? endedAt : null,
				id,
				settlement.attempt,
			) as { subscription_id: string } | undefined;
			if (!row) return 'fenced';
			const { attempt, status, error, response } = settlement;
			recordAttempt.run(id, attempt, startedAt, durationMs, status, error, response);
			if (next.state === 'cancelled') endSubscription(row.subscription_id);
			return 'settled';
		},

		release(claims: { deliveryId: string; attempt: number }[], now: number): void {
			for (const { deliveryId, attempt } of claims) release.run(now, rowId(deliveryId), attempt);
		},

		endLeases(at: number): void {
			endLeases.run(at, at);
		},

		nextDueAt(): number | null {
			return (nextDue.get() as { due_at: number } | undefined)?.due_at ?? null;
		},

		ofEvent(eventId: string): StoredDelivery[] {
			const rows = ofEvent.all(eventId) as unknown as {
				id: number;
				event_id: string;
				subscription_id: string;
				state: StoredDelivery['state'];
				due_at: number;
				delivered_at: number | null;
			}[];
			return rows.map((row) => ({
				id: publicId(row.id),
				eventId: row.event_id,
				subscriptionId: row.subscription_id,
				state: row.state,
				dueAt: row.due_at,
				deliveredAt: row.delivered_at,
				attempts: (
					attemptsOf.all(row.id) as unknown as {
						attempt: number;
						started_at: number;
						duration_ms: number;
						status: number | null;
						error: string | null;
					}[]
				).map((a) => ({
					attempt: a.attempt,
					startedAt: a.started_at,
					durationMs: a.duration_ms,
					status: a.status,
					error: a.error,
				})),
			}));
		},
	};
}

const publicId = (id: number): string => `dlv_${id}`;
const rowId = (id: string): number => Number(id.slice('dlv_'.length));

const toClaim = (id: number, row: ClaimRow): Claim => ({
	deliveryId: publicId(id),
	eventId: row.event_id,
	subscriptionId: row.subscription_id,
	url: row.url,
	sealedSecret: Buffer.from(row.sealed_secret),
	body: Buffer.from(row.body.buffer, row.body.byteOffset, row.body.byteLength),
	contentType: row.content_type,
	attempt: row.attempt,
	scheduled: row.scheduled,
	conflictSince: row.conflict_since,
});
