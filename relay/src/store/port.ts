/**
 * The store port: everything the relay asks of a database. One conformance suite (test/store) runs over every
 * engine. Times are milliseconds since the epoch and always come from the caller's clock, never from the
 * database. Methods reject only with StoreError.
 */
import type { DEAD_REASONS, DeliveryState, EventType, TOKEN_SCOPES } from '../contract/relay-api.ts';

/** Where webhooks come from. Only the hash of its ingest token is kept. */
export interface Source {
	id: string;
	name: string;
	/** SHA-256 of the ingest token. */
	tokenHash: Buffer;
	createdAt: number;
}

export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** A management token (`crt_…`). Only its hash is kept. */
export interface Token {
	id: string;
	name: string;
	/** SHA-256 of the token. */
	hash: Buffer;
	scopes: TokenScope[];
	createdAt: number;
	/** From then on it opens nothing; null: never. It is the caller who compares it with a clock. */
	expiresAt: number | null;
	/** When a request last used it, to the minute; null: never. */
	lastUsedAt: number | null;
}

/** Fields an event can be filtered by; absent means any. */
export type EventFilter = Partial<Record<'lead_list_id' | 'enrichment_type' | 'status', string>>;

export interface Subscription {
	id: string;
	url: string;
	events: EventType[];
	filter: EventFilter;
	description: string | null;
	/** The Standard Webhooks secret, sealed (see crypto.ts); the store never sees it in the clear. */
	sealedSecret: Buffer;
	/** The secret before the last rotation, and until when deliveries are signed with it too; null when there is none. */
	previousSecret: { sealed: Buffer; until: number } | null;
	/** Deliveries under way at once, at most. */
	concurrency: number;
	/** Attempts started a minute, at most; null: no limit. */
	perMinute: number | null;
	/**
	 * The breaker: failures in a row, when the first of them was, and while it is open (see BreakerRule) when the next
	 * probe may go out.
	 */
	failures: number;
	failingSince: number | null;
	probeAt: number | null;
	status: 'active' | 'ended';
	createdAt: number;
}

/** What an operator may change of a subscription; absent means unchanged. */
export type SubscriptionChanges = Partial<
	Pick<Subscription, 'events' | 'filter' | 'description' | 'concurrency' | 'perMinute'>
>;

/**
 * When a subscription's breaker opens, and how it is probed: after `threshold` failures in a row one delivery, the
 * oldest due, goes out per slot, and the rest wait without using up attempts. The wait before the n-th slot is
 * `waitsMs[n]`, the last one for all that follow. A success closes it.
 */
export interface BreakerRule {
	threshold: number;
	waitsMs: readonly number[];
}

/** One received webhook, as it is about to be stored. `body` is the raw bytes. */
export interface NewEvent {
	id: string;
	sourceId: string;
	origin: 'webhook' | 'reconciled';
	/** What makes two events of a source the same one. */
	dedupeKey: string;
	state: 'accepted' | 'quarantined';
	quarantineReason: string | null;
	type: EventType | null;
	workflowId: string | null;
	/** What subscriptions filter on, as read from the body. */
	attributes: EventFilter;
	/** As stored: the raw bytes, or those sealed with the key `bodyKeyId`. */
	body: Buffer;
	/** Key that sealed the body; null when it is stored in the clear. */
	bodyKeyId: number | null;
	/** Size of the raw bytes. */
	bytes: number;
	contentType: string;
	/** How many results the vendor left out; a complete payload replaces a truncated one. */
	truncated: number;
	receivedAt: number;
}

export type IngestOutcome =
	/** New: on disk, with one delivery for each matching active subscription. */
	| { kind: 'stored'; eventId: string; deliveries: number }
	/** Seen before: counted on the first event, whose id this is. */
	| { kind: 'duplicate'; eventId: string }
	/** The kept event was truncated and this one is not: its body replaced the kept one, and it is delivered again. */
	| { kind: 'completed'; eventId: string; deliveries: number };

export interface StoredEvent extends Omit<NewEvent, 'body' | 'bodyKeyId'> {
	duplicates: number;
	/** Repeats of the same event with another body; the first body is the one kept. */
	variants: number;
}

