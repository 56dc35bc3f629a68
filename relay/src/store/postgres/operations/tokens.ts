import type { Token, TokenScope } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';
import { fromText, toText } from '../text.ts';
import { put } from './put.ts';

interface Row {
	id: string;
	name: string;
	hash: Buffer;
	scopes: TokenScope[];
	created_at: number;
	expires_at: number | null;
	last_used_at: number | null;
}

const COLUMNS = 'id, name, hash, scopes, created_at, expires_at, last_used_at';

const PUT = statement(
	'put token',
	`INSERT INTO tokens (${COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, hash = excluded.hash, scopes = excluded.scopes,
		created_at = excluded.created_at, expires_at = excluded.expires_at, last_used_at = excluded.last_used_at`,
);
const BY_HASH = statement('token by hash', `SELECT ${COLUMNS} FROM tokens WHERE hash = $1`);
const LIST = statement('tokens', `SELECT ${COLUMNS} FROM tokens ORDER BY created_at, seq`);
const ROTATE = statement(
	'rotate token',
	`UPDATE tokens SET hash = $1, last_used_at = NULL WHERE id = $2 RETURNING ${COLUMNS}`,
);
const REMOVE = statement('delete token', 'DELETE FROM tokens WHERE id = $1 RETURNING id');
// Two uses at once are written in any order; the later one counts.
const TOUCH = statement(
	'touch token',
	'UPDATE tokens SET last_used_at = $1 WHERE id = $2 AND (last_used_at IS NULL OR last_used_at < $1)',
);

/** Management tokens, looked up by their hash. */
export const tokens = (db: Database) => ({
	putToken: ({ id, name, hash, scopes, createdAt, expiresAt, lastUsedAt }: Token): Promise<void> =>
		put(db, PUT, [id, toText(name), hash, scopes, createdAt, expiresAt, lastUsedAt]),
	async findTokenByHash(hash: Buffer): Promise<Token | null> {
		const [row] = await db.repeatable<Row>(BY_HASH, [hash]);
		return row ? fromRow(row) : null;
	},
	async listTokens(): Promise<Token[]> {
		return (await db.repeatable<Row>(LIST)).map(fromRow);
	},
	async rotateToken(id: string, hash: Buffer): Promise<Token | null> {
		const [row] = await db.repeatable<Row>(ROTATE, [hash, id]);
		return row ? fromRow(row) : null;
	},
	async deleteToken(id: string): Promise<boolean> {
		return (await db.query(REMOVE, [id])).length > 0;
	},
	async touchToken(id: string, at: number): Promise<void> {
		await db.repeatable(TOUCH, [at, id]);
	},
});

const fromRow = (row: Row): Token => ({
	id: row.id,
	name: fromText(row.name),
	hash: row.hash,
	scopes: row.scopes,
	createdAt: row.created_at,
	expiresAt: row.expires_at,
	lastUsedAt: row.last_used_at,
});
