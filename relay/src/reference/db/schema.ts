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
		-- SHA-256 of what makes two contacts the same person; an owner has one lead of each, which identities.ts sees to.
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
		enriched_at  INTEGER
	) STRICT;

	CREATE TABLE list_leads (
		-- Order of attachment, which cursors walk.
		position INTEGER PRIMARY KEY AUTOINCREMENT,
		-- No reference: rows outlive their list until they are swept (see leftovers).
		list_id  TEXT NOT NULL,
		lead_id  TEXT NOT NULL REFERENCES leads,
		-- In this order it finds the lists of a lead, too.
		UNIQUE (lead_id, list_id)
	) STRICT;
	CREATE INDEX list_leads_in_order ON list_leads (list_id, position);

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
		-- No reference: such a list is protected and never deleted, and deleting others must not look through all of these.
		list_id         TEXT NOT NULL,
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
	`
	-- Who asked for what and how it went: what the usage report counts.
	CREATE TABLE request_log (
		seq             INTEGER PRIMARY KEY AUTOINCREMENT,
		at              INTEGER NOT NULL,
		-- Null when the caller is not known, as in a 401.
		organization_id TEXT,
		key_id          TEXT,
		method          TEXT NOT NULL,
		-- The path with its parameters by name, as in /api/v2/lead-lists/{list_id}.
		tool            TEXT NOT NULL,
		status          INTEGER NOT NULL,
		error_code      TEXT,
		duration_ms     REAL NOT NULL
	) STRICT;
	CREATE INDEX request_log_by_organization ON request_log (organization_id, at);
	CREATE INDEX request_log_by_time ON request_log (at);

	ALTER TABLE api_keys ADD COLUMN name TEXT;
	ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;
	CREATE INDEX api_keys_by_user ON api_keys (user_id);
	CREATE INDEX users_by_organization ON users (organization_id);

	-- What stands in for a login: key management asks for it.
	CREATE TABLE sessions (
		session_id TEXT PRIMARY KEY,
		user_id    TEXT NOT NULL REFERENCES users,
		hash       BLOB NOT NULL UNIQUE,
		created_at INTEGER NOT NULL
	) STRICT;
	CREATE INDEX sessions_by_user ON sessions (user_id, created_at);

	CREATE TABLE folders (
		folder_id  TEXT PRIMARY KEY,
		owner_id   TEXT NOT NULL REFERENCES users,
		name       TEXT NOT NULL,
		created_at INTEGER NOT NULL
	) STRICT;
	CREATE INDEX folders_by_owner ON folders (owner_id);
	ALTER TABLE lead_lists ADD COLUMN folder_id TEXT REFERENCES folders ON DELETE SET NULL;
	CREATE INDEX lead_lists_by_folder ON lead_lists (folder_id) WHERE folder_id IS NOT NULL;

	-- A private list with rows here is shared: with these users and nobody else.
	CREATE TABLE list_shares (
		list_id TEXT NOT NULL REFERENCES lead_lists (list_id) ON DELETE CASCADE,
		user_id TEXT NOT NULL REFERENCES users,
		PRIMARY KEY (list_id, user_id)
	) STRICT, WITHOUT ROWID;

	-- As imported, or found by an enrichment.
	ALTER TABLE leads ADD COLUMN company_domain TEXT;

	CREATE TRIGGER lead_detached AFTER DELETE ON list_leads BEGIN
		UPDATE lead_lists SET lead_count = lead_count - 1,
			enriched_count = enriched_count - (SELECT enriched_at IS NOT NULL FROM leads WHERE lead_id = OLD.lead_id)
		WHERE list_id = OLD.list_id;
	END;

	-- Answers to be given again when a request comes again.
	CREATE TABLE idempotent_answers (
		organization_id TEXT NOT NULL REFERENCES organizations,
		operation       TEXT NOT NULL,
		key             TEXT NOT NULL,
		answer          TEXT NOT NULL,
		created_at      INTEGER NOT NULL,
		PRIMARY KEY (organization_id, operation, key)
	) STRICT;
	CREATE INDEX idempotent_answers_by_age ON idempotent_answers (created_at);
	`,
	`
	-- Where enrichments by cohort put their leads when they are given no list. Never listed.
	ALTER TABLE lead_lists ADD COLUMN is_hidden INTEGER NOT NULL DEFAULT 0;
	CREATE UNIQUE INDEX one_hidden_list_per_user ON lead_lists (owner_id) WHERE is_hidden = 1;

	CREATE TABLE enrichment_runs (
		seq             INTEGER PRIMARY KEY AUTOINCREMENT,
		workflow_id     TEXT NOT NULL UNIQUE,
		organization_id TEXT NOT NULL REFERENCES organizations,
		user_id         TEXT NOT NULL REFERENCES users,
		-- No reference: a run outlives its list.
		list_id         TEXT NOT NULL,
		cohort          TEXT,
		enrichment_type TEXT NOT NULL CHECK (enrichment_type IN ('partial', 'phone_only', 'full')),
		status          TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
		total           INTEGER NOT NULL,
		processed       INTEGER NOT NULL DEFAULT 0,
		hits            INTEGER NOT NULL DEFAULT 0,
		emails_found    INTEGER NOT NULL DEFAULT 0,
		phones_found    INTEGER NOT NULL DEFAULT 0,
		-- JSON of who is looked for and of what was found, in a run over one person.
		person          TEXT,
		result          TEXT,
		-- Credits; null while it runs.
		charged         INTEGER,
		refunded        INTEGER,
		-- Steps done, and when the next is due; no next one when it has ended.
		step            INTEGER NOT NULL DEFAULT 0,
		duration_ms     INTEGER NOT NULL,
		created_at      INTEGER NOT NULL,
		due_at          INTEGER,
		completed_at    INTEGER
	) STRICT;
	CREATE INDEX enrichment_runs_due ON enrichment_runs (due_at) WHERE due_at IS NOT NULL;
	CREATE INDEX enrichment_runs_by_cohort ON enrichment_runs (cohort, organization_id) WHERE cohort IS NOT NULL;

	-- The leads of a run, until it has ended and they are swept.
	CREATE TABLE enrichment_run_leads (
		workflow_id TEXT NOT NULL REFERENCES enrichment_runs (workflow_id),
		idx         INTEGER NOT NULL,
		-- No reference: leads are never deleted, and looking 100,000 of them up took most of a run's start.
		lead_id     TEXT NOT NULL,
		PRIMARY KEY (workflow_id, idx)
	) STRICT, WITHOUT ROWID;

	CREATE TABLE companies (
		company_id TEXT PRIMARY KEY,
		-- JSON of the question it is the answer to.
		query      TEXT NOT NULL
	) STRICT;
	`,
	`
	CREATE TABLE smart_agent_runs (
		seq             INTEGER PRIMARY KEY AUTOINCREMENT,
		task_id         TEXT NOT NULL UNIQUE,
		organization_id TEXT NOT NULL REFERENCES organizations,
		user_id         TEXT NOT NULL REFERENCES users,
		-- No reference: a run outlives its list.
		list_id         TEXT NOT NULL,
		column_name     TEXT NOT NULL,
		agent_type      TEXT NOT NULL,
		prompt          TEXT,
		status          TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
		total           INTEGER NOT NULL,
		processed       INTEGER NOT NULL DEFAULT 0,
		succeeded       INTEGER NOT NULL DEFAULT 0,
		-- Steps done, and when the next is due; no next one when it has ended.
		step            INTEGER NOT NULL DEFAULT 0,
		duration_ms     INTEGER NOT NULL,
		created_at      INTEGER NOT NULL,
		due_at          INTEGER,
		completed_at    INTEGER
	) STRICT;
	CREATE INDEX smart_agent_runs_due ON smart_agent_runs (due_at) WHERE due_at IS NOT NULL;
	CREATE INDEX smart_agent_runs_by_list ON smart_agent_runs (list_id, seq);
	CREATE INDEX smart_agent_runs_by_organization ON smart_agent_runs (organization_id, seq);

	-- What a run did for each of its leads; neither value nor error while that is to come.
	CREATE TABLE smart_agent_cells (
		task_id TEXT NOT NULL REFERENCES smart_agent_runs (task_id),
		idx     INTEGER NOT NULL,
		lead_id TEXT NOT NULL REFERENCES leads,
		value   TEXT,
		error   TEXT,
		PRIMARY KEY (task_id, idx)
	) STRICT, WITHOUT ROWID;

	-- A list's smart columns as they stand now. No reference: they outlive their list until they are swept.
	CREATE TABLE smart_columns (
		column_id INTEGER PRIMARY KEY AUTOINCREMENT,
		list_id   TEXT NOT NULL,
		name      TEXT NOT NULL,
		UNIQUE (list_id, name)
	) STRICT;
	CREATE TABLE smart_values (
		column_id INTEGER NOT NULL REFERENCES smart_columns ON DELETE CASCADE,
		lead_id   TEXT NOT NULL REFERENCES leads,
		value     TEXT NOT NULL,
		PRIMARY KEY (column_id, lead_id)
	) STRICT, WITHOUT ROWID;
	`,
	`
	-- Exports as they were when they were asked for, until their links expire.
	CREATE TABLE export_files (
		file_id         TEXT PRIMARY KEY,
		organization_id TEXT NOT NULL REFERENCES organizations,
		-- No reference: a link outlives its list.
		list_id         TEXT NOT NULL,
		content         BLOB NOT NULL,
		expires_at      INTEGER NOT NULL
	) STRICT;
	CREATE INDEX export_files_by_expiry ON export_files (expires_at);

	-- What signs links; one row, made with the first link.
	CREATE TABLE link_secrets (secret BLOB NOT NULL) STRICT;
	`,
	`
	-- What whoever steers has ordered for a piece of work that began then.
	CREATE TABLE steered_work (
		work_id    TEXT PRIMARY KEY,
		outcome    TEXT CHECK (outcome IN ('failed', 'cancelled')),
		fail_share REAL,
		polls_left INTEGER
	) STRICT, WITHOUT ROWID;

	-- How a workflow whose status is completed ended, when not well.
	ALTER TABLE workflows ADD COLUMN outcome TEXT CHECK (outcome IN ('failed', 'cancelled'));
	`,
	`
	-- Deleted lists and ended runs that have rows left. Nobody gets at those any more; they are removed bit by bit.
	CREATE TABLE leftovers (
		seq  INTEGER PRIMARY KEY AUTOINCREMENT,
		kind TEXT NOT NULL CHECK (kind IN ('list', 'run')),
		id   TEXT NOT NULL
	) STRICT;
	CREATE TRIGGER list_deleted AFTER DELETE ON lead_lists BEGIN
		INSERT INTO leftovers (kind, id) VALUES ('list', OLD.list_id);
	END;
	CREATE TRIGGER run_ended AFTER UPDATE OF due_at ON enrichment_runs WHEN OLD.due_at IS NOT NULL AND NEW.due_at IS NULL BEGIN
		INSERT INTO leftovers (kind, id) VALUES ('run', NEW.workflow_id);
	END;
	`,
	`
	-- Whether it is sent once more when it was taken, as was ordered.
	ALTER TABLE webhook_bodies ADD COLUMN twice INTEGER NOT NULL DEFAULT 0 CHECK (twice IN (0, 1));
	`,
];