/** A body as it is stored. */
export interface StoredBody {
	body: Buffer;
	keyId: number | null;
	contentType: string;
}

/** A body that came for an event that has one already: recorded, never delivered. */
export interface Variant extends StoredBody {
	/** SHA-256 of the raw bytes. The same variant is recorded once. */
	hash: Buffer;
	bytes: number;
	receivedAt: number;
}

/** What an attempt needs of the subscription, as it was at the claim. */
export interface Receiver {
	url: string;
	sealedSecret: Buffer;
	/** Also signs, while a rotated secret is still good; else null. */
	previousSealedSecret: Buffer | null;
	/** See Subscription. */
	concurrency: number;
}

/** A claimed delivery: everything one attempt needs. */
export interface Claim {
	deliveryId: string;
	eventId: string;
	subscriptionId: string;
	receiver: Receiver;
	body: Buffer;
	bodyKeyId: number | null;
	contentType: string;
	/** Number of this attempt, from 1; the fencing token of its settlement. */
	attempt: number;
	/** Retries so far on the schedule, 409s inside their grace period not counted. */
	scheduled: number;
	/** When the current run of 409 answers began; null when the last answer was another. */
	conflictSince: number | null;
}

/** What came of one attempt. */
export interface Settlement {
	deliveryId: string;
	/** The attempt claimed. A settlement of an earlier attempt than the current one is fenced off. */
	attempt: number;
	startedAt: number;
	durationMs: number;
	timings: AttemptTimings;
	/** HTTP status, or null when no answer came. */
	status: number | null;
	/** Class of the failure; null on success. */
	error: string | null;
	/** First bytes of the answer, for the operator. */
	response: string | null;
	/** What the attempt says of the receiver: `busy` (409) leaves the breaker as it is. */
	health: 'up' | 'down' | 'busy';
	breaker: BreakerRule;
	/** What happens next, decided by the delivery policy. */
	next:
		| { state: 'delivered' }
		| { state: 'ready'; at: number; scheduled: number; conflictSince: number | null }
		| { state: 'dead' }
		/** The receiver is gone (410): this delivery and its subscription end, pending deliveries are cancelled. */
		| { state: 'cancelled'; endSubscription: true };
}

/** Milliseconds each phase took; null: not reached, or not needed (an open connection was used, no TLS). */
export interface AttemptTimings {
	dnsMs: number | null;
	connectMs: number | null;
	tlsMs: number | null;
	/** From the start of the attempt to the first byte of the answer. */
	firstByteMs: number | null;
}

export interface StoredAttempt {
	attempt: number;
	startedAt: number;
	durationMs: number;
	timings: AttemptTimings;
	status: number | null;
	error: string | null;
	response: string | null;
}

/** Its schedule was used up, or it was given up (see Store.giveUp). */
export type DeadReason = (typeof DEAD_REASONS)[number];

export interface StoredDelivery {
	id: string;
	eventId: string;
	subscriptionId: string;
	state: DeliveryState;
	dueAt: number;
	createdAt: number;
	deliveredAt: number | null;
	/** Why it is dead; null when it is not. */
	deadReason: DeadReason | null;
	attempts: StoredAttempt[];
}

/** Newest first, a page at a time. `before` is the id of the last entry of the page before, which may be gone by now. */
export interface Page {
	limit: number;
	before?: string;
}

/** What waits, for operators and metrics. All of it is read from partial indexes, never by walking whole tables. */
export interface StoreStats {
	/** Deliveries not yet in a final state, dead ones, and when the most overdue of the pending ones was due. */
	ready: number;
	leased: number;
	dead: number;
	oldestDueAt: number | null;
	quarantined: number;
	activeSubscriptions: number;
	/** Active subscriptions whose breaker is open. */
	openBreakers: number;
}

export interface SweepResult {
	events: number;
	dedupeKeys: number;
	/** Whether to sweep again at once: there may be more that is old, which this call did not get to. */
	more: boolean;
}

