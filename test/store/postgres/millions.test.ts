import type { Claim, Store } from '../../../relay/src/store/port.ts';
import { readDatabaseUrl } from '../../../relay/src/store/postgres/address.ts';
import type { Database, Statement } from '../../../relay/src/store/postgres/database.ts';
import { onOneConnection } from '../../../relay/src/store/postgres/open.ts';
import { rekey } from '../../../relay/src/store/postgres/operations/rekey.ts';
import { anEvent, aSubscription } from '../conformance.ts';
import { postgresStores, settlement, T0 } from './stores.ts';

/** Work that looks through large tables, a part at a time. */

const db = postgresStores();
const { open, noSessions } = db;

describe('retention beside millions of delivered events that are kept for good', () => {
	const OLD = T0 - 1_000_000;
	const sweep = (store: Store, deadBefore = T0) =>
		store.sweep({ deliveredBefore: 0, deadBefore, keysBefore: 0, limit: 2 });
	const sweepDelivered = (store: Store) =>
		store.sweep({ deliveredBefore: T0, deadBefore: 0, keysBefore: 0, limit: 2 });
	/** As many as are looked through in two calls and a half, one a millisecond. */
	const deliveredEvents = (state = 'delivered') =>
		db.server.query(
			`SET search_path TO cleanlist_relay;
			INSERT INTO events (id, source_id, origin, dedupe_key, state, attributes, content_type, truncated, received_at, bytes)
			SELECT 'old-' || n, 'default', 'webhook', n, 'accepted', '{}', '', 0, ${OLD} + n, 0 FROM generate_series(1, 25000) AS n;
			INSERT INTO deliveries (event_seq, subscription_id, state, due_at, created_at)
			SELECT seq, 'sub', '${state}', 0, 0 FROM events`,
			db.url,
		);
	/** Once no store is connected, what its statements did is in the statistics. */
	const deliveriesRead = async () => {
		await noSessions();
		const [read] = await db.server.query<{ n: string }>(
			"SELECT seq_tup_read + idx_tup_fetch AS n FROM pg_stat_user_tables WHERE relname = 'deliveries'",
			db.url,
		);
		return Number(read?.n);
	};
	const isThere = async (store: Store, id: string) => (await store.getEvent(id)) !== null;

	test('a call looks through a part of them, the next one goes on, and none is looked at twice', async () => {
		const store = await open();
		await deliveredEvents();
		const between = anEvent({ receivedAt: OLD + 15_000 });
		const behind = anEvent({ receivedAt: OLD + 25_000 });
		for (const event of [between, behind]) await store.ingest(event);
		expect(await sweep(store)).toMatchObject({ events: 0, more: true });
		expect(await sweep(store)).toMatchObject({ events: 1, more: true });
		expect(await isThere(store, between.id)).toBe(false);
		expect(await sweep(store)).toMatchObject({ events: 1, more: false });
		expect(await isThere(store, behind.id)).toBe(false);

		// What is old enough an hour later is found at once.
		const later = anEvent({ receivedAt: T0 });
		await store.ingest(later);
		expect(await sweep(store, T0 + 1)).toMatchObject({ events: 1, more: false });
	});

	test('no more deliveries are read than are deleted, also where none is dead or pending', async () => {
		await (await open()).close();
		await deliveredEvents();
		await db.server.query('ANALYZE', db.url);
		const before = await deliveriesRead();
		const store = await open();
		for (let n = 0; n < 9; n++) {
			expect(await sweepDelivered(store)).toMatchObject({ events: 2 });
		}
		await store.close();
		expect((await deliveriesRead()) - before).toBeLessThan(1_000);
	});

	test('delivered events behind many that are kept for longer are found by looking at each of these once', async () => {
		await (await open()).close();
		await deliveredEvents('dead');
		await db.server.query('ANALYZE', db.url);
		const before = await deliveriesRead();
		const store = await open();
		await store.createSubscription(aSubscription({ concurrency: 50 }));
		for (let n = 0; n < 10; n++) await store.ingest(anEvent({ receivedAt: OLD + 25_000 + n }));
		for (const claim of await store.claim({ now: T0, leaseMs: 60_000, limit: 10 }))
			await store.settle(settlement(claim));
		let deleted = 0;
		for (let more = true; more;) {
			const swept = await sweepDelivered(store);
			deleted += swept.events;
			more = swept.more;
		}
		expect(deleted).toBe(10);
		await store.close();
		expect((await deliveriesRead()) - before).toBeLessThan(100_000);
	});

	test('a sweep that has come to the end begins anew: what it passed over may have been delivered since', async () => {
		const store = await open();
		await deliveredEvents('dead');
		expect(await sweepDelivered(store)).toMatchObject({ events: 0, more: true });
		await db.server.query(
			`UPDATE cleanlist_relay.deliveries SET state = 'delivered'
			WHERE event_seq = (SELECT seq FROM cleanlist_relay.events WHERE id = 'old-1')`,
			db.url,
		);
		expect(await sweepDelivered(store)).toMatchObject({ events: 0, more: true });
		expect(await sweepDelivered(store)).toMatchObject({ events: 0, more: false });
		expect(await sweepDelivered(store)).toMatchObject({ events: 1, more: true });
	});

	test('events with a dead delivery are found without looking through any', async () => {
		const store = await open();
		await deliveredEvents();
		await store.createSubscription(aSubscription());
		await store.ingest(anEvent({ receivedAt: OLD + 25_000 }));
		const [claim] = (await store.claim({ now: T0, leaseMs: 60_000, limit: 1 })) as [Claim];
		await store.settle(settlement(claim, { state: 'dead' }));
		expect(await sweep(store)).toMatchObject({ events: 1 });
	});

	test('one that another transaction holds is taken by the next sweep', async () => {
		const store = await open();
		const [held, free] = [anEvent({ receivedAt: OLD }), anEvent({ receivedAt: OLD + 1 })];
		for (const event of [held, free]) await store.ingest(event);
		await onOneConnection(readDatabaseUrl(db.url), async (client) => {
			await client.query('BEGIN');
			await client.query('SELECT 1 FROM cleanlist_relay.events WHERE id = $1 FOR UPDATE', [held.id]);
			expect(await sweep(store)).toMatchObject({ events: 1, more: false });
			await client.query('ROLLBACK');
		});
		expect(await isThere(store, held.id)).toBe(true);
		expect(await sweep(store)).toMatchObject({ events: 1, more: false });
	});

	test('what it is about to delete is not re-driven', async () => {
		const store = await open();
		await store.createSubscription(aSubscription());
		await store.ingest(anEvent());
		const [claim] = (await store.claim({ now: T0, leaseMs: 60_000, limit: 1 })) as [Claim];
		await store.settle(settlement(claim, { state: 'dead' }));
		const redrive = () => store.redrive({ limit: 9, now: T0 });
		await onOneConnection(readDatabaseUrl(db.url), async (client) => {
			await client.query('BEGIN; SELECT 1 FROM cleanlist_relay.events FOR UPDATE');
			expect(await redrive()).toBe(0);
			await client.query('ROLLBACK');
		});
		expect(await redrive()).toBe(1);
	});

	test('it begins anew when the clock was set back: what comes in then may be older than what was looked through', async () => {
		const store = await open();
		await store.ingest(anEvent({ receivedAt: T0 + 2_000 }));
		expect(await sweep(store, T0 + 3_000)).toMatchObject({ events: 1 });
		await store.ingest(anEvent({ receivedAt: T0 }));
		expect(await sweep(store, T0 + 1_000)).toMatchObject({ events: 1 });
	});
});

