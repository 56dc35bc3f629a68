import type { DatabaseSync } from 'node:sqlite';
import type { Variant } from '../../port.ts';
import { all, first } from '../query.ts';

/** Past this many the bodies of an event are only counted: a sender gone wrong must not fill the disk. */
const MAX_VARIANTS = 10;

interface Row {
	hash: Uint8Array;
	key_id: number | null;
	content_type: string;
	bytes: number;
	received_at: number;
	body: Uint8Array;
}

/** Other bodies that came for an event that has one already. */
export function prepareVariants(db: DatabaseSync) {
	const count = db.prepare('UPDATE events SET variants = variants + 1 WHERE id = ? RETURNING seq');
	const kept = db.prepare('SELECT count(*) AS n FROM variants WHERE event_seq = ?');
	const insert = db.prepare(`
		INSERT INTO variants (event_seq, hash, key_id, content_type, bytes, received_at, body)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event_seq, hash) DO NOTHING`);
	const list = db.prepare(`
		SELECT hash, key_id, content_type, bytes, received_at, body FROM variants
		WHERE event_seq = (SELECT seq FROM events WHERE id = ?) ORDER BY seq`);

	return {
		recordVariant(eventId: string, variant: Variant): void {
			const event = first<{ seq: number }>(count, eventId);
			if (!event || (first<{ n: number }>(kept, event.seq)?.n ?? 0) >= MAX_VARIANTS) return;
			const { hash, keyId, contentType, bytes, receivedAt, body } = variant;
			insert.run(event.seq, hash, keyId, contentType, bytes, receivedAt, body);
		},
		listVariants: (eventId: string): Variant[] => all<Row>(list, eventId).map(fromRow),
	};
}

const fromRow = (row: Row): Variant => ({
	hash: Buffer.from(row.hash),
	keyId: row.key_id,
	contentType: row.content_type,
	bytes: row.bytes,
	receivedAt: row.received_at,
	body: Buffer.from(row.body),
});
