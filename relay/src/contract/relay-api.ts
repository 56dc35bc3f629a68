import { z } from 'zod';
import { IsoInstant } from './common.ts';

/**
 * The relay's own management API, `/relay/v1/*`: what the nodes and operators call. Requests are closed
 * (an unknown key is an error the caller should hear about); ids are opaque strings.
 */
export const RELAY_PREFIX = '/relay/v1';

/**
 * Text of a request that reaches the database. PostgreSQL's text takes neither NUL nor half a surrogate pair, and what
 * one engine takes the other must take too.
 */
const isStorable = (text: string) => !/\p{Cs}/u.test(text) && !text.includes('\u0000');
const NOT_STORABLE = 'must be text without NUL (U+0000) and without halves of surrogate pairs: take them out';
export const StorableText = z.string().refine(isStorable, NOT_STORABLE);

/** Event types a subscription may ask for. `quarantined` events are shown to operators, never delivered. */
export const EVENT_TYPES = ['enrichment.completed'] as const;
export const EventType = z.enum(EVENT_TYPES);
export type EventType = z.infer<typeof EventType>;

/** Where webhooks come from. The ingest URL is the secret: whoever has it can post events. */
export const SourceView = z.strictObject({
	id: z.string(),
	name: z.string(),
	ingest_url: z.url(),
	created_at: IsoInstant,
});
export type SourceView = z.infer<typeof SourceView>;
export const SourcesResponse = z.strictObject({ sources: z.array(SourceView) });
export type SourcesResponse = z.infer<typeof SourcesResponse>;

/** Deliver only events whose field equals the value; absent means no restriction. */
export const SubscriptionFilter = z.strictObject({
	lead_list_id: StorableText.min(1).optional(),
	enrichment_type: StorableText.min(1).optional(),
	status: StorableText.min(1).optional(),
});

/** The answer to `POST /in/{token}`. `duplicate`: seen before; `event_id` is the first one's. */
export const IngestResponse = z.strictObject({
	event_id: z.string(),
	status: z.enum(['stored', 'duplicate']),
});
export type IngestResponse = z.infer<typeof IngestResponse>;

/** Deliveries under way at once. By default five: n8n takes 18–31 webhooks/s and drowns easily. */
const Concurrency = z.int().min(1).max(50);
/** Attempts started a minute; null: no limit. */
const PerMinute = z.int().min(1).max(60_000).nullable();

export const CreateSubscriptionRequest = z.strictObject({
	url: z
		.url({ protocol: /^https?$/ })
		.max(2048)
		.refine(isStorable, NOT_STORABLE),
	events: z.array(EventType).min(1).default(['enrichment.completed']),
	filter: SubscriptionFilter.default({}),
	description: StorableText.max(200).optional(),
	concurrency: Concurrency.default(5),
	per_minute: PerMinute.default(null),
});
export type CreateSubscriptionRequest = z.input<typeof CreateSubscriptionRequest>;

/** Absent means unchanged; a `description` of null removes it. */
export const UpdateSubscriptionRequest = z.strictObject({
	events: z.array(EventType).min(1).optional(),
	filter: SubscriptionFilter.optional(),
	description: StorableText.max(200).nullish(),
	concurrency: Concurrency.optional(),
	per_minute: PerMinute.optional(),
});
export type UpdateSubscriptionRequest = z.infer<typeof UpdateSubscriptionRequest>;

export const SubscriptionView = z.strictObject({
	id: z.string(),
	url: z.string(),
	events: z.array(EventType),
	filter: z.record(z.string(), z.string()),
	description: z.string().nullable(),
	concurrency: z.int(),
	per_minute: z.int().nullable(),
	/** Attempts that failed in a row. */
	failures: z.int().min(0),
	/** When the first of those was; null when the last attempt did not fail. */
	failing_since: IsoInstant.nullable(),
	/** While the receiver is down: when the next delivery probes it; the others wait. Null while it is not. */
	next_probe_at: IsoInstant.nullable(),
	/** Until when deliveries are signed with the secret before the last rotation too; null when they are not. */
	previous_secret_until: IsoInstant.nullable(),
	/** `ended`: the receiver answered 410, so nothing is sent there any more. */
	status: z.enum(['active', 'ended']),
	created_at: IsoInstant,
});
export type SubscriptionView = z.infer<typeof SubscriptionView>;
export const SubscriptionsResponse = z.strictObject({ subscriptions: z.array(SubscriptionView) });
export type SubscriptionsResponse = z.infer<typeof SubscriptionsResponse>;

