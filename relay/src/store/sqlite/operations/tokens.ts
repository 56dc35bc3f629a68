import type { DatabaseSync } from 'node:sqlite';
import type { Token, TokenScope } from '../../port.ts';
import { all, first } from '../query.ts';

interface Row {
	id: string;
	name: string;
	hash: Uint8Array;
	scopes: string;
	created_at: number;
	expires_at: number | null;
	last_used_at: number | null;
}

const COLUMNS = 'id, name, hash, scopes, created_at, expires_at, last_used_at';

/** Management tokens, looked up by their hash. */
export function prepareTokens(db: DatabaseSync) {
	const put = db.prepare(`
		INSERT INTO tokens (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, hash = excluded.hash, scopes = excluded.scopes,
			created_at = excluded.created_at, expires_at = excluded.expires_at, last_used_at = excluded.last_used_at`);
	const byHash = db.prepare(`SELECT ${COLUMNS} FROM tokens WHERE hash = ?`);
	const list = db.prepare(`SELECT ${COLUMNS} FROM tokens ORDER BY created_at, rowid`);
	const rotate = db.prepare(
		`UPDATE tokens SET hash = ?, last_used_at = NULL WHERE id = ? RETURNING ${COLUMNS}`,
	);
	const remove = db.prepare('DELETE FROM tokens WHERE id = ?');
	// Two uses at once are written in any order; the later one counts.
	const touch = db.prepare(
		'UPDATE tokens SET last_used_at = ?1 WHERE id = ?2 AND (last_used_at IS NULL OR last_used_at < ?1)',
	);

	return {
		putToken({ id, name, hash, scopes, createdAt, expiresAt, lastUsedAt }: Token): void {
			put.run(id, name, hash, JSON.stringify(scopes), createdAt, expiresAt, lastUsedAt);
		},
		findTokenByHash(hash: Buffer): Token | null {
			const row = first<Row>(byHash, hash);
			return row ? fromRow(row) : null;
		},
		listTokens: (): Token[] => all<Row>(list).map(fromRow),
		rotateToken(id: string, hash: Buffer): Token | null {
			const row = first<Row>(rotate, hash, id);
			return row ? fromRow(row) : null;
		},
		deleteToken: (id: string): boolean => remove.run(id).changes > 0,
		touchToken(id: string, at: number): void {
			touch.run(at, id);
		},
	};
}

const fromRow = (row: Row): Token => ({
	id: row.id,
	name: row.name,
	hash: Buffer.from(row.hash),
	scopes: JSON.parse(row.scopes) as TokenScope[],
	createdAt: row.created_at,
	expiresAt: row.expires_at,
	lastUsedAt: row.last_used_at,
});