test('of millions of bodies that have the key already no statement looks through more than a part', async () => {
	await (await open()).close();
	await db.server.query(
		`SET search_path TO cleanlist_relay;
		INSERT INTO events (id, source_id, origin, dedupe_key, state, attributes, content_type, truncated, received_at, bytes)
		SELECT n, 'default', 'webhook', n, 'accepted', '{}', '', 0, 0, 0 FROM generate_series(1, 25000) AS n;
		INSERT INTO bodies (event_seq, key_id, body) SELECT seq, CASE WHEN id = '24999' THEN 1 END, '' FROM events`,
		db.url,
	);
	await db.server.query('ANALYZE', db.url);
	await onOneConnection(readDatabaseUrl(db.url), async (client) => {
		await client.query('SET search_path TO cleanlist_relay');
		const most: number[] = [];
		const repeatable = async <T>({ text }: Statement, values: unknown[] = []) => {
			const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
				`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
				values,
			);
			most.push(rowsOf(rows[0]!['QUERY PLAN'][0].Plan));
			return (await client.query(text, values)).rows as T[];
		};
		const found = await rekey({ repeatable } as unknown as Database).bodiesNotUnder(null, 20);
		expect(found.map(({ ref }) => ref)).toEqual(['bodies:24999']);
		expect(Math.max(...most)).toBeLessThanOrEqual(10_000);
	});
});

interface Plan {
	'Actual Rows': number;
	'Rows Removed by Filter'?: number;
	Plans?: Plan[];
}

/** The most that any part of it read. */
const rowsOf = (plan: Plan): number =>
	Math.max(plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0), ...(plan.Plans ?? []).map(rowsOf));
