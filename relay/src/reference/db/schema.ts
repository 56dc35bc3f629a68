/** Migrations of the reference API's database, in order. Append; never edit one that was released. */
export const MIGRATIONS: readonly string[] = [
	`
	CREATE TABLE organizations (
		organization_id TEXT PRIMARY KEY,
		name            TEXT NOT NULL,
		tier            TEXT NOT NULL CHECK (tier IN ('free', 'starter', 'pro', 'enterprise')),
		appsumo_tier    INTEGER CHECK (appsumo_tier BETWEEN 1 AND 7),
		-- The sum of the organization's credit_entries, kept in the same transaction.
		credits         INTEGER NOT NULL DEFAULT 0 CHECK (credits >= 0),
		created_at      INTEGER NOT NULL
	) STRICT;

	CREATE TABLE users (
		user_id         TEXT PRIMARY KEY,
		organization_id TEXT NOT NULL REFERENCES organizations,
		name            TEXT NOT NULL,
		email           TEXT,
		-- JSON array: scopes belong to the user, so all of a user's keys share them.
		scopes          TEXT NOT NULL,
		created_at      INTEGER NOT NULL
	) STRICT;

	CREATE TABLE api_keys (
		key_id     TEXT PRIMARY KEY,
		user_id    TEXT NOT NULL REFERENCES users,
		hash       BLOB NOT NULL UNIQUE,
		prefix     TEXT NOT NULL,
		last4      TEXT NOT NULL,
		created_at INTEGER NOT NULL,
		expires_at INTEGER,
		revoked_at INTEGER
	) STRICT;

	CREATE TABLE credit_entries (
		entry_id        INTEGER PRIMARY KEY AUTOINCREMENT,
		organization_id TEXT NOT NULL REFERENCES organizations,
		-- Positive for a grant, negative for a charge.
		amount          INTEGER NOT NULL,
		workflow_id     TEXT,
		created_at      INTEGER NOT NULL
	) STRICT;

	CREATE TABLE lead_lists (
		-- Order of creation, which cursors walk.
		seq             INTEGER PRIMARY KEY AUTOINCREMENT,
		list_id         TEXT NOT NULL UNIQUE,
		organization_id TEXT NOT NULL REFERENCES organizations,
		owner_id        TEXT NOT NULL REFERENCES users,
		name            TEXT NOT NULL,
		-- The name as it is compared: SQLite's own lower() knows ASCII only.
		name_key        TEXT NOT NULL,
		description     TEXT,
		visibility      TEXT NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'organization')),
		origin          TEXT,
		is_protected    INTEGER NOT NULL DEFAULT 0,
		-- Kept by the triggers below, so that reading a page costs the same however long the list is.
		lead_count      INTEGER NOT NULL DEFAULT 0,
		enriched_count  INTEGER NOT NULL DEFAULT 0,
		created_at      INTEGER NOT NULL
	) STRICT;
	CREATE INDEX lead_lists_by_owner ON lead_lists (owner_id, name_key);
	CREATE INDEX lead_lists_by_organization ON lead_lists (organization_id, seq);
	CREATE UNIQUE INDEX one_protected_list_per_user ON lead_lists (owner_id) WHERE is_protected = 1;

	CREATE TABLE leads (
		lead_id      TEXT PRIMARY KEY,
		owner_id     TEXT NOT NULL REFERENCES users,
		-- SHA-256 of what makes two contacts the same person.
		identity     TEXT NOT NULL,
		first_name   TEXT,
		last_name    TEXT,
		company      TEXT,
		linkedin_url TEXT,
		email        TEXT,
		phone        TEXT,
		title        TEXT,
		location     TEXT,
		provider     TEXT,
		-- When the first e-mail or phone number was found.
		enriched_at  INTEGER,
		UNIQUE (owner_id, identity)
	) STRICT;

	CREATE TABLE list_leads (
		-- Order of attachment, which cursors walk.
		position INTEGER PRIMARY KEY AUTOINCREMENT,
		list_id  TEXT NOT NULL REFERENCES lead_lists (list_id) ON DELETE CASCADE,
		lead_id  TEXT NOT NULL REFERENCES leads,
		UNIQUE (list_id, lead_id)
	) STRICT;
	CREATE INDEX list_leads_in_order ON list_leads (list_id, position);
	CREATE INDEX list_leads_by_lead ON list_leads (lead_id);

	CREATE TRIGGER lead_attached AFTER INSERT ON list_leads BEGIN
		UPDATE lead_lists SET lead_count = lead_count + 1,
			enriched_count = enriched_count + (SELECT enriched_at IS NOT NULL FROM leads WHERE lead_id = NEW.lead_id)
		WHERE list_id = NEW.list_id;
	END;
	CREATE TRIGGER lead_enriched AFTER UPDATE OF enriched_at ON leads
		WHEN OLD.enriched_at IS NULL AND NEW.enriched_at IS NOT NULL
	BEGIN
		UPDATE lead_lists SET enriched_count = enriched_count + 1
		WHERE list_id IN (SELECT list_id FROM list_leads WHERE lead_id = NEW.lead_id);
	END;

	CREATE TABLE workflows (
		workflow_id     TEXT PRIMARY KEY,
		organization_id TEXT NOT NULL REFERENCES organizations,
		user_id         TEXT NOT NULL REFERENCES users,
		list_id         TEXT NOT NULL REFERENCES lead_lists (list_id),
		enrichment_type TEXT NOT NULL,
		status          TEXT NOT NULL CHECK (status IN ('processing', 'completed')),
		webhook_url     TEXT,
		-- Credits held while it runs: the most it can cost.
		held_credits    INTEGER NOT NULL,
		total           INTEGER NOT NULL,
		successful      INTEGER NOT NULL DEFAULT 0,
		failed          INTEGER NOT NULL DEFAULT 0,
		emails_found    INTEGER NOT NULL DEFAULT 0,
		phones_found    INTEGER NOT NULL DEFAULT 0,
		created_at      INTEGER NOT NULL,
		due_at          INTEGER NOT NULL,
		completed_at    INTEGER
	) STRICT;
	CREATE INDEX workflows_due ON workflows (due_at) WHERE status = 'processing';
	CREATE INDEX workflows_running ON workflows (organization_id) WHERE status = 'processing';

	CREATE TABLE tasks (
		task_id     TEXT PRIMARY KEY,
		workflow_id TEXT NOT NULL REFERENCES workflows,
		-- Place of the contact in the request.
		idx         INTEGER NOT NULL,
		lead_id     TEXT NOT NULL REFERENCES leads,
		contact     TEXT NOT NULL,
		-- JSON of the answer; null while the workflow runs.
		result      TEXT,
		UNIQUE (workflow_id, idx)
	) STRICT;

	-- One attempt to deliver a workflow's webhook, made or still to be made: the send queue and its log.
	CREATE TABLE webhook_deliveries (
		delivery_id    TEXT PRIMARY KEY,
		workflow_id    TEXT NOT NULL REFERENCES workflows,
		attempt_number INTEGER NOT NULL,
		status         TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
		due_at         INTEGER NOT NULL,
		attempted_at   INTEGER,
		response_code  INTEGER,
		error_message  TEXT,
		next_retry_at  INTEGER,
		UNIQUE (workflow_id, attempt_number)
	) STRICT;
	CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at) WHERE status = 'pending';

	-- The exact body every attempt sends.
	CREATE TABLE webhook_bodies (
		workflow_id TEXT PRIMARY KEY REFERENCES workflows,
		body        TEXT NOT NULL
	) STRICT;
	`,
	`
	-- Keys that sign quotes. The newest signs; older ones still verify.
	CREATE TABLE quote_keys (
		kid        TEXT PRIMARY KEY,
		secret     BLOB NOT NULL,
		created_at INTEGER NOT NULL
	) STRICT;

	CREATE TABLE quotes (
		quote_id        TEXT PRIMARY KEY,
		organization_id TEXT NOT NULL REFERENCES organizations,
		user_id         TEXT NOT NULL REFERENCES users,
		tool            TEXT NOT NULL,
		-- Of the enrichment or the agent.
		type            TEXT,
		-- No references: a quote outlives its list, and is then of no use.
		list_id         TEXT,
		task_id         TEXT,
		filter_hash     TEXT NOT NULL,
		row_count       INTEGER NOT NULL,
		cost_cap        INTEGER NOT NULL CHECK (cost_cap >= 0),
		nonce           TEXT NOT NULL,
		-- Epoch seconds, as the API writes them.
		issued_at       INTEGER NOT NULL,
		expires_at      INTEGER NOT NULL,
		-- Epoch milliseconds.
		used_at         INTEGER
	) STRICT;
	CREATE INDEX quotes_by_expiry ON quotes (expires_at);
	`,
	`
	-- Every movement of credits, in order, and nothing else: entries are added, never changed.
	CREATE TABLE credit_ledger (
		entry_id        INTEGER PRIMARY KEY AUTOINCREMENT,
		organization_id TEXT NOT NULL REFERENCES organizations,
		kind            TEXT NOT NULL,
		-- What it does to the balance, which is the sum of this column.
		amount          INTEGER NOT NULL,
		-- What it does to the credits set aside for work under way.
		reserved        INTEGER NOT NULL,
		-- The workflow or run it belongs to.
		reference       TEXT,
		created_at      INTEGER NOT NULL,
		CHECK (CASE kind
			WHEN 'grant'   THEN amount > 0 AND reserved = 0
			WHEN 'charge'  THEN amount < 0 AND reserved = 0
			WHEN 'reserve' THEN amount < 0 AND reserved = -amount
			WHEN 'settle'  THEN amount = 0 AND reserved < 0
			WHEN 'refund'  THEN amount > 0 AND reserved = -amount
			ELSE FALSE
		END)
	) STRICT;
	CREATE INDEX credit_ledger_by_organization ON credit_ledger (organization_id, entry_id);
	CREATE INDEX credit_ledger_by_reference ON credit_ledger (reference);

	INSERT INTO credit_ledger (entry_id, organization_id, kind, amount, reserved, reference, created_at)
	SELECT entry_id, organization_id, iif(amount > 0, 'grant', 'charge'), amount, 0, workflow_id, created_at
	FROM credit_entries WHERE amount <> 0;
	DROP TABLE credit_entries;

	ALTER TABLE organizations ADD COLUMN reserved_credits INTEGER NOT NULL DEFAULT 0 CHECK (reserved_credits >= 0);

	CREATE TRIGGER credits_booked AFTER INSERT ON credit_ledger BEGIN
		UPDATE organizations SET credits = credits + NEW.amount, reserved_credits = reserved_credits + NEW.reserved
		WHERE organization_id = NEW.organization_id;
	END;
	CREATE TRIGGER credits_stay_booked BEFORE UPDATE ON credit_ledger BEGIN
		SELECT raise(ABORT, 'an entry of the ledger is never changed');
	END;
	`,
];