/** Shown when a subscription is created or its secret rotated, and never again. */
export const SubscriptionWithSecret = SubscriptionView.extend({
	/** Standard Webhooks secret, `whsec_` + base64. */
	secret: z.string(),
});
export type SubscriptionWithSecret = z.infer<typeof SubscriptionWithSecret>;

export const DELIVERY_STATES = ['ready', 'leased', 'delivered', 'dead', 'cancelled'] as const;
export const DeliveryState = z.enum(DELIVERY_STATES);
export type DeliveryState = z.infer<typeof DeliveryState>;

/** Why a delivery is dead. */
export const DEAD_REASONS = ['schedule_used_up', 'receiver_down'] as const;

export const AttemptView = z.strictObject({
	attempt: z.int().min(1),
	started_at: IsoInstant,
	duration_ms: z.number().min(0),
	/** What the phases took; null: not reached, or not needed (an open connection, no TLS). */
	timings: z.strictObject({
		dns_ms: z.number().nullable(),
		connect_ms: z.number().nullable(),
		tls_ms: z.number().nullable(),
		/** From the start of the attempt. */
		first_byte_ms: z.number().nullable(),
	}),
	/** HTTP status of the receiver; null when no answer came. */
	status: z.int().nullable(),
	/** Class of the failure, e.g. `timeout`, `connect`, `http`, `blocked`; null on success. */
	error: z.string().nullable(),
});
export const DeliveryView = z.strictObject({
	id: z.string(),
	event_id: z.string(),
	subscription_id: z.string(),
	state: DeliveryState,
	created_at: IsoInstant,
	attempts: z.array(AttemptView),
	/** When the next attempt is due; null in a final state. */
	next_attempt_at: IsoInstant.nullable(),
	delivered_at: IsoInstant.nullable(),
	/**
	 * Why it is dead: all its attempts failed, or it waited too long for a receiver that was down all the time. Null in
	 * any other state.
	 */
	dead_reason: z.enum(DEAD_REASONS).nullable(),
});
export type DeliveryView = z.infer<typeof DeliveryView>;
export const DeliveriesResponse = z.strictObject({
	deliveries: z.array(DeliveryView),
	cursor: z.string().nullable(),
});
export type DeliveriesResponse = z.infer<typeof DeliveriesResponse>;
export const DeliveryDetail = DeliveryView.extend({
	attempts: z.array(
		AttemptView.extend({
			/** The first 16 KiB of what the receiver answered, without secrets; null when no answer came. */
			response: z.string().nullable(),
		}),
	),
});
export type DeliveryDetail = z.infer<typeof DeliveryDetail>;

/** Dead deliveries to make again: all, or those of one subscription. */
export const RedriveRequest = z.strictObject({ subscription_id: StorableText.optional() });
export const RedriveResponse = z.strictObject({
	/** How many were. */
	redriven: z.int().min(0),
	/** False when there are more: ask again. */
	complete: z.boolean(),
});