export interface Store {
	/** Creates the source or updates its name and token hash. */
	putSource(source: Source): Promise<void>;
	findSourceByTokenHash(hash: Buffer): Promise<Source | null>;
	listSources(): Promise<Source[]>;

	/** Creates the token or replaces the one with the same id. */
	putToken(token: Token): Promise<void>;
	findTokenByHash(hash: Buffer): Promise<Token | null>;
	/** Oldest first. */
	listTokens(): Promise<Token[]>;
	/** Gives it another hash, never used yet; the old one is found no more. Null when there is none with this id. */
	rotateToken(id: string, hash: Buffer): Promise<Token | null>;
	/** False when there is none with this id. */
	deleteToken(id: string): Promise<boolean>;
	touchToken(id: string, at: number): Promise<void>;

	/** Stores the event, its dedupe key and its deliveries in one transaction. Resolves only after fsync. */
	ingest(event: NewEvent): Promise<IngestOutcome>;

	/** Fails with `conflict` when an active subscription with the same URL exists. */
	createSubscription(subscription: Subscription): Promise<void>;
	/** Changes it in one step, whatever happens beside it. Null when there is none with this id. */
	changeSubscription(id: string, changes: SubscriptionChanges): Promise<Subscription | null>;
	/** Makes `sealedSecret` the secret and keeps the one before until `previousUntil`. Null when there is none. */
	rotateSecret(id: string, sealedSecret: Buffer, previousUntil: number): Promise<Subscription | null>;
	getSubscription(id: string): Promise<Subscription | null>;
	/** All of them, oldest first; with `url`, those of exactly that URL. */
	listSubscriptions(options?: { url?: string }): Promise<Subscription[]>;
	/**
	 * Removes it and cancels its pending deliveries: the attempts under way and some hundred of those that wait in the same
	 * step, the rest by `cancelStopped`. None of them is claimed any more. False when there is none with this id. A
	 * subscription that ends (see Settlement) goes the same way.
	 */
	deleteSubscription(id: string): Promise<boolean>;
	/**
	 * Goes on with cancelling what is pending of subscriptions that were deleted or ended, at most `limit` deliveries.
	 * Returns how many were; fewer than `limit` when nothing is left. What is left is known on disk, whoever began.
	 */
	cancelStopped(limit: number): Promise<number>;

	/**
	 * Claims up to `limit` due deliveries of active subscriptions (ready and due, or leased with the lease run out),
	 * oldest due first, within each subscription's concurrency, rate and breaker. Claiming counts the attempt.
	 *
	 * @param options.ahead by subscription, how many more than its concurrency may be claimed: for a caller that sees to the
	 *   concurrency itself, because nobody else claims. Of one with a rate or an open breaker no more are
	 */
	claim(options: {
		now: number;
		leaseMs: number;
		limit: number;
		ahead?: ReadonlyMap<string, number>;
	}): Promise<Claim[]>;
	/**
	 * Writes the outcome of an attempt and what it means for the breaker. `fenced`: a later attempt was claimed, or
	 * the delivery cancelled, meanwhile; nothing was written.
	 */
	settle(settlement: Settlement): Promise<'settled' | 'fenced'>;
	/**
	 * Hands claims back, due now, nothing of the schedule used up: for shutdown. The attempt keeps its number, so
	 * that a late settlement of it is fenced off.
	 */
	release(claims: { deliveryId: string; attempt: number }[], now: number): Promise<void>;
	/**
	 * When the next delivery becomes claimable, lease expiry, breaker and rate included; may be too early, never
	 * too late. Null when nothing is pending.
	 */
	nextDueAt(): Promise<number | null>;
	/** Calls `listener` when another process may have made something due. Returns the cancellation. */
	onDue(listener: () => void): () => void;

	/**
	 * Makes a new delivery of the same event to the same subscription, due now, in place of a retry that waits.
	 * Null when there is no such delivery; `conflict` when its subscription is gone or has ended.
	 */
	replay(deliveryId: string, now: number): Promise<StoredDelivery | null>;
	/** Ends a delivery that is not final; an attempt under way is fenced off. `final`: it was already. */
	cancel(deliveryId: string): Promise<'cancelled' | 'final' | null>;
	/**
	 * Makes dead deliveries of active subscriptions ready again, due now, with the whole schedule before them: the
	 * one named, those of a subscription, or all; at most `limit`, oldest first. Returns how many.
	 */
	redrive(options: {
		deliveryId?: string;
		subscriptionId?: string;
		limit: number;
		now: number;
	}): Promise<number>;

