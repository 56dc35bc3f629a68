import type { DatabaseSync } from 'node:sqlite';
import type { Source } from '../../port.ts';
import { all, first } from '../query.ts';

interface Row {
	id: string;
	name: string;
	token_hash: Uint8Array;
	created_at: number;
}

/** Where webhooks come from. A source is looked up by the hash of its ingest token. */
export function prepareSources(db: DatabaseSync) {
	const put = db.prepare(`
		INSERT INTO sources (id, name, token_hash, created_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, token_hash = excluded.token_hash`);
	const byHash = db.prepare('SELECT id, name, token_hash, created_at FROM sources WHERE token_hash = ?');
	const list = db.prepare('SELECT id, name, token_hash, created_at FROM sources ORDER BY created_at, rowid');

	return {
		putSource({ id, name, tokenHash, createdAt }: Source): void {
			put.run(id, name, tokenHash, createdAt);
		},
		findSourceByTokenHash(hash: Buffer): Source | null {
			const row = first<Row>(byHash, hash);
			return row ? fromRow(row) : null;
		},
		listSources: (): Source[] => all<Row>(list).map(fromRow),
	};
}

const fromRow = (row: Row): Source => ({
	id: row.id,
	name: row.name,
	tokenHash: Buffer.from(row.token_hash),
	createdAt: row.created_at,
});
