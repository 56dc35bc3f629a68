import { LAST_NUMBER } from '../sqlite/event-numbers.ts';

/**
 * How values travel from SQLite to PostgreSQL. `list` and `json` are JSON text in SQLite, an array of text and jsonb in
 * PostgreSQL; a `body` is compared by its SHA-256, made where it lies.
 */
export type Kind = 'text' | 'integer' | 'real' | 'bytes' | 'body' | 'list' | 'json';

export interface Table {
	name: string;
	columns: Record<string, Kind>;
	/** Where the rows come from in SQLite: a table or a subquery. */
	from: string;
	/** The same order of rows on both sides. */
	sqliteOrder: string;
	postgresOrder: string;
	/** The column that PostgreSQL numbers, to go on from the last number SQLite has given out: its query. */
	numbered?: { column: string; last: string };
}

const autoincremented = (table: string) => `SELECT seq AS last FROM sqlite_sequence WHERE name = '${table}'`;

/** Everything that PostgreSQL keeps, parents before children. What SQLite keeps beside it is derived from this. */
export const TABLES: readonly Table[] = [
	{
		name: 'sources',
		columns: { id: 'text', name: 'text', token_hash: 'bytes', created_at: 'integer' },
		from: 'sources',
		sqliteOrder: 'rowid',
		postgresOrder: 'seq',
	},
	{
		name: 'tokens',
		columns: {
			id: 'text',
			name: 'text',
			hash: 'bytes',
			scopes: 'list',
			created_at: 'integer',
			expires_at: 'integer',
			last_used_at: 'integer',
		},
		from: 'tokens',
		sqliteOrder: 'rowid',
		postgresOrder: 'seq',
	},
	{
		name: 'subscriptions',
		columns: {
			id: 'text',
			url: 'text',
			events: 'list',
			filter: 'json',
			description: 'text',
			sealed_secret: 'bytes',
			previous_secret: 'bytes',
			previous_until: 'integer',
			concurrency: 'integer',
			per_minute: 'integer',
			failures: 'integer',
			failing_since: 'integer',
			probe_at: 'integer',
			status: 'text',
			created_at: 'integer',
			next_start_at: 'real',
		},
		from: 'subscriptions',
		sqliteOrder: 'rowid',
		postgresOrder: 'seq',
	},
	{
		name: 'stopped_subscriptions',
		columns: { id: 'text' },
		from: 'stopped_subscriptions',
		sqliteOrder: 'id',
		postgresOrder: 'id',
	},
	{
		name: 'events',
		columns: {
			seq: 'integer',
			id: 'text',
			source_id: 'text',
			origin: 'text',
			dedupe_key: 'text',
			state: 'text',
			quarantine_reason: 'text',
			type: 'text',
			workflow_id: 'text',
			attributes: 'json',
			content_type: 'text',
			truncated: 'integer',
			received_at: 'integer',
			bytes: 'integer',
			duplicates: 'integer',
			variants: 'integer',
		},
		from: 'events',
		sqliteOrder: 'seq',
		postgresOrder: 'seq',
		numbered: { column: 'seq', last: LAST_NUMBER },
	},
	{
		name: 'bodies',
		columns: { event_seq: 'integer', key_id: 'integer', body: 'body' },
		from: 'bodies',
		sqliteOrder: 'event_seq',
		postgresOrder: 'event_seq',
	},
	{
		name: 'variants',
		columns: {
			seq: 'integer',
			event_seq: 'integer',
			hash: 'bytes',
			key_id: 'integer',
			content_type: 'text',
			bytes: 'integer',
			received_at: 'integer',
			body: 'body',
		},
		from: 'variants',
		sqliteOrder: 'seq',
		postgresOrder: 'seq',
		numbered: { column: 'seq', last: autoincremented('variants') },
	},
	{
		name: 'dedupe_keys',
		columns: {
			source_id: 'text',
			key: 'text',
			event_id: 'text',
			truncated: 'integer',
			received_at: 'integer',
		},
		// Those of the newest events are not written there yet (sqlite/dedupe-keys.ts).
		from: `(SELECT source_id, key, event_id, truncated, received_at FROM dedupe_keys
			UNION ALL
			SELECT source_id, dedupe_key, id, truncated, received_at FROM events e
			WHERE seq > (SELECT keys_up_to FROM progress) AND NOT EXISTS (
				SELECT 1 FROM dedupe_keys k WHERE k.segment = e.seq >> 15 AND k.source_id = e.source_id AND k.key = e.dedupe_key))`,
		sqliteOrder: 'source_id, key',
		postgresOrder: 'source_id, key',
	},
	{
		name: 'deliveries',
		columns: {
			id: 'integer',
			event_seq: 'integer',
			subscription_id: 'text',
			state: 'text',
			due_at: 'integer',
			created_at: 'integer',
			attempt: 'integer',
			scheduled: 'integer',
			conflict_since: 'integer',
			delivered_at: 'integer',
			dead_reason: 'text',
		},
		from: 'deliveries',
		sqliteOrder: 'id',
		postgresOrder: 'id',
		numbered: { column: 'id', last: autoincremented('deliveries') },
	},
	{
		name: 'attempts',
		columns: {
			delivery_id: 'integer',
			attempt: 'integer',
			started_at: 'integer',
			duration_ms: 'real',
			dns_ms: 'real',
			connect_ms: 'real',
			tls_ms: 'real',
			first_byte_ms: 'real',
			status: 'integer',
			error: 'text',
			response: 'text',
		},
		from: 'attempts',
		sqliteOrder: 'delivery_id, attempt',
		postgresOrder: 'delivery_id, attempt',
	},
];
