import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { StoreStats, Subscription } from '../port.ts';
import { prepareGetSubscriptions } from './operations/get-subscriptions.ts';
import { prepareStats } from './operations/stats.ts';
import { MIGRATIONS } from './schema.ts';

/** What can be seen of a store's file without changing anything in it. */
export interface Look {
	bytes: number;
	/** Migrations applied, and those this program has. */
	version: number;
	newest: number;
	/** What `PRAGMA quick_check` found, without those it found well; null when the file was too large to be read through. */
	faults: string[] | null;
	/** Null while the file is not of this program's version, or damaged. */
	content: { stats: StoreStats; subscriptions: Subscription[] } | null;
}

/** Reading a file through takes a second for each 300 MiB or so. */
const LARGEST_CHECKED = 4 * 1024 ** 3;

/**
 * Looks into a store's file while a relay may be writing to it.
 *
 * @returns null when there is no such file
 * @throws Error when it is not a database, or can't be read
 */
export function lookInto(path: string): Look | null {
	if (!existsSync(path)) return null;
	const { size } = statSync(path);
	const db = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
	try {
		const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
		const faults = size > LARGEST_CHECKED ? null : quickCheck(db);
		const readable = version === MIGRATIONS.length && !faults?.length;
		return {
			bytes: size,
			version,
			newest: MIGRATIONS.length,
			faults,
			content: readable
				? { stats: prepareStats(db)(), subscriptions: prepareGetSubscriptions(db).listSubscriptions() }
				: null,
		};
	} finally {
		db.close();
	}
}

const quickCheck = (db: DatabaseSync): string[] =>
	(db.prepare('PRAGMA quick_check').all() as { quick_check: string }[])
		.map((row) => row.quick_check)
		.filter((text) => text !== 'ok');
