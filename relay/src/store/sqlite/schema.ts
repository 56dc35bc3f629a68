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
	created_at INTEGER NOT NULL,
	expires_at INTEGER,
	last_used_at INTEGER
) STRICT;

-- Besides what an operator sees, a subscription keeps what makes claiming cheap (operations/claim.ts):
-- first_due_at is when the first of its pending deliveries is due, null when none is pending; held_until is until
-- when claim need not look at it, because it is at its limits; next_start_at is where its rate stands (pace.ts).
CREATE TABLE subscriptions (
	id TEXT PRIMARY KEY,
	url TEXT NOT NULL,
	events TEXT NOT NULL,
	filter TEXT NOT NULL,
	description TEXT,
	sealed_secret BLOB NOT NULL,
	previous_secret BLOB,
	previous_until INTEGER,
	concurrency INTEGER NOT NULL CHECK (concurrency > 0),
	per_minute INTEGER CHECK (per_minute > 0),
	failures INTEGER NOT NULL,
	failing_since INTEGER,
	probe_at INTEGER,
	status TEXT NOT NULL CHECK (status IN ('active', 'ended')),
	created_at INTEGER NOT NULL,
	first_due_at INTEGER,
	held_until INTEGER NOT NULL DEFAULT 0,
	next_start_at REAL NOT NULL DEFAULT 0,
	CHECK ((previous_secret IS NULL) = (previous_until IS NULL))
) STRICT;
-- One active subscription a URL: two would start every workflow twice.
CREATE UNIQUE INDEX subscriptions_active_url ON subscriptions (url) WHERE status = 'active';
-- Who has something to claim, and when, however many subscriptions there are.
CREATE INDEX subscriptions_claimable ON subscriptions (max(first_due_at, held_until), first_due_at)
	WHERE first_due_at IS NOT NULL;
CREATE INDEX subscriptions_open ON subscriptions (status) WHERE probe_at IS NOT NULL;

