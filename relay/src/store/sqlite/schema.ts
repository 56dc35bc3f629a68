/**
 * The relay's database. Times are milliseconds since the epoch. Migrations are append-only: never edit one that
 * was released.
 */
const V1 = `
CREATE TABLE sources (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	token_hash BLOB NOT NULL UNIQUE,
	created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE tokens (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	hash BLOB NOT NULL UNIQUE,
	scopes TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE subscriptions (
	id TEXT PRIMARY KEY,
	url TEXT NOT NULL,
	events TEXT NOT NULL,
	filter TEXT NOT NULL,
	description TEXT,
	sealed_secret BLOB NOT NULL,
	status TEXT NOT NULL CHECK (status IN ('active', 'ended')),
	created_at INTEGER NOT NULL
) STRICT;
-- One active subscription a URL: two would start every workflow twice.
CREATE UNIQUE INDEX subscriptions_active_url ON subscriptions (url) WHERE status = 'active';

-- seq is the order of arrival, for pages that hold still while events come in.
CREATE TABLE events (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	id TEXT NOT NULL UNIQUE,
	source_id TEXT NOT NULL REFERENCES sources (id),
	origin TEXT NOT NULL CHECK (origin IN ('webhook', 'reconciled')),
	dedupe_key TEXT NOT NULL,
	state TEXT NOT NULL CHECK (state IN ('accepted', 'quarantined')),
	quarantine_reason TEXT,
	type TEXT,
	workflow_id TEXT,
	attributes TEXT NOT NULL,
	content_type TEXT NOT NULL,
	truncated INTEGER NOT NULL,
	received_at INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	duplicates INTEGER NOT NULL DEFAULT 0
) STRICT;
-- Accepted events are found by their workflow through dedupe_keys: a second index in the random order of workflow
-- ids would cost each webhook another page written (ingest 2 KiB: a third of it).
CREATE INDEX events_quarantined ON events (workflow_id, seq) WHERE state = 'quarantined' AND workflow_id IS NOT NULL;

-- Bodies apart from events: lists of events then read small rows, and a body can go before its event does. By seq,
-- so that new ones are appended and share pages.
CREATE TABLE bodies (
	event_seq INTEGER PRIMARY KEY REFERENCES events (seq) ON DELETE CASCADE,
	body BLOB NOT NULL
) STRICT;

-- Dedupe keys apart from events, and without a foreign key: a key outlives its event, so that a late repeat of a
-- result long deleted is still a duplicate.
CREATE TABLE dedupe_keys (
	source_id TEXT NOT NULL,
	key TEXT NOT NULL,
	event_id TEXT NOT NULL,
	truncated INTEGER NOT NULL,
	PRIMARY KEY (source_id, key)
) STRICT, WITHOUT ROWID;

-- due_at: when it may be claimed. Of a leased delivery that is when its lease runs out, so that one index answers
-- "what can be claimed now", crashed attempts included, with nobody having to clean up.
CREATE TABLE deliveries (
	id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given out twice: settlements are fenced by (id, attempt)
	event_id TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
	subscription_id TEXT NOT NULL, -- no foreign key: the record outlives its subscription
	state TEXT NOT NULL CHECK (state IN ('ready', 'leased', 'delivered', 'dead', 'cancelled')),
	due_at INTEGER NOT NULL,
	attempt INTEGER NOT NULL DEFAULT 0,
	scheduled INTEGER NOT NULL DEFAULT 0,
	conflict_since INTEGER,
	delivered_at INTEGER
) STRICT;
CREATE INDEX deliveries_pending ON deliveries (subscription_id, due_at) WHERE state IN ('ready', 'leased');
-- Never more rows than attempts under way: how many a subscription has must not mean reading its backlog
-- (200,000 waiting retries: 31 ms a claim without this index).
CREATE INDEX deliveries_leased ON deliveries (subscription_id, due_at) WHERE state = 'leased';
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state IN ('ready', 'leased');
CREATE INDEX deliveries_event ON deliveries (event_id);

CREATE TABLE attempts (
	delivery_id INTEGER NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
	attempt INTEGER NOT NULL,
	started_at INTEGER NOT NULL,
	duration_ms REAL NOT NULL,
	status INTEGER,
	error TEXT,
	response TEXT,
	PRIMARY KEY (delivery_id, attempt)
) STRICT, WITHOUT ROWID;
`;

export const MIGRATIONS = [V1] as const;