export const EventView = z.strictObject({
	id: z.string(),
	source_id: z.string(),
	state: z.enum(['accepted', 'quarantined']),
	/** Why it could not be read; null for an accepted event. */
	quarantine_reason: z.string().nullable(),
	origin: z.enum(['webhook', 'reconciled']),
	workflow_id: z.string().nullable(),
	/** When the last byte of the body had come in. */
	received_at: IsoInstant,
	duplicates: z.int().min(0),
	/** Repeats that had another body. */
	variants: z.int().min(0),
	bytes: z.int().min(0),
});
export type EventView = z.infer<typeof EventView>;
export const EventsResponse = z.strictObject({ events: z.array(EventView), cursor: z.string().nullable() });
export type EventsResponse = z.infer<typeof EventsResponse>;
/** A body that came for an event that has one already: recorded, never delivered. */
export const VariantView = z.strictObject({
	/** Hexadecimal. */
	sha256: z.string(),
	bytes: z.int().min(0),
	content_type: z.string(),
	received_at: IsoInstant,
});
export const EventDetail = EventView.extend({
	deliveries: z.array(DeliveryView),
	/** The first ten different ones. */
	variant_bodies: z.array(VariantView),
});
export type EventDetail = z.infer<typeof EventDetail>;

/** An event was taken out of quarantine; so many subscriptions get it. */
export const EventRedriven = z.strictObject({ event_id: z.string(), deliveries: z.int().min(0) });
export type EventRedriven = z.infer<typeof EventRedriven>;

/** What a token may do: `admin` everything, `subscribe` all about subscriptions, `read` look at what came in. */
export const TOKEN_SCOPES = ['admin', 'subscribe', 'read'] as const;
export const TokenScope = z.enum(TOKEN_SCOPES);

export const CreateTokenRequest = z.strictObject({
	/** Whom or what it is for. */
	name: z
		.string()
		.trim()
		.min(1)
		.max(100)
		.refine((name) => !/[\p{Cc}\p{Cs}]/u.test(name), 'must be text without control characters'),
	scopes: z
		.array(TokenScope)
		.min(1)
		.transform((scopes) => [...new Set(scopes)]),
	/** From then on it opens nothing; absent: it does not end. */
	expires_at: z.iso
		.datetime({ offset: true, error: 'must be a time with its zone, such as 2027-01-31T12:00:00Z' })
		.optional(),
});
export type CreateTokenRequest = z.input<typeof CreateTokenRequest>;

export const TokenView = z.strictObject({
	id: z.string(),
	name: z.string(),
	scopes: z.array(TokenScope),
	/** `key_file`: it comes from keys/relay-token, or RELAY_TOKEN, on every start, and is changed there. */
	from: z.enum(['key_file', 'api']),
	created_at: IsoInstant,
	expires_at: IsoInstant.nullable(),
	/** To the minute; null: never. */
	last_used_at: IsoInstant.nullable(),
});
export type TokenView = z.infer<typeof TokenView>;
export const TokensResponse = z.strictObject({ tokens: z.array(TokenView) });
export type TokensResponse = z.infer<typeof TokensResponse>;

/** Shown when a token is made or rotated, and never again. */
export const TokenWithSecret = TokenView.extend({ token: z.string() });
export type TokenWithSecret = z.infer<typeof TokenWithSecret>;

/** What waits. */
export const StatsResponse = z.strictObject({
	/** Deliveries that are not over, and dead ones. */
	deliveries: z.strictObject({ ready: z.int().min(0), leased: z.int().min(0), dead: z.int().min(0) }),
	/** When the next delivery is due, or the most overdue one was; null: none waits. */
	oldest_due_at: IsoInstant.nullable(),
	quarantined_events: z.int().min(0),
	subscriptions: z.strictObject({ active: z.int().min(0), open_breakers: z.int().min(0) }),
});
export type StatsResponse = z.infer<typeof StatsResponse>;

/** RFC 9457 problem document of every relay error. */
export const Problem = z.strictObject({
	type: z.string(),
	title: z.string(),
	status: z.int(),
	/** What was wrong, in one sentence. */
	detail: z.string(),
	/** Stable machine code. */
	code: z.string(),
	/** What to do about it, in one sentence. */
	fix: z.string(),
	/** Per-field messages of a refused body or query. */
	errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof Problem>;

/** The answer of `/healthz` and `/readyz` when all is well. */
export const Health = z.strictObject({ status: z.enum(['ok', 'ready']) });
