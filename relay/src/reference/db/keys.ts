import type { DatabaseSync } from 'node:sqlite';

const COLUMNS = `k.key_id AS keyId, k.prefix, k.last4, k.name, u.scopes, k.created_at AS createdAt,
	k.expires_at AS expiresAt, k.revoked_at AS revokedAt, k.last_used_at AS lastUsedAt`;

const OF_ORGANIZATION = `
	SELECT ${COLUMNS} FROM api_keys k JOIN users u USING (user_id)
	WHERE u.organization_id = ? ORDER BY k.created_at DESC, k.rowid DESC LIMIT ?`;

const OF_USER = `
	SELECT ${COLUMNS} FROM api_keys k JOIN users u USING (user_id)
	WHERE k.user_id = ? ORDER BY k.created_at DESC, k.rowid DESC LIMIT ?`;

const COUNT_ACTIVE = `
	SELECT count(*) AS active FROM api_keys
	WHERE user_id = :userId AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now)`;

const REVOKE = `
	UPDATE api_keys SET revoked_at = :now WHERE key_id = :keyId AND user_id = :userId AND revoked_at IS NULL`;

const INSERT_SESSION = `
	INSERT INTO sessions (session_id, user_id, hash, created_at) VALUES (:sessionId, :userId, :hash, :createdAt)
	ON CONFLICT (hash) DO NOTHING`;

const PRUNE_SESSIONS = `
	DELETE FROM sessions WHERE user_id = :userId AND session_id NOT IN
		(SELECT session_id FROM sessions WHERE user_id = :userId ORDER BY created_at DESC, rowid DESC LIMIT :keep)`;

export interface ListedKey {
	keyId: string;
	prefix: string;
	last4: string;
	name: string | null;
	/** JSON array. */
	scopes: string;
	createdAt: number;
	expiresAt: number | null;
	revokedAt: number | null;
	lastUsedAt: number | null;
}

export function keyQueries(db: DatabaseSync) {
	const ofOrganization = db.prepare(OF_ORGANIZATION);
	const ofUser = db.prepare(OF_USER);
	const countActive = db.prepare(COUNT_ACTIVE);
	const revoke = db.prepare(REVOKE);
	const insertSession = db.prepare(INSERT_SESSION);
	const pruneSessions = db.prepare(PRUNE_SESSIONS);

	return {
		/** Newest first; revoked and expired ones too. */
		ofOrganization: (organizationId: string, limit: number) =>
			ofOrganization.all(organizationId, limit) as unknown as ListedKey[],
		ofUser: (userId: string, limit: number) => ofUser.all(userId, limit) as unknown as ListedKey[],
		countActive: (userId: string, now: number) =>
			(countActive.get({ userId, now }) as { active: number }).active,
		/** @returns false unless the user had such a key, not revoked before */
		revoke: (row: { keyId: string; userId: string; now: number }): boolean => revoke.run(row).changes === 1,
		/** Adds a session and drops the user's oldest beyond `keep`. */
		insertSession(
			row: { sessionId: string; userId: string; hash: Buffer; createdAt: number },
			keep: number,
		): void {
			insertSession.run(row);
			pruneSessions.run({ userId: row.userId, keep });
		},
	};
}
