import type { Claim, Store } from '../../../relay/src/store/port.ts';
import { until } from '../../support/until.ts';
import { anEvent, aSubscription, aToken } from '../conformance.ts';
import { postgresStores, settlement, events, T0 } from './stores.ts';

/** Several stores on one database, as of several relays. */

const db = postgresStores();
const { open, throughProxy, noSessions } = db;

describe('several stores on one database', () => {
	test('claim each delivery once, whoever asks, and settle each once', async () => {
		const all = await Promise.all([open(), open(), open()]);
		const [one] = all;
		for (let n = 0; n < 3; n++) await one.createSubscription(aSubscription({ concurrency: 1_000 }));
		const taken = events(200);
		await Promise.all(taken.map((event, n) => (all[n % 3] as Store).ingest(event)));

		const claims: Claim[] = [];
		const work = async (store: Store) => {
			for (;;) {
				const mine = await store.claim({ now: T0, leaseMs: 60_000, limit: 7 });
				claims.push(...mine);
				expect(await Promise.all(mine.map((claim) => store.settle(settlement(claim))))).toEqual(
					mine.map(() => 'settled'),
				);
				const { ready } = await store.stats();
				if (mine.length === 0 && ready === 0) return;
			}
		};
		await Promise.all(all.map(work));

		expect(claims).toHaveLength(600);
		expect(new Set(claims.map(({ deliveryId }) => deliveryId)).size).toBe(600);
		expect(await one.stats()).toMatchObject({ ready: 0, leased: 0, dead: 0 });
	});

	test('never have more in flight for a subscription than it allows, nor start more than its rate', async () => {
		const all = await Promise.all([open(), open(), open()]);
		const [one] = all;
		await one.createSubscription(aSubscription({ id: 'sub_few', concurrency: 3 }));
		await one.createSubscription(aSubscription({ id: 'sub_slow', concurrency: 1_000, perMinute: 120 }));
		await Promise.all(events(60).map((event) => one.ingest(event)));

		const inFlight = new Map<string, Claim>();
		let starts = 0;
		for (let round = 0; round < 15; round++) {
			const rounds = await Promise.all(
				all.flatMap((store) => [1, 2].map(() => store.claim({ now: T0, leaseMs: 60_000, limit: 50 }))),
			);
			const claims = rounds.flat();
			starts += claims.filter(({ subscriptionId }) => subscriptionId === 'sub_slow').length;
			for (const claim of claims.filter(({ subscriptionId }) => subscriptionId === 'sub_few')) {
				inFlight.set(claim.deliveryId, claim);
			}
			expect(inFlight.size).toBeLessThanOrEqual(3);
			for (const claim of [...inFlight.values()].slice(0, 2)) {
				inFlight.delete(claim.deliveryId);
				await (all[round % 3] as Store).settle(settlement(claim));
			}
		}
		expect(inFlight.size).toBeGreaterThan(0);
		// 120 a minute: two and one more at once (pace.ts), and the clock stands still.
		expect(starts).toBe(3);
	});

	test('claim by indexes, also where the plan is made while the tables are small enough to be read from end to end', async () => {
		/** Once no store is connected, what its statements did is in the statistics. */
		const tablesRead = async () => {
			await noSessions();
			return db.server.query<{ relname: string; seq_scan: string; idx_scan: string }>(
				`SELECT relname, seq_scan, idx_scan FROM pg_stat_user_tables
				WHERE relname IN ('deliveries', 'events', 'bodies', 'subscriptions') ORDER BY relname`,
				db.url,
			);
		};
		const one = await open();
		await one.createSubscription(aSubscription({ concurrency: 1_000 }));
		await Promise.all(events(30).map((event) => one.ingest(event)));
		await one.close();
		await db.server.query('ANALYZE', db.url);
		const before = await tablesRead();

		const two = await open();
		for (let n = 0; n < 3; n++) {
			expect(await two.claim({ now: T0, leaseMs: 60_000, limit: 10 })).toHaveLength(10);
		}
		await two.close();
		const after = await tablesRead();
		expect(after.map(({ seq_scan }) => seq_scan)).toEqual(before.map(({ seq_scan }) => seq_scan));
		for (const [n, { idx_scan }] of after.entries()) {
			expect(Number(idx_scan)).toBeGreaterThan(Number(before[n]?.idx_scan));
		}
	});

	test('put the same source and token at the same moment, as relays that start together do', async () => {
		const all = await Promise.all(Array.from({ length: 6 }, () => open()));
		for (let n = 0; n < 100; n++) {
			const source = { id: `src_${n}`, name: 'Shared', tokenHash: Buffer.from(`hash ${n}`), createdAt: T0 };
			const token = aToken({ id: `tok_${n}`, hash: Buffer.from(`hash ${n}`) });
			await Promise.all(all.flatMap((store) => [store.putSource(source), store.putToken(token)]));
		}
		expect(await all[0]!.listSources()).toHaveLength(101);
		expect(await all[0]!.listTokens()).toHaveLength(100);
	});

	test('take the same webhook at the same time for one event', async () => {
		const all = await Promise.all([open(), open(), open()]);
		const [one] = all;
		await one.createSubscription(aSubscription());
		for (let n = 0; n < 20; n++) {
			const outcomes = await Promise.all(
				all.map((store) => store.ingest(anEvent({ workflowId: `wf-${n}` }))),
			);
			expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['duplicate', 'duplicate', 'stored']);
			expect(new Set(outcomes.map(({ eventId }) => eventId)).size).toBe(1);
			expect((await one.getEvent(outcomes[0]?.eventId ?? ''))?.duplicates).toBe(2);
		}
		expect(await one.stats()).toMatchObject({ ready: 20 });
	});

	test('leave no delivery behind for a subscription that is deleted while webhooks come in', async () => {
		const [one, two] = [await open(), await open()];
		for (let n = 0; n < 10; n++) {
			const { id } = aSubscription();
			await one.createSubscription(aSubscription({ id }));
			const incoming = events(20).map((event) => two.ingest(event));
			await incoming[0];
			await one.deleteSubscription(id);
			await Promise.all(incoming);
		}
		expect(await one.stats()).toMatchObject({ ready: 0, leased: 0, oldestDueAt: null });
		expect(await one.nextDueAt()).toBeNull();
	});

	test('wake each other by NOTIFY, for what comes in, is replayed or handed back', async () => {
		const [one, two] = [await open(), await open()];
		await one.createSubscription(aSubscription());
		let calls = 0;
		const cancel = two.onDue(() => calls++);
		// Listening begins with a call: what was said before it is not heard.
		await until('the second store listens', () => calls > 0);
		const wakes = async (what: string, act: () => Promise<unknown>) => {
			const before = calls;
			await act();
			// Polling comes every five seconds; this is sooner.
			const giveUp = performance.now() + 2_500;
			while (calls === before && performance.now() < giveUp) await new Promise(setImmediate);
			expect([what, calls > before]).toEqual([what, true]);
		};
		await wakes('ingest', () => one.ingest(anEvent()));
		const [claim] = (await one.claim({ now: T0, leaseMs: 60_000, limit: 1 })) as [Claim];
		await wakes('release', () => one.release([claim], T0));
		await wakes('replay', () => one.replay(claim.deliveryId, T0));
		cancel();
	});

	test('look for themselves while nobody can be heard, and listen again', async () => {
		const { store, proxy } = await throughProxy();
		let calls = 0;
		store.onDue(() => calls++);
		await until('it listens', () => calls > 0);
		proxy.mode = 'silent';
		proxy.reset();
		const before = calls;
		await until('it polls', () => calls > before);
		proxy.mode = 'pass';
		const other = await open();
		const listening = async () =>
			(
				await db.server.query(
					"SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = '" +
						new URL(db.url).pathname.slice(1) +
						"'",
				)
			).length >= 2;
		await until('it listens again', listening);
		await other.ping();
	}, 60_000);
});
