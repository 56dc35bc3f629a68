import { systemIds } from '../../../relay/src/ids.ts';
import type {
	Claim,
	NewEvent,
	Settlement,
	Store,
	Subscription,
	Token,
} from '../../../relay/src/store/port.ts';

/** An engine under test. */
export interface Engine {
	name: string;
	open(): Promise<OpenedStore>;
}

/** A store of its own, empty at first. */
export interface OpenedStore {
	store: Store;
	/** A second store on the same data, as another process has it. Closed with the first. */
	another(): Promise<Store>;
	/** Closes the store and opens the same data again. */
	reopen(): Promise<Store>;
	/** Closes everything and leaves nothing behind. */
	remove(): Promise<void>;
}

export const T0 = Date.UTC(2026, 0, 5, 9);
export const LEASE_MS = 60_000;
export const MINUTE = 60_000;

export const anEvent = (overrides: Partial<NewEvent> = {}): NewEvent => {
	const workflowId =
		overrides.workflowId === undefined ? `public_bulk_${systemIds.uuid()}` : overrides.workflowId;
	const body = overrides.body ?? Buffer.from(JSON.stringify({ workflow_id: workflowId }));
	return {
		id: `evt_${systemIds.uuid()}`,
		sourceId: 'default',
		origin: 'webhook',
		dedupeKey: `workflow:${workflowId}`,
		state: 'accepted',
		quarantineReason: null,
		type: 'enrichment.completed',
		workflowId,
		attributes: {},
		body,
		bodyKeyId: null,
		bytes: body.length,
		contentType: 'application/json',
		truncated: 0,
		receivedAt: T0,
		...overrides,
	};
};

export const quarantinedEvent = (overrides: Partial<NewEvent> = {}): NewEvent =>
	anEvent({
		state: 'quarantined',
		quarantineReason: 'The body is not JSON.',
		type: null,
		workflowId: null,
		dedupeKey: `body:${systemIds.uuid()}`,
		...overrides,
	});

export const aSubscription = (overrides: Partial<Subscription> = {}): Subscription => {
	const id = `sub_${systemIds.uuid()}`;
	return {
		id,
		url: `http://127.0.0.1:5678/webhook/${id}`,
		events: ['enrichment.completed'],
		filter: {},
		description: null,
		sealedSecret: Buffer.from('sealed'),
		previousSecret: null,
		concurrency: 100,
		perMinute: null,
		failures: 0,
		failingSince: null,
		probeAt: null,
		status: 'active',
		createdAt: T0,
		...overrides,
	};
};

export const aToken = (overrides: Partial<Token> = {}): Token => ({
	id: 't1',
	name: 'n8n',
	hash: Buffer.from('h1'),
	scopes: ['subscribe', 'read'],
	createdAt: T0,
	expiresAt: null,
	lastUsedAt: null,
	...overrides,
});

/** The breaker of the tests: opens at the third failure in a row, probes after 5 s, then always after 15 s. */
export const BREAKER = { threshold: 3, waitsMs: [5_000, 15_000] } as const;

/** What came of a claim: `next`, and all else as it usually is then. */
export const outcome = (
	claim: Claim,
	next: Settlement['next'],
	overrides: Partial<Settlement> = {},
): Settlement => ({
	deliveryId: claim.deliveryId,
	attempt: claim.attempt,
	startedAt: T0,
	durationMs: 12.5,
	timings: { dnsMs: 0.25, connectMs: 1.5, tlsMs: null, firstByteMs: 9.5 },
	status: next.state === 'delivered' ? 200 : next.state === 'cancelled' ? 410 : 500,
	error: next.state === 'delivered' ? null : 'http',
	response: null,
	health: next.state === 'delivered' ? 'up' : 'down',
	// Most tests are not about the breaker: theirs never opens.
	breaker: { threshold: 1_000_000, waitsMs: [1] },
	next,
	...overrides,
});

export const delivered = (claim: Claim, overrides: Partial<Settlement> = {}): Settlement =>
	outcome(claim, { state: 'delivered' }, overrides);

export const dead = (claim: Claim, overrides: Partial<Settlement> = {}): Settlement =>
	outcome(claim, { state: 'dead' }, overrides);

export const retried = (claim: Claim, at: number, overrides: Partial<Settlement> = {}): Settlement =>
	outcome(claim, { state: 'ready', at, scheduled: 1, conflictSince: null }, overrides);

export const gone = (claim: Claim): Settlement =>
	outcome(claim, { state: 'cancelled', endSubscription: true });

/** The only one of a list; fails when there are none or several. */
export function only<T>(list: T[]): T {
	if (list.length !== 1) throw new Error(`${list.length} instead of one`);
	return list[0] as T;
}
