import type { DatabaseSync } from 'node:sqlite';
import type { Tier } from '../domain/plan.ts';

const INSERT_ORGANIZATION = `
	INSERT INTO organizations (organization_id, name, tier, appsumo_tier, created_at)
	VALUES (:organizationId, :name, :tier, :appsumoTier, :createdAt)
	ON CONFLICT (organization_id) DO NOTHING`;

const INSERT_USER = `
	INSERT INTO users (user_id, organization_id, name, email, scopes, created_at)
	VALUES (:userId, :organizationId, :name, :email, :scopes, :createdAt)`;

const INSERT_KEY = `
	INSERT INTO api_keys (key_id, user_id, name, hash, prefix, last4, created_at, expires_at)
	VALUES (:keyId, :userId, :name, :hash, :prefix, :last4, :createdAt, :expiresAt)`;

const USER_COLUMNS = `u.user_id AS userId, u.name AS userName, u.email AS userEmail, u.scopes,
	o.organization_id AS organizationId, o.name AS organizationName, o.tier, o.appsumo_tier AS appsumoTier`;

const KEY_BY_HASH = `
	SELECT k.key_id AS keyId, k.expires_at AS expiresAt, k.revoked_at AS revokedAt, ${USER_COLUMNS}
	FROM api_keys k JOIN users u USING (user_id) JOIN organizations o USING (organization_id)
	WHERE k.hash = ?`;

const SESSION_BY_HASH = `
	SELECT s.session_id AS sessionId, ${USER_COLUMNS}
	FROM sessions s JOIN users u USING (user_id) JOIN organizations o USING (organization_id)
	WHERE s.hash = ?`;

const CREDITS = 'SELECT credits FROM organizations WHERE organization_id = ?';

const HELD_CREDITS = `
	SELECT coalesce(sum(held_credits), 0) AS held FROM workflows
	WHERE organization_id = ? AND status = 'processing'`;

export interface UserRow {
	userId: string;
	userName: string;
	userEmail: string | null;
	/** JSON array. */
	scopes: string;
	organizationId: string;
	organizationName: string;
	tier: Tier;
	appsumoTier: number | null;
}

export interface KeyRow extends UserRow {
	keyId: string;
	expiresAt: number | null;
	revokedAt: number | null;
}

export function accountQueries(db: DatabaseSync) {
	const insertOrganization = db.prepare(INSERT_ORGANIZATION);
	const insertUser = db.prepare(INSERT_USER);
	const insertKey = db.prepare(INSERT_KEY);
	const keyByHash = db.prepare(KEY_BY_HASH);
	const sessionByHash = db.prepare(SESSION_BY_HASH);
	const credits = db.prepare(CREDITS);
	const heldCredits = db.prepare(HELD_CREDITS);

	return {
		/** @returns false when the organization exists already; it is left as it is */
		insertOrganization: (row: {
			organizationId: string;
			name: string;
			tier: Tier;
			appsumoTier: number | null;
			createdAt: number;
		}): boolean => insertOrganization.run(row).changes === 1,

		insertUser(row: {
			userId: string;
			organizationId: string;
			name: string;
			email: string | null;
			scopes: string;
			createdAt: number;
		}): void {
			insertUser.run(row);
		},

		insertKey(row: {
			keyId: string;
			userId: string;
			name: string | null;
			hash: Buffer;
			prefix: string;
			last4: string;
			createdAt: number;
			expiresAt: number | null;
		}): void {
			insertKey.run(row);
		},

		keyByHash: (hash: Buffer) => keyByHash.get(hash) as KeyRow | undefined,

		sessionByHash: (hash: Buffer) => sessionByHash.get(hash) as (UserRow & { sessionId: string }) | undefined,

		credits: (organizationId: string) => (credits.get(organizationId) as { credits: number }).credits,

		/** Credits that legacy workflows still running may yet be charged. They are in the balance until then. */
		heldCredits: (organizationId: string) => (heldCredits.get(organizationId) as { held: number }).held,
	};
}
