import type { DatabaseSync } from 'node:sqlite';

const OLDEST = 'SELECT seq, kind, id FROM leftovers ORDER BY seq LIMIT 1';

const SETTLE = 'DELETE FROM leftovers WHERE seq = ?';

/** Each removes at most `limit` rows of one table. */
const REMOVE = {
	list: [
		`DELETE FROM list_leads WHERE position IN (SELECT position FROM list_leads WHERE list_id = :id LIMIT :limit)`,
		`DELETE FROM smart_values WHERE (column_id, lead_id) IN (
			SELECT v.column_id, v.lead_id FROM smart_columns c JOIN smart_values v USING (column_id)
			WHERE c.list_id = :id LIMIT :limit)`,
		`DELETE FROM smart_columns WHERE column_id IN (SELECT column_id FROM smart_columns WHERE list_id = :id LIMIT :limit)`,
	],
	run: [
		`DELETE FROM enrichment_run_leads WHERE workflow_id = :id AND idx IN (
			SELECT idx FROM enrichment_run_leads WHERE workflow_id = :id LIMIT :limit)`,
	],
};

/**
 * Rows of deleted lists and ended runs. All 100,000 of a long list at once took 0.6 s on an idle machine, several on
 * a busy one, in which nothing else was answered; 250 take some 3 ms.
 */
export function leftoverQueries(db: DatabaseSync) {
	const oldest = db.prepare(OLDEST);
	const settle = db.prepare(SETTLE);
	const remove = {
		list: REMOVE.list.map((sql) => db.prepare(sql)),
		run: REMOVE.run.map((sql) => db.prepare(sql)),
	};

	return {
		any: () => oldest.get() !== undefined,
		/** Removes at most `limit` rows. Call it until `any` says that there are none. */
		sweep(limit: number): void {
			const left = oldest.get() as { seq: number; kind: keyof typeof REMOVE; id: string } | undefined;
			if (!left) return;
			for (const statement of remove[left.kind]) {
				if (statement.run({ id: left.id, limit }).changes > 0) return;
			}
			settle.run(left.seq);
		},
	};
}