	getEvent(id: string): Promise<StoredEvent | null>;
	listEvents(options: Page & { workflowId?: string; state?: NewEvent['state'] }): Promise<StoredEvent[]>;
	getBody(eventId: string): Promise<StoredBody | null>;
	/** Records another body of an event. Past 10 variants they are only counted. */
	recordVariant(eventId: string, variant: Variant): Promise<void>;
	listVariants(eventId: string): Promise<Variant[]>;
	/**
	 * Takes an event out of quarantine, as now understood, and makes its deliveries. `duplicate`: another event has
	 * its key; nothing was changed. Null when there is no quarantined event with this id.
	 */
	acceptQuarantined(
		eventId: string,
		read: Pick<NewEvent, 'dedupeKey' | 'type' | 'workflowId' | 'attributes' | 'truncated'>,
		now: number,
	): Promise<IngestOutcome | null>;
	getDelivery(id: string): Promise<StoredDelivery | null>;
	/** The attempts' responses are left out (null): they are up to 16 KiB each. */
	listDeliveries(
		options: Page & { eventId?: string; subscriptionId?: string; state?: DeliveryState },
	): Promise<StoredDelivery[]>;
	stats(): Promise<StoreStats>;

	/**
	 * Makes dead, at most `limit` and oldest due first, what waits behind a breaker that nothing got through: ready
	 * deliveries that have been due since before `before`, of active subscriptions whose breaker is open and that fail
	 * since before `before` too. Returns how many. The rest of a backlog never reaches its own schedule's end, because
	 * waiting behind a breaker uses up no attempts.
	 */
	giveUp(options: { before: number; limit: number }): Promise<number>;

	/**
	 * Deletes, at most `limit` of each, events with all that belongs to them and dedupe keys. It looks through a bounded
	 * number of events, so `more` may be true though nothing was deleted. An event goes when
	 * nothing of it is pending and it was received before `deliveredBefore`, or, when it is quarantined, has a dead
	 * delivery or none at all, before `deadBefore`. Keys go `keysBefore`: later, so that a late repeat of a result
	 * long deleted is still a duplicate.
	 */
	sweep(options: {
		deliveredBefore: number;
		deadBefore: number;
		keysBefore: number;
		limit: number;
	}): Promise<SweepResult>;

	/**
	 * Bodies and variants not stored under this key (null: in the clear), at most `limit`, always in the same order;
	 * `ref` names them. `after` goes on behind the last one of the call before: without it the walk begins anew.
	 */
	bodiesNotUnder(
		keyId: number | null,
		limit: number,
		after?: string,
	): Promise<(StoredBody & { ref: string })[]>;
	/** Replaces them, each only while it still is as it `was`: a complete one may have come meanwhile. Returns how many were. */
	replaceBodies(
		bodies: {
			ref: string;
			was: Pick<StoredBody, 'body' | 'keyId'>;
			body: Buffer;
			keyId: number | null;
		}[],
	): Promise<number>;
	/** Replaces a subscription's sealed secrets, only while they are still those given. */
	resealSecrets(
		id: string,
		was: Pick<Subscription, 'sealedSecret' | 'previousSecret'>,
		now: Pick<Subscription, 'sealedSecret' | 'previousSecret'>,
	): Promise<boolean>;

	/** Answers when the store can read and write. */
	ping(): Promise<void>;
	/** Commits what is queued and closes. */
	close(): Promise<void>;
}

/** Why the store could not do it: `full` and `busy` may pass, `failed` needs the operator. */
export type StoreErrorCode = 'conflict' | 'full' | 'busy' | 'readonly' | 'failed';

export class StoreError extends Error {
	override readonly name = 'StoreError';
	readonly code: StoreErrorCode;

	constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}
