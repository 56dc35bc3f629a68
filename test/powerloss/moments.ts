import type { Recording } from './record-relay.ts';
import type { TraceRecord } from './trace.ts';

/** Moments of a recording that cuts are aimed at. */
export interface Moments {
	/** Records that told a sender 2xx for an event, in order, with the event's id. */
	answers: { index: number; eventId: string }[];
	/** From the first write into the database file itself to the sync that ends it: the checkpoints. */
	checkpoints: { from: number; to: number }[];
	/** When the first start showed its token on the screen, and which. Null: never. */
	shown: { index: number; token: string } | null;
}

export function momentsOf({ records }: Recording): Moments {
	const answers: Moments['answers'] = [];
	const checkpoints: Moments['checkpoints'] = [];
	let shown: Moments['shown'] = null;
	let database = -1;
	let began = -1;
	records.forEach((record, index) => {
		if (record.kind === 'told') {
			const text = record.data.toString('latin1');
			if (record.fd === 2) {
				const token = /crt_[A-Za-z0-9_-]{43}/.exec(text)?.[0];
				if (token) shown ??= { index, token };
			} else if (text.startsWith('HTTP/1.1 200')) {
				for (const [, eventId = ''] of text.matchAll(/"event_id":"(evt_[^"]+)"/g)) {
					answers.push({ index, eventId });
				}
			}
		} else if ('path' in record && record.kind !== 'rename' && record.kind !== 'unlink') {
			if (record.path === 'data/relay.sqlite') database = record.inode;
		} else if (record.kind === 'write' && record.inode === database) {
			if (began === -1) began = index;
		} else if (record.kind === 'sync ends' && record.inode === database && began !== -1) {
			checkpoints.push({ from: began, to: index });
			began = -1;
		}
	});
	return { answers, checkpoints, shown };
}

/**
 * How many of these answers went out although what they promise was not on disk: their event's row had been
 * written, and no sync of that file had begun after it and ended.
 */
export function unsynced(records: readonly TraceRecord[], { answers }: Moments): number {
	const written = new Map<string, { inode: number; index: number }>();
	const begins = new Map<number, number>();
	/** By inode: the beginning of the last sync that ended. */
	const safeUntil = new Map<number, number>();
	const due = new Map<number, string[]>();
	for (const { index, eventId } of answers) due.set(index, [...(due.get(index) ?? []), eventId]);

	let tooEarly = 0;
	records.forEach((record, index) => {
		if (record.kind === 'write') {
			for (const [eventId] of record.data.toString('latin1').matchAll(EVENT_ID)) {
				if (!written.has(eventId)) written.set(eventId, { inode: record.inode, index });
			}
		} else if (record.kind === 'sync begins') begins.set(record.number, index);
		else if (record.kind === 'sync ends') {
			safeUntil.set(record.inode, Math.max(safeUntil.get(record.inode) ?? 0, begins.get(record.number) ?? 0));
		}
		for (const eventId of due.get(index) ?? []) {
			const row = written.get(eventId);
			if (!row || (safeUntil.get(row.inode) ?? 0) < row.index) tooEarly++;
		}
	});
	return tooEarly;
}

const EVENT_ID = /evt_[0-9a-f-]{36}/g;
