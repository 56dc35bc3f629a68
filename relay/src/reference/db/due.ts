import type { DatabaseSync } from 'node:sqlite';

/**
 * Reads a table as a queue of what is due: the part that workflows, runs and agents share. An index over `due_at` of
 * the rows that still run makes both queries a look at its first entry.
 *
 * @param columns as SQL, in the shape of `Row`
 * @param running which rows have something still to come, in the words of the index's WHERE
 */
export function dueQueries<Row>(db: DatabaseSync, table: string, columns: string, running: string) {
	const next = db.prepare(`
		SELECT ${columns} FROM ${table} WHERE ${running} AND due_at <= ? ORDER BY due_at, rowid LIMIT 1`);
	const nextAt = db.prepare(`SELECT min(due_at) AS dueAt FROM ${table} WHERE ${running}`);

	return {
		/** The row that was due first, if any is due at `now`. */
		nextDue: (now: number) => next.get(now) as Row | undefined,
		/** When the next row is due; null when nothing runs. */
		nextDueAt: () => (nextAt.get() as { dueAt: number | null }).dueAt,
	};
}

export type DueQueries<Row> = ReturnType<typeof dueQueries<Row>>;
