/**
 * A process that opens a database with migrations that take a while, and says what it found: `node opener.ts <file>`.
 * It waits for its standard input to end, so that several can be told to start at the same moment.
 */
import { openSqlite } from '../../relay/src/sqlite/open.ts';

/** Applied twice it would fail; applied by two processes at once, both would make the table. */
export const SLOW_MIGRATIONS = [
	'CREATE TABLE one (n INTEGER) STRICT;',
	`CREATE TABLE two (n INTEGER) STRICT;
	INSERT INTO two WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 50000) SELECT n FROM t;
	INSERT INTO one VALUES (1);`,
];

if (import.meta.main) {
	process.stdout.write('ready\n');
	process.stdin.resume().on('end', () => {
		const db = openSqlite(process.argv[2] ?? '', SLOW_MIGRATIONS, 'CLrl');
		const { n } = db.prepare('SELECT count(*) AS n FROM one').get() as { n: number };
		db.close();
		process.stdout.write(`${n} migrated\n`);
	});
}
