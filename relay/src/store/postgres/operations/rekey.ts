import type { Store, StoredBody } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';

interface Row {
	ref: string;
	key_id: number | null;
	content_type: string;
	body: Buffer;
}

const SELECT = {
	bodies: `SELECT 'bodies:' || event_seq AS ref, t.key_id, e.content_type, t.body
		FROM bodies t JOIN events e ON e.seq = t.event_seq`,
	variants: "SELECT 'variants:' || t.seq AS ref, t.key_id, t.content_type, t.body FROM variants t",
};
// Each is one stretch of the index; "not this one" would be all of the table.
const STRETCHES = [
	't.key_id IS NULL AND $1::integer IS NOT NULL',
	't.key_id < $1',
	't.key_id > coalesce($1, -1)',
];
const OTHERS = statement(
	'bodies not under',
	`${Object.values(SELECT)
		.flatMap((select) => STRETCHES.map((stretch) => `(${select} WHERE ${stretch} LIMIT $2)`))
		.join('\nUNION ALL\n')}
	LIMIT $2`,
);

const replacement = (table: string, key: string) =>
	statement(
		`reseal ${table}`,
		`UPDATE ${table} SET key_id = $3, body = $4 WHERE ${key} = $1 AND key_id IS NOT DISTINCT FROM $2 RETURNING 1`,
	);
const REPLACE = { bodies: replacement('bodies', 'event_seq'), variants: replacement('variants', 'seq') };

/** Bodies and variants under another key than the one in use, and putting them under it. */
export const rekey = (db: Database) => ({
	async bodiesNotUnder(keyId: number | null, limit: number): Promise<(StoredBody & { ref: string })[]> {
		const rows = await db.repeatable<Row>(OTHERS, [keyId, limit]);
		return rows.map(({ ref, key_id, content_type, body }) => ({
			ref,
			body,
			keyId: key_id,
			contentType: content_type,
		}));
	},
	replaceBodies: (bodies: Parameters<Store['replaceBodies']>[0]): Promise<number> =>
		db.transaction(async (query) => {
			let replaced = 0;
			for (const { ref, was, body, keyId } of bodies) {
				const [table, row] = ref.split(':') as [keyof typeof REPLACE, string];
				replaced += (await query(REPLACE[table], [row, was, keyId, body])).length;
			}
			return replaced;
		}),
});
