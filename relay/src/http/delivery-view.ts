import { iso } from '../clock.ts';
import type { DeliveryDetail, DeliveryView } from '../contract/relay-api.ts';
import type { StoredAttempt, StoredDelivery } from '../store/port.ts';

/** A delivery as lists show it: without what the receiver answered. */
export function deliveryView(delivery: StoredDelivery): DeliveryView {
	const { id, eventId, subscriptionId, state, dueAt, createdAt, deliveredAt, deadReason, attempts } =
		delivery;
	const pending = state === 'ready' || state === 'leased';
	return {
		id,
		event_id: eventId,
		subscription_id: subscriptionId,
		state,
		created_at: iso(createdAt),
		attempts: attempts.map(attemptView),
		next_attempt_at: pending ? iso(dueAt) : null,
		delivered_at: deliveredAt === null ? null : iso(deliveredAt),
		dead_reason: deadReason,
	};
}

/** A delivery with all that is known of it. */
export function deliveryDetail(delivery: StoredDelivery): DeliveryDetail {
	const attempts = delivery.attempts.map((made) => ({ ...attemptView(made), response: made.response }));
	return { ...deliveryView(delivery), attempts };
}

const attemptView = ({ attempt, startedAt, durationMs, timings, status, error }: StoredAttempt) => ({
	attempt,
	started_at: iso(startedAt),
	duration_ms: durationMs,
	timings: {
		dns_ms: timings.dnsMs,
		connect_ms: timings.connectMs,
		tls_ms: timings.tlsMs,
		first_byte_ms: timings.firstByteMs,
	},
	status,
	error,
});
