import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { prepareOperations } from '../../relay/src/store/sqlite/engine.ts';
import { createGroupCommit } from '../../relay/src/store/sqlite/group-commit.ts';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import { MIGRATIONS } from '../../relay/src/store/sqlite/schema.ts';
import { StoreError } from '../../relay/src/store/port.ts';
import type { Store } from '../../relay/src/store/port.ts';
import { openSqlite } from '../../relay/src/sqlite/open.ts';
import { aSubscription, anEvent, storeConformance } from './conformance.ts';

const temporaryFile = async () => {
	const folder = await mkdtemp(join(tmpdir(), 'store-'));
	return { path: join(folder, 'relay.sqlite'), remove: () => rm(folder, { recursive: true, force: true }) };
};

storeConformance({
	name: 'SQLite',
	async open() {
		const { path, remove } = await temporaryFile();
		const opened: Store[] = [];
		const open = async () => {
			const store = await openSqliteStore({ path });
			opened.push(store);
			return store;
		};
		let store = await open();
		return {
			store,
			another: open,
			async reopen() {
				await store.close();
				store = await open();
				return store;
			},
			async remove() {
				for (const each of opened) await each.close();
				await remove();
			},
		};
	},
});

describe('SQLite alone', () => {
	let file: Awaited<ReturnType<typeof temporaryFile>>;
	beforeEach(async () => {
		file = await temporaryFile();
	});
	afterEach(() => file.remove());

	it('is in WAL mode with FULL synchronisation', () => {
		const db = openSqlite(file.path, MIGRATIONS);
		try {
			expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
			expect(db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
			expect(db.prepare('PRAGMA busy_timeout').get()).toEqual({ timeout: 5_000 });
		} finally {
			db.close();
		}
	});

	it('leaves a database of a later version untouched', async () => {
		const db = openSqlite(file.path, MIGRATIONS);
		db.exec('PRAGMA user_version = 999; PRAGMA wal_checkpoint(TRUNCATE)');
		db.close();
		const before = await readFile(file.path);
		await expect(openSqliteStore({ path: file.path })).rejects.toThrow(/newer than this program/);
		expect((await readFile(file.path)).equals(before)).toBe(true);
	});

	it('says what is wrong with a file that is no database', async () => {
		await expect(openSqliteStore({ path: join(file.path, 'no-such-folder', 'x') })).rejects.toBeInstanceOf(
			StoreError,
		);
	});

	it('commits writes that come together in one transaction, and answers them after it', async () => {
		const db = openSqlite(file.path, ['CREATE TABLE t (n INTEGER) STRICT']);
		const { write } = createGroupCommit(db);
		const insert = db.prepare('INSERT INTO t VALUES (?)');
		const other = new DatabaseSync(file.path, { readOnly: true });
		const visible = () => (other.prepare('SELECT count(*) AS n FROM t').get() as { n: number }).n;
		const seen: number[] = [];
		await Promise.all(
			Array.from({ length: 100 }, (_, n) => write(() => insert.run(n)).then(() => seen.push(visible()))),
		);
		// Another connection sees all hundred as soon as the first is answered: one commit for all of them.
		expect(seen).toEqual(Array.from({ length: 100 }, () => 100));
		other.close();
		db.close();
	});

	it('writes nothing and says that the disk is full when it is', async () => {
		const { path } = file;
		const store = await openSqliteStore({ path });
		await store.putSource({ id: 'default', name: 'x', tokenHash: Buffer.from('h'), createdAt: 0 });
		await store.close();
		// The page limit fails in SQLite the way a full file system does: SQLITE_FULL in the middle of a write.
		const db = openSqlite(path, MIGRATIONS);
		const pages = (db.prepare('PRAGMA page_count').get() as { page_count: number }).page_count;
		db.exec(`PRAGMA max_page_count = ${pages + 10}`);
		const { write } = createGroupCommit(db);
		const { ingest } = prepareOperations(db);
		const small = anEvent();
		const large = anEvent({ body: Buffer.alloc(200_000) });
		const results = await Promise.allSettled([write(() => ingest(small)), write(() => ingest(large))]);
		const failed = results.filter((r) => r.status === 'rejected');
		expect(failed.length).toBeGreaterThan(0);
		for (const { reason } of failed) expect(reason).toMatchObject({ name: 'StoreError', code: 'full' });
		const stored = (id: string) => db.prepare('SELECT 1 FROM events WHERE id = ?').get(id) !== undefined;
		// What was answered is what is there.
		expect([stored(small.id), stored(large.id)]).toEqual(results.map((r) => r.status === 'fulfilled'));
		expect(db.prepare('SELECT count(*) AS n FROM events').get()).toEqual(
			db.prepare('SELECT count(*) AS n FROM bodies').get(),
		);
		db.close();
	});

	it('answers the hot queries from an index, however large the tables grow', async () => {
		const db = openSqlite(file.path, MIGRATIONS);
		const statements: string[] = [];
		const recording = Object.create(db) as DatabaseSync;
		recording.prepare = (sql: string) => {
			statements.push(sql);
			return db.prepare(sql);
		};
		prepareOperations(recording);
		expect(statements.length).toBeGreaterThan(20);
		for (const sql of statements) {
			const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[];
			for (const { detail } of plan) {
				// Subscriptions, sources and tokens are few, and so are variants of an event. A scan that a LIMIT ends early reads only what it gives, one of
				// a partial index only what waits.
				if (/subscriptions|sources|tokens|variants/.test(detail + sql)) continue;
				const bounded = /LIMIT/.test(sql) && /^SCAN [\w()-]+( USING (COVERING )?INDEX|$)/.test(detail);
				if (/USING (COVERING )?INDEX deliveries_(ready|leased|given_up)$/.test(detail)) continue;
				expect(`${bounded ? 'bounded' : detail} in ${sql}`).not.toMatch(/^SCAN|TEMP B-TREE/);
			}
		}
		db.close();
	});

	it('ends the leases of a process that is gone when told to', async () => {
		const store = await openSqliteStore({ path: file.path });
		await store.putSource({ id: 'default', name: 'x', tokenHash: Buffer.from('h'), createdAt: 0 });
		await store.createSubscription(aSubscription());
		await store.ingest(anEvent({ receivedAt: 0 }));
		const claim = { leaseMs: 60_000, limit: 5 };
		const [lost] = await store.claim({ now: 1, ...claim });
		await store.close();
		const next = await openSqliteStore({ path: file.path, endLeasesAt: 2 });
		expect(await next.claim({ now: 2, ...claim })).toMatchObject([
			{ deliveryId: lost?.deliveryId, attempt: 2 },
		]);
		await next.close();
	});

	it('stays fast to claim from behind a receiver that is down', async () => {
		const store = await openSqliteStore({ path: file.path });
		await store.putSource({ id: 'default', name: 'x', tokenHash: Buffer.from('h'), createdAt: 0 });
		await store.createSubscription(aSubscription({ id: 'sub_down', concurrency: 5 }));
		for (let n = 0; n < 20; n++) {
			await Promise.all(Array.from({ length: 50 }, () => store.ingest(anEvent({ receivedAt: 0 }))));
		}
		await store.createSubscription(aSubscription({ id: 'sub_up', concurrency: 5 }));
		await store.claim({ now: 1, leaseMs: 60_000, limit: 5 });
		const fresh = anEvent({ receivedAt: 2 });
		await store.ingest(fresh);
		const claims = await store.claim({ now: 2, leaseMs: 60_000, limit: 5 });
		// Its thousand waiting deliveries neither block nor starve the other subscription.
		expect(claims.map((c) => [c.subscriptionId, c.eventId])).toEqual([['sub_up', fresh.id]]);
		await store.close();
	});
});
