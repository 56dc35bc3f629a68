import type { Store, StoredBody } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';

interface Row {
	ref: string;
	key_id: number | null;
	content_type: string;
	body: Buffer;
}

/** Rows that a statement looks through, at most: all of a large table take longer than a statement may, at a million some 5 s. */
const SLICE = 10_000;

// A walk in the order of the table, from where the last one ended: an index on the key would cost every webhook, for
// something done once in years.
const OTHERS = {
	bodies: statement(
		'bodies not under',
		`SELECT 'bodies:' || event_seq AS ref, key_id, (SELECT content_type FROM events WHERE seq = event_seq) AS content_type, body
		FROM bodies WHERE event_seq > $1 AND event_seq <= $2 AND key_id IS DISTINCT FROM $3 ORDER BY event_seq LIMIT $4`,
	),
	variants: statement(
		'variants not under',
		`SELECT 'variants:' || seq AS ref, key_id, content_type, body FROM variants
		WHERE seq > $1 AND seq <= $2 AND key_id IS DISTINCT FROM $3 ORDER BY seq LIMIT $4`,
	),
};
const sliceEnd = (table: string, seq: string) =>
	statement(
		`end of slice of ${table}`,
		`SELECT max(seq) AS seq FROM (SELECT ${seq} AS seq FROM ${table} WHERE ${seq} > $1 ORDER BY ${seq} LIMIT ${SLICE}) AS slice`,
	);
const END = { bodies: sliceEnd('bodies', 'event_seq'), variants: sliceEnd('variants', 'seq') };
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
			let seq = table === from ? Number(past) : 0;
			while (found.length < limit) {
				const [end] = await db.repeatable<{ seq: number | null }>(END[table], [seq]);
				if (!end || end.seq === null) break;
				const values = [seq, end.seq, keyId, limit - found.length];
				found.push(...(await db.repeatable<Row>(OTHERS[table], values)));
				seq = end.seq;
			}
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