-- Those that were deleted or ended and may still have pending deliveries, which nobody claims (stop-subscription.ts).
CREATE TABLE stopped_subscriptions (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

-- seq is the order of arrival, for pages that hold still while events come in. at_rest is for retention: null while a
-- delivery is pending, 'done' when all were delivered or cancelled, 'kept' when one is dead or, as soon as sweep has seen
-- it, there is none.
CREATE TABLE events (
	seq INTEGER PRIMARY KEY, -- never given out twice: event-numbers.ts
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
	duplicates INTEGER NOT NULL DEFAULT 0,
	variants INTEGER NOT NULL DEFAULT 0,
	at_rest TEXT CHECK (at_rest IN ('done', 'kept'))
) STRICT;
-- Nothing is written to it when a webhook comes in, but by the last settlement, and by sweep.
CREATE INDEX events_at_rest ON events (at_rest, received_at) WHERE at_rest IS NOT NULL;
CREATE INDEX events_quarantined ON events (state) WHERE state = 'quarantined';
-- Accepted events are found by their workflow through dedupe_keys, whose index is not written event by event.
CREATE INDEX events_quarantined_workflow ON events (workflow_id) WHERE state = 'quarantined' AND workflow_id IS NOT NULL;

-- Bodies apart from events: lists of events then read small rows. By seq, so that new ones are appended and share
-- pages.
CREATE TABLE bodies (
	event_seq INTEGER PRIMARY KEY REFERENCES events (seq) ON DELETE CASCADE,
	key_id INTEGER,
	body BLOB NOT NULL
) STRICT;

CREATE TABLE variants (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	event_seq INTEGER NOT NULL REFERENCES events (seq) ON DELETE CASCADE,
	hash BLOB NOT NULL,
	key_id INTEGER,
	content_type TEXT NOT NULL,
	bytes INTEGER NOT NULL,
	received_at INTEGER NOT NULL,
	body BLOB NOT NULL,
	UNIQUE (event_seq, hash)
) STRICT;

-- Dedupe keys apart from events, and without a foreign key: a key outlives its event, so that a late repeat of a
-- result long deleted is still a duplicate. A segment has those of 32,768 events that arrived one after the other, so that
-- they are written, and swept, side by side: see key-segments.ts. Among all of them dedupe-keys.ts keeps a key unique.
CREATE TABLE dedupe_keys (
	segment INTEGER NOT NULL,
	source_id TEXT NOT NULL,
	key TEXT NOT NULL,
	event_id TEXT NOT NULL,
	truncated INTEGER NOT NULL,
	received_at INTEGER NOT NULL,
	PRIMARY KEY (segment, source_id, key)
) STRICT, WITHOUT ROWID;
-- Every segment that has keys; none of them was received before oldest_at.
CREATE TABLE dedupe_segments (segment INTEGER PRIMARY KEY, oldest_at INTEGER NOT NULL) STRICT;
-- Which keys the segments of a block may have: key-filters.ts.
CREATE TABLE dedupe_filters (block INTEGER PRIMARY KEY, bits BLOB NOT NULL) STRICT;
-- What follows later than the commit of an event, by the last event (seq) for which it was done: its key in dedupe_keys, and
-- whether it has no delivery, in events.at_rest.
CREATE TABLE progress (keys_up_to INTEGER NOT NULL, rest_up_to INTEGER NOT NULL) STRICT;
INSERT INTO progress VALUES (0, 0);

-- due_at: when it may be claimed. Of a leased delivery that is when its lease runs out, so that crashed attempts
-- come back with nobody having to clean up.
CREATE TABLE deliveries (
	id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given out twice: settlements are fenced by (id, attempt)
	event_seq INTEGER NOT NULL REFERENCES events (seq) ON DELETE CASCADE,
	subscription_id TEXT NOT NULL, -- no foreign key: the record outlives its subscription
	state TEXT NOT NULL CHECK (state IN ('ready', 'leased', 'delivered', 'dead', 'cancelled')),
	due_at INTEGER NOT NULL,
	created_at INTEGER NOT NULL,
	attempt INTEGER NOT NULL DEFAULT 0,
	scheduled INTEGER NOT NULL DEFAULT 0,
	conflict_since INTEGER,
	delivered_at INTEGER,
	dead_reason TEXT CHECK (dead_reason IN ('schedule_used_up', 'receiver_down'))
) STRICT;
CREATE INDEX deliveries_ready ON deliveries (subscription_id, due_at) WHERE state = 'ready';
-- Never more rows than attempts under way: how many a subscription has must not mean reading its backlog
-- (200,000 waiting retries: 31 ms a claim without this index).
CREATE INDEX deliveries_leased ON deliveries (subscription_id, due_at) WHERE state = 'leased';
-- The ends nobody looks for often, in order of age. Nothing is written to it on the way to 'delivered'.
CREATE INDEX deliveries_given_up ON deliveries (state, id, subscription_id) WHERE state = 'dead' OR state = 'cancelled';
CREATE INDEX deliveries_event ON deliveries (event_seq);
CREATE INDEX deliveries_subscription ON deliveries (subscription_id);

-- Together they keep events.at_rest right, whatever changes a delivery.
CREATE TRIGGER deliveries_made AFTER INSERT ON deliveries
BEGIN
	UPDATE events SET at_rest = NULL WHERE seq = new.event_seq AND at_rest IS NOT NULL;
END;
CREATE TRIGGER deliveries_revived AFTER UPDATE OF state ON deliveries WHEN old.state = 'dead'
BEGIN
	UPDATE events SET at_rest = NULL WHERE seq = new.event_seq;
END;
CREATE TRIGGER deliveries_ended AFTER UPDATE OF state ON deliveries WHEN new.state NOT IN ('ready', 'leased')
BEGIN
	UPDATE events SET at_rest = iif(
		EXISTS (SELECT 1 FROM deliveries WHERE event_seq = new.event_seq AND state = 'dead'), 'kept', 'done')
	WHERE seq = new.event_seq AND NOT EXISTS (
		SELECT 1 FROM deliveries WHERE event_seq = new.event_seq AND state IN ('ready', 'leased'));
END;

CREATE TABLE attempts (
	delivery_id INTEGER NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
	attempt INTEGER NOT NULL,
	started_at INTEGER NOT NULL,
	duration_ms REAL NOT NULL,
	dns_ms REAL,
	connect_ms REAL,
	tls_ms REAL,
	first_byte_ms REAL,
	status INTEGER,
	error TEXT,
	response TEXT,
	PRIMARY KEY (delivery_id, attempt)
) STRICT, WITHOUT ROWID;
`;

export const MIGRATIONS = [V1] as const;
