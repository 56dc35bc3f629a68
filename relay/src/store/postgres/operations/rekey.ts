import type { Store, StoredBody } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';

interface Row {
	ref: string;
	key_id: number | null;
	content_type: string;
	body: Buffer;
}

// A walk in the order of the table, from where the last one ended: an index on the key would cost every webhook, for
// something done once in years.
const OTHERS = {
	bodies: statement(
		'bodies not under',
		`SELECT 'bodies:' || event_seq AS ref, b.key_id, e.content_type, b.body
		FROM bodies b JOIN events e ON e.seq = b.event_seq
		WHERE b.event_seq > $1 AND b.key_id IS DISTINCT FROM $2 ORDER BY b.event_seq LIMIT $3`,
	),
	variants: statement(
		'variants not under',
		`SELECT 'variants:' || seq AS ref, key_id, content_type, body FROM variants
		WHERE seq > $1 AND key_id IS DISTINCT FROM $2 ORDER BY seq LIMIT $3`,
	),
};
const TABLES = ['bodies', 'variants'] as const;

const replacement = (table: string, key: string) =>
	statement(
		`reseal ${table}`,
		`UPDATE ${table} SET key_id = $3, body = $4
		WHERE ${key} = $1 AND key_id IS NOT DISTINCT FROM $2 AND body = $5 RETURNING 1`,
	);
const REPLACE = { bodies: replacement('bodies', 'event_seq'), variants: replacement('variants', 'seq') };

/** Bodies and variants under another key than the one in use, and putting them under it. */
export const rekey = (db: Database) => ({
	async bodiesNotUnder(
		keyId: number | null,
		limit: number,
		after = 'bodies:0',
	): Promise<(StoredBody & { ref: string })[]> {
		const [from, past] = after.split(':') as [keyof typeof OTHERS, string];
		const found: Row[] = [];
		for (const table of TABLES.slice(TABLES.indexOf(from))) {
			const seq = table === from ? past : 0;
			found.push(...(await db.repeatable<Row>(OTHERS[table], [seq, keyId, limit - found.length])));
		}
		return found.map(({ ref, key_id, content_type, body }) => ({
			ref,
			body,
			keyId: key_id,
			contentType: content_type,
		}));
	},
	replaceBodies: (bodies: Parameters<Store['replaceBodies']>[0]): Promise<number> =>
		db.transaction(async ({ query }) => {
			let replaced = 0;
			for (const { ref, was, body, keyId } of bodies) {
				const [table, row] = ref.split(':') as [keyof typeof REPLACE, string];
				replaced += (await query(REPLACE[table], [row, was.keyId, keyId, body, was.body])).length;
			}
			return replaced;
		}),
});
