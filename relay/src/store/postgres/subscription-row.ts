import type { EventType } from '../../contract/relay-api.ts';
import type { EventFilter, Subscription } from '../port.ts';
import { fromText, fromTextOrNull, toText } from './text.ts';

export interface SubscriptionRow {
	id: string;
	url: string;
	events: EventType[];
	filter: EventFilter;
	description: string | null;
	sealed_secret: Buffer;
	previous_secret: Buffer | null;
	previous_until: number | null;
	concurrency: number;
	per_minute: number | null;
	failures: number;
	failing_since: number | null;
	probe_at: number | null;
	status: Subscription['status'];
	created_at: number;
}

export const SUBSCRIPTION_COLUMNS = `id, url, events, filter, description, sealed_secret, previous_secret, previous_until,
	concurrency, per_minute, failures, failing_since, probe_at, status, created_at`;

export const toSubscription = (row: SubscriptionRow): Subscription => ({
	id: row.id,
	url: row.url,
	events: row.events,
	filter: mapValues(row.filter, fromText),
	description: fromTextOrNull(row.description),
	sealedSecret: row.sealed_secret,
	previousSecret:
		row.previous_secret === null || row.previous_until === null
			? null
			: { sealed: row.previous_secret, until: row.previous_until },
	concurrency: row.concurrency,
	perMinute: row.per_minute,
	failures: row.failures,
	failingSince: row.failing_since,
	probeAt: row.probe_at,
	status: row.status,
	createdAt: row.created_at,
});

/** A filter, or what it is compared with, as jsonb. */
export const toFilterJson = (filter: EventFilter): string => JSON.stringify(mapValues(filter, toText));
export const fromFilterJson = (filter: EventFilter): EventFilter => mapValues(filter, fromText);

const mapValues = (filter: EventFilter, map: (value: string) => string): EventFilter =>
	Object.fromEntries(Object.entries(filter).map(([name, value]) => [name, map(value)]));
