import type { DatabaseSync } from 'node:sqlite';
import type { Store, StoredBody } from '../../port.ts';

interface Row {
	seq: number;
	key_id: number | null;
	content_type: string;
	body: Uint8Array;
}

const TABLES = ['bodies', 'variants'] as const;
type Table = (typeof TABLES)[number];

/** Bodies and variants under another key than the one in use, and putting them under it. */
export function prepareRekey(db: DatabaseSync) {
	const select = {
		bodies: `SELECT b.event_seq AS seq, b.key_id, e.content_type, b.body
			FROM bodies b INDEXED BY bodies_key CROSS JOIN events e ON e.seq = b.event_seq WHERE b.`,
		variants: 'SELECT seq, key_id, content_type, body FROM variants INDEXED BY variants_key WHERE ',
	};
	// Each is one stretch of the index; "not this one" would be all of the table.
	const stretches = (table: Table) =>
		['key_id IS NULL AND :key IS NOT NULL', 'key_id < :key', 'key_id > coalesce(:key, -1)'].map((condition) =>
			db.prepare(`${select[table]}${condition} LIMIT :limit`),
		);
	const others = TABLES.flatMap((table) => stretches(table).map((statement) => ({ table, statement })));
	const replace = {
		bodies: db.prepare('UPDATE bodies SET key_id = ?, body = ? WHERE event_seq = ? AND key_id IS ?'),
		variants: db.prepare('UPDATE variants SET key_id = ?, body = ? WHERE seq = ? AND key_id IS ?'),
	};

	return {
		bodiesNotUnder(keyId: number | null, limit: number): (StoredBody & { ref: string })[] {
			const found: (StoredBody & { ref: string })[] = [];
			for (const { table, statement } of others) {
				if (found.length === limit) break;
				const rows = statement.all({ key: keyId, limit: limit - found.length }) as unknown as Row[];
				found.push(
					...rows.map((row) => ({
						ref: `${table}:${row.seq}`,
						body: Buffer.from(row.body),
						keyId: row.key_id,
						contentType: row.content_type,
					})),
				);
			}
			return found;
		},
		replaceBodies(bodies: Parameters<Store['replaceBodies']>[0]): number {
			let replaced = 0;
			for (const { ref, was, body, keyId } of bodies) {
				const [table, seq] = ref.split(':') as [Table, string];
				replaced += Number(replace[table].run(keyId, body, Number(seq), was).changes);
			}
			return replaced;
		},
	};
}
