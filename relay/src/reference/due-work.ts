import type { Clock } from '../clock.ts';
import type { Database } from './db/index.ts';
import type { DueQueries } from './db/due.ts';

/** Work that waits in the database for its time. */
export interface DueWork {
	/** Does the one piece that was due first, if any is due. */
	doNext(): void;
	/** When the next piece is due; null when there is none. */
	nextDueAt(): number | null;
}

/** @param step does a piece of work, in a transaction, and sees to it that this piece is due no more */
export function createDueWork<Row>(o: {
	db: Pick<Database, 'transaction'>;
	clock: Clock;
	queue: DueQueries<Row>;
	step: (row: Row, now: number) => void;
}): DueWork {
	return {
		doNext(): void {
			const now = o.clock.now();
			const row = o.queue.nextDue(now);
			if (row) o.db.transaction(() => o.step(row, now));
		},
		nextDueAt: () => o.queue.nextDueAt(),
	};
}
