import type { Variant } from '../../port.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';
import { toText } from '../text.ts';

/** Past this many the bodies of an event are only counted: a sender gone wrong must not fill the disk. */
const MAX_VARIANTS = 10;

interface Row {
	hash: Buffer;
	key_id: number | null;
	content_type: string;
	bytes: number;
	received_at: number;
	body: Buffer;
}

// The row of the event is locked by it: of one event they come one after the other.
const COUNT = statement(
	'count variant',
	'UPDATE events SET variants = variants + 1 WHERE id = $1 RETURNING seq',
);
const INSERT = statement(
	'insert variant',
	`INSERT INTO variants (event_seq, hash, key_id, content_type, bytes, received_at, body)
	SELECT $1, $2, $3, $4, $5, $6, $7 WHERE (SELECT count(*) FROM variants WHERE event_seq = $1) < ${MAX_VARIANTS}
	ON CONFLICT (event_seq, hash) DO NOTHING`,
);
const LIST = statement(
	'variants',
	`SELECT hash, key_id, content_type, bytes, received_at, body FROM variants
	WHERE event_seq = (SELECT seq FROM events WHERE id = $1) ORDER BY seq`,
);

/** Other bodies that came for an event that has one already. */
export const variants = (db: Database) => ({
	recordVariant: (eventId: string, variant: Variant): Promise<void> =>
		db.transaction(async ({ query }) => {
			const [event] = await query<{ seq: number }>(COUNT, [toText(eventId)]);
			if (!event) return;
			const { hash, keyId, contentType, bytes, receivedAt, body } = variant;
			await query(INSERT, [event.seq, hash, keyId, contentType, bytes, receivedAt, body]);
		}),
	async listVariants(eventId: string): Promise<Variant[]> {
		return (await db.repeatable<Row>(LIST, [toText(eventId)])).map(fromRow);
	},
});

const fromRow = (row: Row): Variant => ({
	hash: row.hash,
	keyId: row.key_id,
	contentType: row.content_type,
	bytes: row.bytes,
	receivedAt: row.received_at,
	body: row.body,
});
