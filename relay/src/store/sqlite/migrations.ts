/**
 * The schema, as numbered steps; `PRAGMA user_version` counts those applied. Released steps are never edited:
 * append. Times are milliseconds since the epoch.
 */
export const MIGRATIONS: readonly string[] = [
	/* 1 */ `
CREATE TABLE source (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	token_hash BLOB NOT NULL UNIQUE,
	created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE token (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	hash BLOB NOT NULL UNIQUE,
	scopes TEXT NOT NULL, -- JSON array
	created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE subscription (
	id TEXT PRIMARY KEY,
	url TEXT NOT NULL,
	events TEXT NOT NULL, -- JSON array of event types
	filter TEXT NOT NULL, -- JSON object, field -> value
	description TEXT,
	sealed_secret BLOB NOT NULL,
	status TEXT NOT NULL CHECK (status IN ('active', 'ended')),
	created_at INTEGER NOT NULL
) STRICT;
-- One active subscription per URL, so that a trigger activated twice is not delivered to twice. Ingest reads
-- the active ones through it as well.
CREATE UNIQUE INDEX subscription_active ON subscription (url) WHERE status = 'active';
CREATE INDEX subscription_url ON subscription (url);

CREATE TABLE event (
	seq INTEGER PRIMARY KEY, -- order of arrival, for pages
	id TEXT NOT NULL UNIQUE,
	source_id TEXT NOT NULL REFERENCES source (id),
	origin TEXT NOT NULL,
	dedupe_key TEXT NOT NULL,
	state TEXT NOT NULL,
	quarantine_reason TEXT,
	type TEXT,
	workflow_id TEXT,
	attributes TEXT NOT NULL, -- JSON object, what filters compare with
	body_hash BLOB NOT NULL,
	bytes INTEGER NOT NULL,
	content_type TEXT NOT NULL,
	truncated INTEGER NOT NULL,
	received_at INTEGER NOT NULL,
	duplicates INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX event_workflow ON event (workflow_id) WHERE workflow_id IS NOT NULL;

-- Bodies apart from events: a page of the event list must not wade through 120 KiB per row.
CREATE TABLE body (
	event_seq INTEGER PRIMARY KEY REFERENCES event (seq) ON DELETE CASCADE,
	bytes BLOB NOT NULL
) STRICT;

-- A life of its own: a key outlives the event, so that a late repeat of a result long deleted is still a
-- duplicate. Hence no foreign key.
CREATE TABLE dedupe (
	source_id TEXT NOT NULL,
	key TEXT NOT NULL,
	event_id TEXT NOT NULL,
	first_seen_at INTEGER NOT NULL,
	PRIMARY KEY (source_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery (
	id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given out twice: settlements are fenced by (id, attempt)
	event_seq INTEGER NOT NULL REFERENCES event (seq) ON DELETE CASCADE,
	subscription_id TEXT NOT NULL, -- no foreign key: the record outlives its subscription
	state TEXT NOT NULL CHECK (state IN ('ready', 'leased', 'delivered', 'dead', 'cancelled')),
	due_at INTEGER NOT NULL, -- ready: when to try; leased: when the lease runs out
	attempt INTEGER NOT NULL DEFAULT 0, -- the last one claimed
	scheduled INTEGER NOT NULL DEFAULT 0,
	conflict_since INTEGER,
	delivered_at INTEGER
) STRICT;
-- Work by subscription, then by time: claiming must not wade through the backlog of a receiver that is down.
CREATE INDEX delivery_ready ON delivery (subscription_id, due_at) WHERE state = 'ready';
-- Never more rows than attempts under way.
CREATE INDEX delivery_leased ON delivery (due_at, subscription_id) WHERE state = 'leased';
CREATE INDEX delivery_event ON delivery (event_seq);

CREATE TABLE attempt (
	delivery_id INTEGER NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
	attempt INTEGER NOT NULL,
	started_at INTEGER NOT NULL,
	duration_ms REAL NOT NULL,
	status INTEGER,
	error TEXT,
	response TEXT,
	PRIMARY KEY (delivery_id, attempt)
) STRICT;
`,
];
