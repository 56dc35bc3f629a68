import { createHash, randomUUID } from 'node:crypto';
import type { Claim, NewEvent, Settlement, Source, Store, Subscription } from '../../relay/src/store/port.ts';

/** 2026-01-05T09:00:00Z */
export const T0 = Date.UTC(2026, 0, 5, 9);
export const SOURCE: Source = {
	id: 'default',
	name: 'Default',
	tokenHash: createHash('sha256').update('ingest-token').digest(),
	createdAt: T0,
};

export function anEvent(overrides: Partial<NewEvent> = {}): NewEvent {
	const workflowId = overrides.workflowId === undefined ? randomUUID() : overrides.workflowId;
	return {
		id: `evt_${randomUUID()}`,
		sourceId: SOURCE.id,
		origin: 'webhook',
		dedupeKey: `workflow:${workflowId}`,
		state: 'accepted',
		quarantineReason: null,
		type: 'enrichment.completed',
		workflowId,
		attributes: {},
		body: Buffer.from('{"name":"Zoë 🦊"}'),
		contentType: 'application/json',
		truncated: 0,
		receivedAt: T0,
		...overrides,
	};
}

export function aSubscription(overrides: Partial<Subscription> = {}): Subscription {
	const id = overrides.id ?? `sub_${randomUUID()}`;
	return {
		id,
		url: `https://n8n.example/webhook/${id}`,
		events: ['enrichment.completed'],
		filter: {},
		description: null,
		sealedSecret: Buffer.from('sealed'),
		status: 'active',
		createdAt: T0,
		...overrides,
	};
}

export const claimAt = (store: Store, now: number, limits: { limit?: number; perSubscription?: number } = {}) =>
	store.claim({ now, leaseMs: 60_000, limit: 100, perSubscription: 100, ...limits });

/** The settlement of a claim; failed and due again a minute later, unless told otherwise. */
export const outcome = (
	claim: Pick<Claim, 'deliveryId' | 'attempt'>,
	next: Settlement['next'] = { state: 'ready', at: T0 + 60_000, scheduled: 1, conflictSince: null },
): Settlement => ({
	deliveryId: claim.deliveryId,
	attempt: claim.attempt,
	startedAt: T0,
	durationMs: 12.5,
	status: next.state === 'delivered' ? 200 : 503,
	error: next.state === 'delivered' ? null : 'http',
	response: 'answer',
	next,
});
