import type { EventType } from '../../contract/relay-api.ts';
import type { EventFilter, Subscription } from '../port.ts';

export interface SubscriptionRow {
	id: string;
	url: string;
	events: string;
	filter: string;
	description: string | null;
	sealed_secret: Uint8Array;
	previous_secret: Uint8Array | null;
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
	events: JSON.parse(row.events) as EventType[],
	filter: JSON.parse(row.filter) as EventFilter,
	description: row.description,
	sealedSecret: Buffer.from(row.sealed_secret),
	previousSecret:
		row.previous_secret === null || row.previous_until === null
			? null
			: { sealed: Buffer.from(row.previous_secret), until: row.previous_until },
	concurrency: row.concurrency,
	perMinute: row.per_minute,
	failures: row.failures,
	failingSince: row.failing_since,
	probeAt: row.probe_at,
	status: row.status,
	createdAt: row.created_at,
});
