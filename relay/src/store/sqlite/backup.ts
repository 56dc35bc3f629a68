import { existsSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { syncFile, syncFolder } from '../../durably.ts';
import { MIGRATIONS } from './schema.ts';

/** What a backup holds, counted in the backup itself. */
export interface BackupContent {
	bytes: number;
	events: number;
	/** Deliveries that go on after a restore. */
	pending: number;
	subscriptions: number;
}

/**
 * Copies a store's file while a relay may be writing to it: the copy is the state of one moment, with everything that was
 * answered before. By `VACUUM INTO` and not by SQLite's backup API, which begins anew after every foreign commit and so
 * never ends under load, and which would copy the free pages with what was deleted in them. The copy appears under its
 * name only when it is whole, on disk and verified.
 *
 * @param from the store's file, which is only read
 * @param to a file that does not exist
 * @param check looks into the copy before it counts as one
 * @throws Error when `to` exists, or the copy fails or does not verify
 */
export async function backUp(
	from: string,
	to: string,
	check: (copy: DatabaseSync) => void = () => undefined,
): Promise<BackupContent> {
	if (existsSync(to)) throw new Error(`${to} exists: name a new file or folder, or move that one away.`);
	const partial = `${to}.partial`;
	await rm(partial, { force: true });
	try {
		// For this user alone: SQLite would make it for all that the umask lets in, and takes an empty file as well.
		await writeFile(partial, '', { mode: 0o600, flag: 'wx' });
		copy(from, partial);
		const content = verify(partial, check);
		await syncFile(partial);
		await rename(partial, to);
		await syncFolder(dirname(to));
		return content;
	} finally {
		await rm(partial, { force: true });
	}
}

function copy(from: string, to: string): void {
	const source = new DatabaseSync(from, { readOnly: true, timeout: 5_000 });
	try {
		source.prepare('VACUUM INTO ?').run(to);
	} finally {
		source.close();
	}
}

function verify(file: string, check: (copy: DatabaseSync) => void): BackupContent {
	const db = new DatabaseSync(file, { readOnly: true });
	try {
		const number = (sql: string) => Object.values(db.prepare(sql).get() as Record<string, number>)[0] ?? NaN;
		const faults = (db.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[])
			.map((row) => row.integrity_check)
			.filter((text) => text !== 'ok');
		const orphans = db.prepare('PRAGMA foreign_key_check').all().length;
		if (faults.length > 0 || orphans > 0) {
			throw new Error(
				`The copy does not verify (${faults[0] ?? `${orphans} rows without what they belong to`}): the database is damaged; run cleanlist-relay doctor.`,
			);
		}
		const version = number('PRAGMA user_version');
		if (version !== MIGRATIONS.length) {
			throw new Error(
				`The database is at version ${version}, this program at ${MIGRATIONS.length}: back up with the program that wrote it.`,
			);
		}
		check(db);
		return {
			bytes: number('PRAGMA page_size') * number('PRAGMA page_count'),
			events: number('SELECT count(*) FROM events'),
			pending: number("SELECT count(*) FROM deliveries WHERE state IN ('ready', 'leased')"),
			subscriptions: number("SELECT count(*) FROM subscriptions WHERE status = 'active'"),
		};
	} finally {
		db.close();
	}
}
