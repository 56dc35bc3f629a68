import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { openSqlite } from '../../relay/src/sqlite/open.ts';
import { MIGRATIONS } from '../../relay/src/store/sqlite/schema.ts';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import { anEvent } from '../store/conformance.ts';
import { Disk, readTree, writeTree } from './disk.ts';
import { NEXT_MIGRATIONS } from './migrate.ts';
import { seeded } from './random.ts';
import { buildShim, emptyFolder } from './record-relay.ts';
import { readTrace } from './trace.ts';

/** A power cut in the middle of a migration: the database is of the old version or of the new one, and whole. */

const EVENTS = 60;
const FILE = 'relay.sqlite';

test('cut at any moment of a migration, the database is at one version or the other', async () => {
	const root = emptyFolder('migration');
	const work = emptyFolder('work');
	try {
		const path = join(root, FILE);
		const store = await openSqliteStore({ path });
		await store.putSource({ id: 'default', name: 'x', tokenHash: Buffer.from('h'), createdAt: 0 });
		await Promise.all(Array.from({ length: EVENTS }, () => store.ingest(anEvent())));
		await store.close();

		const start = readTree(root);
		const trace = join(work, 'trace');
		execFileSync(process.execPath, [join(import.meta.dirname, 'migrate.ts'), path], {
			env: {
				...process.env,
				LD_PRELOAD: buildShim(work),
				POWERLOSS_ROOT: root,
				POWERLOSS_TRACE: trace,
				UV_USE_IO_URING: '0',
			},
		});
		const records = readTrace(readFileSync(trace), root);
		const disk = new Disk(start);
		const versions = new Set<number>();
		for (const [index, record] of records.entries()) {
			const survival = index % 2 === 0 ? { kept: 0, torn: 0 } : { kept: 0.5, torn: 0.3 };
			const at = join(work, 'cut');
			mkdirSync(at);
			writeTree(disk.after(seeded(index), survival), at);
			versions.add(examine(join(at, FILE)));
			rmSync(at, { recursive: true });
			disk.apply(record);
		}
		expect(versions).toEqual(new Set([MIGRATIONS.length, NEXT_MIGRATIONS.length]));
	} finally {
		for (const folder of [root, work]) rmSync(folder, { recursive: true });
	}
});

/** Starts the next version on it, and returns the version it found. */
function examine(path: string): number {
	const found = new DatabaseSync(path);
	const { user_version } = found.prepare('PRAGMA user_version').get() as { user_version: number };
	found.close();

	const db = openSqlite(path, NEXT_MIGRATIONS, 'CLrl');
	expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
	expect(db.prepare('SELECT count(*) AS n FROM events WHERE duplicates = 1000').get()).toEqual({ n: EVENTS });
	expect(db.prepare('SELECT count(*) AS n FROM sizes JOIN events ON id = event_id').get()).toEqual({
		n: EVENTS,
	});
	db.close();
	return user_version;
}
