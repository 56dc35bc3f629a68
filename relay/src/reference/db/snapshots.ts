import type { DatabaseSync } from 'node:sqlite';

const ATTACH = `ATTACH ':memory:' AS snapshots`;
const ATTACHED = `SELECT 1 FROM pragma_database_list WHERE name = 'snapshots'`;

/** `sqlite_sequence` holds what AUTOINCREMENT counts on from. */
const TABLES = `
	SELECT name, wr AS withoutRowid FROM pragma_table_list
	WHERE schema = 'main' AND type = 'table' AND (name NOT LIKE 'sqlite_%' OR name = 'sqlite_sequence')
	ORDER BY name = 'sqlite_sequence', name`;

const TRIGGERS = `SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger'`;

const COPIES = `SELECT name FROM snapshots.sqlite_schema WHERE type = 'table' AND substr(name, 1, length(?1)) = ?1`;

interface Table {
	name: string;
	withoutRowid: 0 | 1;
}

/**
 * Copies of all the data, kept in memory beside the database: table by table within the connection, so that its
 * prepared statements live on.
 */
export function snapshotQueries(db: DatabaseSync) {
	const tables = () => db.prepare(TABLES).all() as unknown as Table[];
	const copyOf = (id: number, table: string) => `snapshots."${id}:${table}"`;

	const attach = (): void => {
		if (!db.prepare(ATTACHED).get()) db.exec(ATTACH);
	};

	const transaction = (work: () => void): void => {
		db.exec('BEGIN IMMEDIATE');
		try {
			work();
			db.exec('COMMIT');
		} catch (error) {
			if (db.isTransaction) db.exec('ROLLBACK');
			throw error;
		}
	};

	/** Empties every table and fills it again, without the triggers that keep counts: those are data too. */
	const replace = (fill: (table: string) => string | null): void => {
		// Foreign keys can't be switched inside of a transaction, and tables are filled in no order of theirs.
		db.exec('PRAGMA foreign_keys = OFF');
		try {
			transaction(() => {
				const triggers = db.prepare(TRIGGERS).all() as { name: string; sql: string }[];
				for (const { name } of triggers) db.exec(`DROP TRIGGER main."${name}"`);
				for (const { name } of tables()) {
					db.exec(`DELETE FROM main."${name}"`);
					const from = fill(name);
					if (from !== null) db.exec(`INSERT INTO main."${name}" ${from}`);
				}
				for (const { sql } of triggers) db.exec(sql);
			});
		} finally {
			db.exec('PRAGMA foreign_keys = ON');
		}
	};

	const pagesOf = (schema: string): number => {
		const pragma = (name: string) =>
			Object.values(db.prepare(`PRAGMA ${schema}.${name}`).get() as Record<string, number>)[0] as number;
		return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
	};

	return {
		/** Keeps all of the data under that number, in place of what was kept under it. */
		save(id: number): void {
			attach();
			this.drop(id);
			transaction(() => {
				for (const { name, withoutRowid } of tables()) {
					// In the order of their rowids, which some queries go by and a copy gives anew.
					const order = withoutRowid ? '' : 'ORDER BY rowid';
					db.exec(`CREATE TABLE ${copyOf(id, name)} AS SELECT * FROM main."${name}" ${order}`);
				}
			});
		},

		/** Puts all of the data back as it was when it was kept. */
		restore(id: number): void {
			replace((table) => `SELECT * FROM ${copyOf(id, table)}`);
		},

		/** Empties everything. */
		wipe(): void {
			replace(() => null);
		},

		drop(id: number): void {
			attach();
			const copies = db.prepare(COPIES).all(`${id}:`) as { name: string }[];
			transaction(() => {
				for (const { name } of copies) db.exec(`DROP TABLE snapshots."${name}"`);
			});
		},

		/** Bytes of the data, and of all that is kept. */
		sizes(): { data: number; kept: number } {
			attach();
			return { data: pagesOf('main'), kept: pagesOf('snapshots') };
		},
	};
}
