import type { Source } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';
import { fromText, toText } from '../text.ts';
import { put } from './put.ts';

interface Row {
	id: string;
	name: string;
	token_hash: Buffer;
	created_at: number;
}

const PUT = statement(
	'put source',
	`INSERT INTO sources (id, name, token_hash, created_at) VALUES ($1, $2, $3, $4)
	ON CONFLICT (id) DO UPDATE SET name = excluded.name, token_hash = excluded.token_hash`,
);
const BY_HASH = statement(
	'source by hash',
	'SELECT id, name, token_hash, created_at FROM sources WHERE token_hash = $1',
);
const LIST = statement(
	'sources',
	'SELECT id, name, token_hash, created_at FROM sources ORDER BY created_at, seq',
);

/** Where webhooks come from. A source is looked up by the hash of its ingest token. */
export const sources = (db: Database) => ({
	putSource: ({ id, name, tokenHash, createdAt }: Source): Promise<void> =>
		put(db, PUT, [id, toText(name), tokenHash, createdAt]),
	async findSourceByTokenHash(hash: Buffer): Promise<Source | null> {
		const [row] = await db.repeatable<Row>(BY_HASH, [hash]);
		return row ? fromRow(row) : null;
	},
	async listSources(): Promise<Source[]> {
		return (await db.repeatable<Row>(LIST)).map(fromRow);
	},
});

const fromRow = (row: Row): Source => ({
	id: row.id,
	name: fromText(row.name),
	tokenHash: row.token_hash,
	createdAt: row.created_at,
});
