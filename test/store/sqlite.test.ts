import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import workerThreads from 'node:worker_threads';
import type { Worker } from 'node:worker_threads';
import { createBatchRunner } from '../../relay/src/store/sqlite/batch.ts';
import type { Call } from '../../relay/src/store/sqlite/batch.ts';
import { createCheckpointer } from '../../relay/src/store/sqlite/checkpoint.ts';
import { openEngine, prepareOperations } from '../../relay/src/store/sqlite/engine.ts';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import { MIGRATIONS } from '../../relay/src/store/sqlite/schema.ts';
import { StoreError } from '../../relay/src/store/port.ts';
import type { Claim, Settlement } from '../../relay/src/store/port.ts';
import { openSqlite } from '../../relay/src/sqlite/open.ts';
import { aSubscription, anEvent, storeConformance } from './conformance.ts';
import { until } from '../support/until.ts';
import { delivered } from './conformance/fixtures.ts';
import { sqlite, temporaryFile } from './sqlite-engine.ts';

storeConformance(sqlite);

const source = { id: 'default', name: 'x', tokenHash: Buffer.from('h'), createdAt: 0 };

describe('SQLite alone', () => {
	let file: Awaited<ReturnType<typeof temporaryFile>>;
	beforeEach(async () => {
		file = await temporaryFile();
	});
	afterEach(() => file.remove());

	it('is in WAL mode with FULL synchronisation', () => {
		const db = openSqlite(file.path, MIGRATIONS, 'CLrl');
		try {
			expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
			expect(db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
			expect(db.prepare('PRAGMA busy_timeout').get()).toEqual({ timeout: 5_000 });
		} finally {
			db.close();
		}
	});

	it('leaves a database of a later version untouched', async () => {
		const db = openSqlite(file.path, MIGRATIONS, 'CLrl');
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
		const store = await openSqliteStore({ path: file.path });
		await store.putSource(source);
		const other = new DatabaseSync(file.path, { readOnly: true });
		const visible = () => (other.prepare('SELECT count(*) AS n FROM events').get() as { n: number }).n;
		const seen: number[] = [];
		await Promise.all(
			Array.from({ length: 100 }, () => store.ingest(anEvent()).then(() => seen.push(visible()))),
		);
		// Another connection sees an event when it is answered, and with it all those of the same commit, sixteen or more.
		expect(seen.every((visible, answered) => visible > answered)).toBe(true);
		expect(new Set(seen).size).toBeLessThanOrEqual(Math.ceil(100 / 16));
		expect(seen.at(-1)).toBe(100);
		other.close();
		await store.close();
	});

	it('lets a bad write fail alone, in a batch with reads and other writes, and keeps them in order', () => {
		const engine = openEngine(file.path);
		const run = createBatchRunner(engine);
		run([{ name: 'putSource', args: [source] }]);
		const [first, second] = [anEvent({ workflowId: 'w' }), anEvent({ workflowId: 'w' })];
		const outcomes = run([
			{ name: 'getEvent', args: [first.id] },
			{ name: 'createSubscription', args: [aSubscription({ url: 'http://a.example/' })] },
			{ name: 'createSubscription', args: [aSubscription({ url: 'http://a.example/' })] },
			{ name: 'ingest', args: [first] },
			{ name: 'ingest', args: [anEvent({ sourceId: 'none' })] },
			{ name: 'ingest', args: [second] },
			{ name: 'listSources', args: [] },
		]);
		expect(outcomes).toEqual([
			{ value: null },
			{ value: undefined },
			{ error: expect.objectContaining({ code: 'conflict' }) as object },
			{ value: { kind: 'stored', eventId: first.id, deliveries: 1 } },
			{ error: expect.objectContaining({ code: 'failed' }) as object },
			{ value: { kind: 'duplicate', eventId: first.id } },
			{ value: [source] },
		]);
		engine.db.close();
	});

	it('lets a settlement that fails change nothing, and the others of its batch be written', () => {
		const engine = openEngine(file.path);
		const run = createBatchRunner(engine);
		run([
			{ name: 'putSource', args: [source] },
			{ name: 'createSubscription', args: [aSubscription({ url: 'http://a.example/' })] },
			...[1, 2, 3].map((): Call => ({ name: 'ingest', args: [anEvent()] })),
		]);
		const now = Date.now() + 60_000;
		const [claimed] = run([{ name: 'claim', args: [{ now, leaseMs: 1_000, limit: 3 }] }]);
		const claims = (claimed as { value: Claim[] }).value;
		const bad = { next: { state: 'bogus' } as unknown as Settlement['next'] };
		const outcomes = run(
			claims.map((claim, n) => ({ name: 'settle', args: [delivered(claim, n === 1 ? bad : {})] })),
		);
		expect(outcomes).toEqual([
			{ value: 'settled' },
			{ error: expect.objectContaining({ code: 'failed' }) as object },
			{ value: 'settled' },
		]);
		const stored = claims.map(({ deliveryId }) => engine.operations.getDelivery(deliveryId));
		expect(stored.map((it) => [it?.state, it?.attempts.length])).toEqual([
			['delivered', 1],
			['leased', 0],
			['delivered', 1],
		]);
		engine.db.close();
	});

	it('knows what is due next after settlements, one of which failed, in the same batch and after it', () => {
		const engine = openEngine(file.path);
		const run = createBatchRunner(engine);
		const subscription = aSubscription({ url: 'http://a.example/', concurrency: 3 });
		run([
			{ name: 'putSource', args: [source] },
			{ name: 'createSubscription', args: [subscription] },
			...[1, 2, 3, 4, 5].map((): Call => ({ name: 'ingest', args: [anEvent()] })),
		]);
		const now = Date.now() + 60_000;
		const claim: Call = { name: 'claim', args: [{ now, leaseMs: 1_000, limit: 1 }] };
		const first = run([claim, claim, claim, claim]).flatMap((it) => (it as { value: Claim[] }).value);
		expect(first).toHaveLength(3);
		const retry = { state: 'ready', at: now + 500, scheduled: 1, conflictSince: null } as const;
		const bad = { state: 'bogus' } as unknown as Settlement['next'];
		const settle = (n: number, next: Settlement['next']): Call => ({
			name: 'settle',
			args: [delivered(first[n]!, { next })],
		});
		const claimed = (calls: Call[]) =>
			run(calls).map((it) => ('value' in it ? (it.value as unknown[]).length : 'failed'));
		expect(claimed([settle(0, retry), claim])).toEqual(['settled'.length, 1]);
		expect(claimed([settle(1, bad), settle(2, { state: 'delivered' }), claim])).toEqual([
			'failed',
			'settled'.length,
			1,
		]);
		// The retry; all else that is left is leased.
		expect(engine.operations.nextDueAt()).toBe(now + 500);
		engine.db.close();
	});

	it('lets settlements wait for the next call, and for a moment where none follows', async () => {
		const store = await openSqliteStore({ path: file.path });
		await store.putSource(source);
		await store.createSubscription(aSubscription());
		await Promise.all([1, 2, 3].map(() => store.ingest(anEvent())));
		const claim = { now: Date.now() + 60_000, leaseMs: 1_000, limit: 1 };
		const take = async () => (await store.claim(claim))[0]!;
		const claims = [await take(), await take(), await take()];
		// Without a clock nothing is sent by itself.
		jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] });
		try {
			const settled: number[] = [];
			const settle = (n: number) => store.settle(delivered(claims[n]!)).then(() => settled.push(n));
			const first = settle(0);
			await store.listSources();
			expect(settled).toEqual([0]);
			const second = settle(1);
			await turn();
			const third = settle(2);
			await turn();
			expect(settled).toEqual([0]);
			jest.advanceTimersByTime(5);
			await Promise.all([first, second, third]);
			expect(settled).toEqual([0, 1, 2]);
			expect(jest.getTimerCount()).toBe(0);
		} finally {
			jest.useRealTimers();
			await store.close();
		}
	});

	it('keeps in memory what a statement may have to undo: it made a file of that for every claim and settlement', () => {
		const { db } = openEngine(file.path);
		expect(db.prepare('PRAGMA temp_store').get()).toEqual({ temp_store: 2 });
		db.close();
	});

	it('does not deliver by a subscription whose creation was undone', () => {
		const engine = openEngine(file.path);
		const run = createBatchRunner(engine);
		run([{ name: 'putSource', args: [source] }]);
		// The first try of this batch sees the subscription, and is undone by the bad event; the second try refuses it.
		const created = aSubscription();
		run([{ name: 'createSubscription', args: [created] }]);
		const outcomes = run([
			{ name: 'deleteSubscription', args: [created.id] },
			{ name: 'ingest', args: [anEvent()] },
			{ name: 'ingest', args: [anEvent({ sourceId: 'none' })] },
			{ name: 'createSubscription', args: [created] },
			{ name: 'ingest', args: [anEvent()] },
		]);
		const deliveries = outcomes.map((outcome) =>
			'value' in outcome ? (outcome.value as { deliveries?: number } | undefined)?.deliveries : 'failed',
		);
		expect(deliveries).toEqual([undefined, 0, 'failed', undefined, 1]);
		engine.db.close();
	});

	it('knows a repeat after a crash, whether its key was in the index yet or not', () => {
		const crashed = openEngine(file.path);
		const run = createBatchRunner(crashed);
		run([{ name: 'putSource', args: [source] }]);
		const [indexed, truncated, recent] = [anEvent(), anEvent({ truncated: 3 }), anEvent()];
		run([indexed, truncated].map((event) => ({ name: 'ingest', args: [event] })));
		crashed.keys.fold();
		run([{ name: 'ingest', args: [{ ...truncated, truncated: 0 }] }]);
		run([{ name: 'ingest', args: [recent] }]);
		const keys = () => crashed.db.prepare('SELECT count(*) AS n FROM dedupe_keys').get();
		expect(keys()).toEqual({ n: 2 });
		// Closed as a crash would: nothing is written any more.
		crashed.db.close();

		const next = openEngine(file.path);
		const again = createBatchRunner(next)([
			...[indexed, { ...truncated, truncated: 0 }, recent, anEvent()].map((event) => ({
				name: 'ingest' as const,
				args: [{ ...event, id: `${event.id}-again` }],
			})),
			{ name: 'listEvents', args: [{ limit: 10, workflowId: recent.workflowId }] },
		]);
		expect(again.map((outcome) => 'value' in outcome && (outcome.value as { kind?: string }).kind)).toEqual([
			'duplicate',
			'duplicate',
			'duplicate',
			'stored',
			undefined,
		]);
		expect(again.at(-1)).toEqual({ value: [expect.objectContaining({ id: recent.id }) as object] });
		next.db.close();
	});

	it('writes its keys to the index many at a time, and all of them before it closes', async () => {
		const store = await openSqliteStore({ path: file.path });
		await store.putSource(source);
		const other = new DatabaseSync(file.path, { readOnly: true });
		const indexed = () => (other.prepare('SELECT count(*) AS n FROM dedupe_keys').get() as { n: number }).n;
		for (let n = 0; n < 255; n++) await store.ingest(anEvent());
		expect(indexed()).toBe(0);
		await store.ingest(anEvent());
		await store.ingest(anEvent());
		expect(indexed()).toBe(256);
		await store.close();
		expect(indexed()).toBe(257);
		other.close();
	});

	it('writes nothing and says that the disk is full when it is', () => {
		const prepared = openEngine(file.path);
		createBatchRunner(prepared)([{ name: 'putSource', args: [source] }]);
		prepared.db.close();
		// The page limit fails in SQLite the way a full file system does: SQLITE_FULL in the middle of a write.
		const db = openSqlite(file.path, MIGRATIONS, 'CLrl');
		const pages = (db.prepare('PRAGMA page_count').get() as { page_count: number }).page_count;
		db.exec(`PRAGMA max_page_count = ${pages + 10}`);
		const run = createBatchRunner({ db, ...prepareOperations(db) });
		const events = [anEvent(), anEvent({ body: Buffer.alloc(200_000) })];
		const outcomes = run(events.map((event) => ({ name: 'ingest', args: [event] })));
		const failed = outcomes.filter((outcome) => 'error' in outcome);
		expect(failed.length).toBeGreaterThan(0);
		for (const { error } of failed) expect(error.code).toBe('full');
		const stored = (id: string) => db.prepare('SELECT 1 FROM events WHERE id = ?').get(id) !== undefined;
		// What was answered is what is there.
		expect(events.map(({ id }) => stored(id))).toEqual(outcomes.map((outcome) => 'value' in outcome));
		expect(db.prepare('SELECT count(*) AS n FROM events').get()).toEqual(
			db.prepare('SELECT count(*) AS n FROM bodies').get(),
		);
		db.close();
	});

	it('lists the events of a workflow whose keys are not in the table yet, and writes nothing for it: a full disk stops no reader', () => {
		const engine = openEngine(file.path);
		const run = createBatchRunner(engine);
		run([{ name: 'putSource', args: [source] }]);
		const event = anEvent({ workflowId: 'w' });
		run([
			{ name: 'ingest', args: [anEvent()] },
			{ name: 'ingest', args: [event] },
		]);
		expect(run([{ name: 'listEvents', args: [{ limit: 10, workflowId: 'w' }] }])).toEqual([
			{ value: [expect.objectContaining({ id: event.id })] },
		]);
		expect(engine.db.prepare('SELECT count(*) AS n FROM dedupe_keys').get()).toEqual({ n: 0 });
		engine.db.close();
	});

	it('does not wait for the disk where a power cut may take the write back, and for nothing else', () => {
		const engine = openEngine(file.path);
		const run = createBatchRunner(engine);
		const waits = () =>
			(engine.db.prepare('PRAGMA synchronous').get() as { synchronous: number }).synchronous === 2;
		const claim: Call = { name: 'claim', args: [{ now: 1, leaseMs: 1, limit: 1 }] };
		run([claim, claim]);
		expect(waits()).toBe(false);
		run([claim, { name: 'putSource', args: [source] }, claim]);
		expect(waits()).toBe(true);
		run([claim, { name: 'stats', args: [] }]);
		expect(waits()).toBe(false);
		run([{ name: 'ping', args: [] }]);
		expect(waits()).toBe(true);
		engine.db.close();
	});

	it('has such a write on disk soon, by another that waits for it, when none follows by itself', async () => {
		const store = await openSqliteStore({ path: file.path });
		await store.putSource(source);
		await store.createSubscription(aSubscription({ url: 'http://a.example/' }));
		await store.ingest(anEvent());
		const other = new DatabaseSync(file.path, { readOnly: true });
		const version = () =>
			(other.prepare('PRAGMA data_version').get() as { data_version: number }).data_version;
		const before = version();
		expect(await store.claim({ now: Date.now() + 60_000, leaseMs: 1, limit: 1 })).toHaveLength(1);
		const claimed = version();
		expect(claimed).not.toBe(before);
		await until('another write', () => version() !== claimed);
		other.close();
		await store.close();
	});

	it('keeps its write-ahead log bounded under load', async () => {
		const store = await openSqliteStore({ path: file.path });
		await store.putSource(source);
		const body = Buffer.alloc(256 * 1024, 'x');
		let largest = 0;
		for (let n = 0; n < 40; n++) {
			await Promise.all(Array.from({ length: 8 }, () => store.ingest(anEvent({ body }))));
			largest = Math.max(largest, (await stat(`${file.path}-wal`)).size);
		}
		// 80 MiB went through it.
		expect(largest).toBeLessThan(16 * 1024 * 1024);
		await store.close();
	});

	it('copies the log back once a second, and writes the dedupe keys every five, while there is little, and at once when there is much', () => {
		const engine = openEngine(file.path);
		const { db, keys } = engine;
		const run = createBatchRunner(engine);
		const { checkpointIfDue } = createCheckpointer(db);
		run([{ name: 'putSource', args: [source] }]);
		const ingest = (events: number, bytes: number) =>
			run(
				Array.from({ length: events }, () => ({
					name: 'ingest' as const,
					args: [anEvent({ body: Buffer.alloc(bytes, 'x') })],
				})),
			);
		const log = db.prepare('PRAGMA wal_checkpoint(NOOP)');
		const left = () => {
			const { log: pages, checkpointed } = log.get() as { log: number; checkpointed: number };
			return pages - checkpointed;
		};
		const written = () => (db.prepare('SELECT count(*) AS n FROM dedupe_keys').get() as { n: number }).n;
		const tidyUpAt = (now: number) => {
			keys.foldIfDue(now);
			checkpointIfDue(now);
			return { written: written(), left: left() };
		};

		ingest(300, 10_000);
		expect(tidyUpAt(0)).toEqual({ written: 300, left: 0 });
		ingest(300, 10_000);
		const waiting = left();
		expect(waiting).toBeGreaterThan(0);
		expect(tidyUpAt(999)).toEqual({ written: 300, left: waiting });
		expect(tidyUpAt(1_000)).toEqual({ written: 300, left: 0 });
		expect(tidyUpAt(4_999).written).toBe(300);
		expect(tidyUpAt(5_000).written).toBe(600);
		ingest(33_000, 500);
		expect(tidyUpAt(5_001)).toEqual({ written: 33_600, left: 0 });
		db.close();
	});

	it('fails what is under way, and all that follows, when its thread dies', async () => {
		const started: Worker[] = [];
		const { Worker: RealWorker } = workerThreads;
		jest.spyOn(workerThreads, 'Worker').mockImplementation((...args) => {
			const worker = new RealWorker(...args);
			started.push(worker);
			return worker;
		});
		const lost = jest.fn();
		const store = await openSqliteStore({ path: file.path, onLost: lost });
		await store.putSource(source);
		const underWay = [store.ingest(anEvent()), store.stats(), store.ping()];
		const settled = Promise.allSettled(underWay);
		await started[0]?.terminate();
		for (const result of await settled) {
			if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'failed' });
		}
		expect(lost).toHaveBeenCalledTimes(1);
		await expect(store.ping()).rejects.toMatchObject({ name: 'StoreError', code: 'failed' });
		await store.close();
		jest.restoreAllMocks();
	});

	it('finishes what was called before it was closed, and refuses what comes after', async () => {
		const store = await openSqliteStore({ path: file.path });
		await store.putSource(source);
		const event = anEvent();
		const stored = store.ingest(event);
		const closed = store.close();
		await expect(store.ingest(anEvent())).rejects.toMatchObject({ name: 'StoreError', code: 'failed' });
		expect((await stored).kind).toBe('stored');
		await closed;
		await store.close();
		const again = await openSqliteStore({ path: file.path });
		expect(await again.getEvent(event.id)).not.toBeNull();
		await again.close();
	});

	it('answers the hot queries from an index, however large the tables grow', async () => {
		const db = openSqlite(file.path, MIGRATIONS, 'CLrl');
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
				// Subscriptions, sources and tokens are few, and so are variants of an event and segments of dedupe keys. A scan that a LIMIT ends
				// early reads only what it gives, one of a partial index only what waits.
				if (/subscriptions|sources|tokens|variants/.test(detail + sql)) continue;
				if (/^SCAN (CONSTANT ROW|progress|dedupe_segments|dedupe_filters)/.test(detail)) continue;
				// The keys that waited in memory, a bounded number.
				if (/^USE TEMP B-TREE/.test(detail) && /INTO dedupe_keys\b/.test(sql)) continue;
				const bounded = /LIMIT/.test(sql) && /^SCAN [\w()-]+( USING (COVERING )?INDEX|$)/.test(detail);
				// Of a list that came with the call.
				if (/^SCAN json_each /.test(detail)) continue;
				if (/USING (COVERING )?INDEX deliveries_(ready|leased|given_up)$/.test(detail)) continue;
				expect(`${bounded ? 'bounded' : detail} in ${sql}`).not.toMatch(/^SCAN|TEMP B-TREE/);
			}
		}
		db.close();
	});

	it('ends the leases of a process that is gone when told to', async () => {
		const store = await openSqliteStore({ path: file.path });
		await store.putSource(source);
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
		await store.putSource(source);
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

	it('mends what it noted of a subscription when that is not so, and does not look for ever', async () => {
		const { db, operations } = openEngine(file.path);
		operations.putSource(source);
		const subscription = aSubscription();
		operations.createSubscription(subscription);
		db.prepare('UPDATE subscriptions SET first_due_at = 0').run();
		const claim = (now: number) => operations.claim({ now, leaseMs: 60_000, limit: 5 });
		expect(claim(10)).toEqual([]);
		expect(operations.nextDueAt()).toBeNull();
		operations.ingest(anEvent({ receivedAt: 10 }));
		expect(claim(11)).toHaveLength(1);
		db.close();
	});
});
