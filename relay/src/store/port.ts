/**
 * The store port: everything the relay asks of a database. One conformance suite (test/store) runs over every
 * engine. Times are milliseconds since the epoch and always come from the caller's clock, never from the
 * database. Methods reject only with StoreError.
 */
import type { DeliveryState, EventType } from '../contract/relay-api.ts';

/** Where webhooks come from. Only the hash of its ingest token is kept. */
export interface Source {
	id: string;
	name: string;
	/** SHA-256 of the ingest token. */
	tokenHash: Buffer;
	createdAt: number;
}

export type TokenScope = 'admin' | 'subscribe' | 'read';

/** A management token (`crt_…`). Only its hash is kept. */
export interface Token {
	id: string;
	name: string;
	/** SHA-256 of the token. */
	hash: Buffer;
	scopes: TokenScope[];
	createdAt: number;
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
	status: 'active' | 'ended';
	createdAt: number;
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
	body: Buffer;
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

export interface StoredEvent extends Omit<NewEvent, 'body'> {
	duplicates: number;
	/** Size of the body, in bytes. */
	bytes: number;
}

/** A claimed delivery: everything one attempt needs. */
export interface Claim {
	deliveryId: string;
	eventId: string;
	subscriptionId: string;
	url: string;
	sealedSecret: Buffer;
	body: Buffer;
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
	/** HTTP status, or null when no answer came. */
	status: number | null;
	/** Class of the failure; null on success. */
	error: string | null;
	/** First bytes of the answer, for the operator. */
	response: string | null;
	/** What happens next, decided by the delivery policy. */
	next:
		| { state: 'delivered' }
		| { state: 'ready'; at: number; scheduled: number; conflictSince: number | null }
		| { state: 'dead' }
		/** The receiver is gone (410): this delivery and its subscription end, pending deliveries are cancelled. */
		| { state: 'cancelled'; endSubscription: true };
}

export interface StoredAttempt {
	attempt: number;
	startedAt: number;
	durationMs: number;
	status: number | null;
	error: string | null;
}

export interface StoredDelivery {
	id: string;
	eventId: string;
	subscriptionId: string;
	state: DeliveryState;
	dueAt: number;
	deliveredAt: number | null;
	attempts: StoredAttempt[];
}

export interface Store {
	/** Creates the source or updates its name and token hash. */
	putSource(source: Source): Promise<void>;
	findSourceByTokenHash(hash: Buffer): Promise<Source | null>;
	listSources(): Promise<Source[]>;

	/** Creates the token or replaces the one with the same id. */
	putToken(token: Token): Promise<void>;
	findTokenByHash(hash: Buffer): Promise<Token | null>;

	/** Stores the event, its dedupe key and its deliveries in one transaction. Resolves only after fsync. */
	ingest(event: NewEvent): Promise<IngestOutcome>;

	/** Fails with `conflict` when an active subscription with the same URL exists. */
	createSubscription(subscription: Subscription): Promise<void>;
	/**
	 * Replaces events, filter, description, secret and status; `ended` cancels what is pending. False when there is
	 * none with this id.
	 */
	updateSubscription(subscription: Subscription): Promise<boolean>;
	getSubscription(id: string): Promise<Subscription | null>;
	/** All of them, oldest first; with `url`, those of exactly that URL. */
	listSubscriptions(options?: { url?: string }): Promise<Subscription[]>;
	/** Removes it and cancels its pending deliveries. False when there is none with this id. */
	deleteSubscription(id: string): Promise<boolean>;

	/**
	 * Claims up to `limit` due deliveries (ready and due, or leased with the lease run out), oldest due first, at
	 * most `perSubscription` in flight for each subscription. Claiming counts the attempt.
	 */
	claim(options: { now: number; leaseMs: number; limit: number; perSubscription: number }): Promise<Claim[]>;
	/** Writes the outcome of an attempt. `fenced`: a later attempt was claimed meanwhile; nothing was written. */
	settle(settlement: Settlement): Promise<'settled' | 'fenced'>;
	/**
	 * Hands claims back, due now, nothing of the schedule used up: for shutdown. The attempt keeps its number, so
	 * that a late settlement of it is fenced off.
	 */
	release(claims: { deliveryId: string; attempt: number }[], now: number): Promise<void>;
	/** When the next delivery becomes claimable, lease expiry included; null when nothing is pending. */
	nextDueAt(): Promise<number | null>;

	getEvent(id: string): Promise<StoredEvent | null>;
	/** Newest first. `before` is the id of the last event of the page before. */
	listEvents(options: { limit: number; before?: string; workflowId?: string }): Promise<StoredEvent[]>;
	listDeliveries(eventId: string): Promise<StoredDelivery[]>;

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
