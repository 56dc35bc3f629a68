import type { DatabaseSync } from 'node:sqlite';
import { first } from './query.ts';

/** The last number that was given out, as `last`. */
export const LAST_NUMBER =
	'SELECT max(keys_up_to, coalesce((SELECT max(seq) FROM events), 0)) AS last FROM progress';

/**
 * Gives events their seq, in the order of arrival, and none twice: what progress has passed is never given out again, though the
 * event is deleted. SQLite's AUTOINCREMENT notes the last one in a table of its own, a page written with each commit. To be
 * forgotten when a transaction begins, and whenever something was rolled back.
 */
export interface EventNumbers {
	next(): number;
	forget(): void;
}

export function createEventNumbers(db: DatabaseSync): EventNumbers {
	const readLast = db.prepare(LAST_NUMBER);
	let last: number | null = null;
	return {
		next: () => (last = (last ?? first<{ last: number }>(readLast)!.last) + 1),
		forget() {
			last = null;
		},
	};
}
