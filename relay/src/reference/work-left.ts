import { openDatabase } from './db/index.ts';

/**
 * Whether something is left to do in the database of a reference API that is not open: workflows and runs to go on with,
 * webhooks to send, rows to clear away.
 *
 * @throws Error when the file can't be opened, or was written by a later version
 */
export function isWorkLeft(path: string): boolean {
	const db = openDatabase(path);
	try {
		return (
			[db.workflows, db.runs, db.agents].some((queue) => queue.nextDueAt() !== null) ||
			db.webhooks.pending(1).length > 0 ||
			db.leftovers.any()
		);
	} finally {
		db.close();
	}
}
