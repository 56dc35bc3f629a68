import type { DatabaseSync } from 'node:sqlite';
import type { Store, StoredBody } from '../../port.ts';

interface Row {
	seq: number;
	key_id: number | null;
	content_type: string;
	body: Uint8Array;
}

type Named = StoredBody & { ref: string };

const TABLES = ['bodies', 'variants'] as const;
type Table = (typeof TABLES)[number];

/** Bodies and variants under another key than the one in use, and putting them under it. */
export function prepareRekey(db: DatabaseSync) {
	// A walk in the order of the table, from where the last one ended. An index on the key would cost every webhook
	// 0.8 µs, for something done once in years.
	const others = {
		bodies: db.prepare(`
			SELECT b.event_seq AS seq, b.key_id, e.content_type, b.body
			FROM bodies b CROSS JOIN events e ON e.seq = b.event_seq
			WHERE b.event_seq > ?1 AND b.key_id IS NOT ?2 ORDER BY b.event_seq LIMIT ?3`),
		variants: db.prepare(`
			SELECT seq, key_id, content_type, body FROM variants
			WHERE seq > ?1 AND key_id IS NOT ?2 ORDER BY seq LIMIT ?3`),
	};
	const replace = {
		bodies: db.prepare(
			'UPDATE bodies SET key_id = ?, body = ? WHERE event_seq = ? AND key_id IS ? AND body = ?',
		),
		variants: db.prepare(
			'UPDATE variants SET key_id = ?, body = ? WHERE seq = ? AND key_id IS ? AND body = ?',
		),
	};

	return {
		bodiesNotUnder(keyId: number | null, limit: number, after?: string): Named[] {
			const from = after === undefined ? { table: TABLES[0], seq: 0 } : rowOf(after);
			const found: Named[] = [];
			for (const table of TABLES.slice(TABLES.indexOf(from.table))) {
				const past = table === from.table ? from.seq : 0;
				const rows = others[table].all(past, keyId, limit - found.length) as unknown as Row[];
				found.push(...rows.map((row) => named(table, row)));
			}
			return found;
		},
		replaceBodies(bodies: Parameters<Store['replaceBodies']>[0]): number {
			let replaced = 0;
			for (const { ref, was, body, keyId } of bodies) {
				const { table, seq } = rowOf(ref);
				replaced += Number(replace[table].run(keyId, body, seq, was.keyId, was.body).changes);
			}
			return replaced;
		},
	};
}

const named = (table: Table, row: Row): Named => ({
	ref: `${table}:${row.seq}`,
	body: Buffer.from(row.body),
	keyId: row.key_id,
	contentType: row.content_type,
});

function rowOf(ref: string): { table: Table; seq: number } {
	const [table, seq] = ref.split(':') as [Table, string];
	return { table, seq: Number(seq) };
}
