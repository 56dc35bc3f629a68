import type { DatabaseSync } from 'node:sqlite';
import type { Source, Token, TokenScope } from '../port.ts';

/** Sources and management tokens: who may post events, who may manage. Secrets are looked up by their hash. */
export function prepareAccess(db: DatabaseSync) {
	const putSource = db.prepare(`
		INSERT INTO sources (id, name, token_hash, created_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, token_hash = excluded.token_hash`);
	const sourceByHash = db.prepare(
		'SELECT id, name, token_hash, created_at FROM sources WHERE token_hash = ?',
	);
	const sources = db.prepare('SELECT id, name, token_hash, created_at FROM sources ORDER BY created_at, id');
	const putToken = db.prepare(`
		INSERT INTO tokens (id, name, hash, scopes, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, hash = excluded.hash, scopes = excluded.scopes`);
	const tokenByHash = db.prepare('SELECT id, name, hash, scopes, created_at FROM tokens WHERE hash = ?');

	return {
		putSource: ({ id, name, tokenHash, createdAt }: Source): void => {
			putSource.run(id, name, tokenHash, createdAt);
		},
		findSource(hash: Buffer): Source | null {
			const row = sourceByHash.get(hash) as unknown as SourceRow | undefined;
			return row ? sourceFrom(row) : null;
		},
		listSources: (): Source[] => (sources.all() as unknown as SourceRow[]).map(sourceFrom),
		putToken: ({ id, name, hash, scopes, createdAt }: Token): void => {
			putToken.run(id, name, hash, JSON.stringify(scopes), createdAt);
		},
		findToken(hash: Buffer): Token | null {
			const row = tokenByHash.get(hash) as unknown as TokenRow | undefined;
			if (!row) return null;
			const scopes = JSON.parse(row.scopes) as TokenScope[];
			return { id: row.id, name: row.name, hash: Buffer.from(row.hash), scopes, createdAt: row.created_at };
		},
	};
}

interface SourceRow {
	id: string;
	name: string;
	token_hash: Uint8Array;
	created_at: number;
}

interface TokenRow {
	id: string;
	name: string;
	hash: Uint8Array;
	scopes: string;
	created_at: number;
}

const sourceFrom = (row: SourceRow): Source => ({
	id: row.id,
	name: row.name,
	tokenHash: Buffer.from(row.token_hash),
	createdAt: row.created_at,
});
