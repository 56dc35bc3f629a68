import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../relay/src/clock.ts';
import { systemIds } from '../../relay/src/ids.ts';
import type { Claim, IngestOutcome, NewEvent, Settlement, Store } from '../../relay/src/store/port.ts';
import { StoreError } from '../../relay/src/store/port.ts';
import { readDatabaseUrl } from '../../relay/src/store/postgres/address.ts';
import type { Database, Statement } from '../../relay/src/store/postgres/database.ts';
import { openPostgresStore } from '../../relay/src/store/postgres/index.ts';
import { migrate } from '../../relay/src/store/postgres/migrate.ts';
import { lookInto } from '../../relay/src/store/postgres/look.ts';
import { rekey } from '../../relay/src/store/postgres/operations/rekey.ts';
import { onOneConnection, prepareDatabase } from '../../relay/src/store/postgres/open.ts';
import { startPostgres } from '../support/postgres.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { startTransactionPooler } from '../support/transaction-pooler.ts';
import { until } from '../support/until.ts';
import { anEvent, aSubscription, aToken } from './conformance.ts';

/** What PostgreSQL adds to the port: several stores on one database, a network in between, a server that restarts. */

const T0 = Date.UTC(2026, 0, 5, 9);
let server: TestPostgres;
let url: string;
let proxy: TcpProxy | null = null;
const stores: Store[] = [];
beforeAll(async () => {
	server = await startPostgres();
});
afterAll(() => server.dispose());
beforeEach(async () => {
	url = await server.createDatabase();
});
afterEach(async () => {
	if (proxy) proxy.mode = 'pass';
	for (const store of stores.splice(0)) await store.close();
	await proxy?.close();
	proxy = null;
});

async function open(at = url): Promise<Store> {
	const store = await openPostgresStore({ url: at, clock: systemClock, ids: systemIds });
	stores.push(store);
	await store.putSource({ id: 'default', name: 'Cleanlist', tokenHash: Buffer.from('hash'), createdAt: T0 });
	return store;
}
const throughProxy = async (): Promise<Store> => {
	proxy = await startTcpProxy(server.port);
	return open(url.replace(`:${server.port}`, `:${proxy.port}`));
};
/** Until no store is connected. */
const noSessions = () =>
	until('all sessions are over', async () => {
		const sessions = await server.query(
			"SELECT pid FROM pg_stat_activity WHERE application_name = 'cleanlist-relay'",
			url,
		);
		return sessions.length === 0;
	});
/** `SET …` or `RESET …` of the database, for sessions that begin from now on. */
const alterDatabase = (how: string) =>
	server.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} ${how}`);
const endSessions = () =>
	server.query(
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${new URL(url).pathname.slice(1)}'`,
	);
const settlement = (claim: Claim, next: Settlement['next'] = { state: 'delivered' }): Settlement => ({
	deliveryId: claim.deliveryId,
	attempt: claim.attempt,
	startedAt: T0,
	durationMs: 5,
	timings: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: 4 },
	status: 200,
	error: null,
	response: null,
	health: 'up',
	breaker: { threshold: 5, waitsMs: [1_000] },
	next,
});
const events = (count: number): NewEvent[] => Array.from({ length: count }, () => anEvent());
const stored = async (store: Store, id: string) => (await store.getEvent(id)) !== null;

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
			return server.query<{ relname: string; seq_scan: string; idx_scan: string }>(
				`SELECT relname, seq_scan, idx_scan FROM pg_stat_user_tables
				WHERE relname IN ('deliveries', 'events', 'bodies', 'subscriptions') ORDER BY relname`,
				url,
			);
		};
		const one = await open();
		await one.createSubscription(aSubscription({ concurrency: 1_000 }));
		await Promise.all(events(30).map((event) => one.ingest(event)));
		await one.close();
		await server.query('ANALYZE', url);
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
		for (let n = 0; n < 1000; n++) {
			const source = { id: `src_${n}`, name: 'Shared', tokenHash: Buffer.from(`hash ${n}`), createdAt: T0 };
			const token = aToken({ id: `tok_${n}`, hash: Buffer.from(`hash ${n}`) });
			await Promise.all(all.flatMap((store) => [store.putSource(source), store.putToken(token)]));
		}
		expect(await all[0]!.listSources()).toHaveLength(1001);
		expect(await all[0]!.listTokens()).toHaveLength(1000);
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
		const store = await throughProxy();
		let calls = 0;
		store.onDue(() => calls++);
		await until('it listens', () => calls > 0);
		const lines = proxy as TcpProxy;
		lines.mode = 'silent';
		lines.reset();
		const before = calls;
		await until('it polls', () => calls > before);
		lines.mode = 'pass';
		const other = await open();
		const listening = async () =>
			(
				await server.query(
					"SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = '" +
						new URL(url).pathname.slice(1) +
						"'",
				)
			).length >= 2;
		await until('it listens again', listening);
		await other.ping();
	}, 60_000);
});

test.each([
	['', async () => undefined],
	[
		', also once the database is set otherwise and connections are new',
		async () => {
			await alterDatabase('SET synchronous_commit TO off');
			await endSessions();
		},
	],
])(
	'webhooks wait for the disk; claims, their results and those handed back, which are made again at worst, do not%s',
	async (_, change) => {
		const store = await open();
		await store.createSubscription(aSubscription());
		await Promise.all(events(2).map((event) => store.ingest(event)));
		await change();
		/** Whoever waits for the disk then waits for that of a standby, too, which is not there. */
		const standby = async (set: string) => {
			await server.query(`ALTER SYSTEM ${set}`);
			await server.query('SELECT pg_reload_conf()');
		};
		const webhooks: Promise<void>[] = [];
		let answered = 0;
		const count = () => void answered++;
		await standby("SET synchronous_standby_names = 'nobody'");
		try {
			await until('a webhook waits', async () => {
				webhooks.push(store.ingest(anEvent()).then(count, count));
				return (await server.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")).length > 0;
			});
			const before = answered;
			const [one, two] = (await store.claim({ now: T0, leaseMs: 60_000, limit: 2 })) as [Claim, Claim];
			expect(await store.settle(settlement(one))).toBe('settled');
			await store.release([two], T0);
			// Nobody waits for ever, but those who began earlier would have waited longer.
			expect(answered).toBe(before);
		} finally {
			await standby('RESET synchronous_standby_names');
			await Promise.all(webhooks);
		}
	},
);

test('a pooler in transaction mode, behind which webhooks would not wait for the disk either, is refused', async () => {
	const pooler = await startTransactionPooler(url);
	try {
		const at = url.replace(`:${server.port}`, `:${pooler.port}`);
		await expect(open(at)).rejects.toThrow(/pooler in transaction mode.*connect directly/);
		await expect(lookInto({ url: at, clock: systemClock, ids: systemIds })).rejects.toThrow(
			/pooler in transaction mode/,
		);

		// Else the relay's claims, which do not wait for the disk, would leave that behind for its webhooks.
		const on = (sql: string) =>
			onOneConnection(readDatabaseUrl(at), async (client) => (await client.query<object>(sql)).rows);
		await on('SET synchronous_commit TO off');
		expect(await on('SHOW synchronous_commit')).toEqual([{ synchronous_commit: 'off' }]);
	} finally {
		await pooler.close();
	}
});

describe('migrations', () => {
	const version = () =>
		server.query<{ version: number }>('SELECT version FROM cleanlist_relay.migrations', url);
	const migrateTo = (migrations: string[]) =>
		onOneConnection(readDatabaseUrl(url), (client) => migrate(client, migrations));

	test('run once, however many start at the same time', async () => {
		const migrations = ['CREATE TABLE one (n int)', 'CREATE TABLE two (n int); INSERT INTO two VALUES (1)'];
		const done = await Promise.all(Array.from({ length: 5 }, () => migrateTo(migrations)));
		expect(done.every(({ to }) => to === 2)).toBe(true);
		expect(await server.query('SELECT * FROM cleanlist_relay.two', url)).toEqual([{ n: 1 }]);
		expect(await migrateTo(migrations)).toEqual({ from: 2, to: 2 });
	});

	test('run once also where the database gives transactions one view from their beginning', async () => {
		await alterDatabase("SET default_transaction_isolation TO 'repeatable read'");
		const migrations = ['CREATE TABLE one (n int)', 'CREATE TABLE two (n int)'];
		const done = await Promise.all(Array.from({ length: 5 }, () => migrateTo(migrations)));
		expect(done.every(({ to }) => to === 2)).toBe(true);
	});

	test('have all the time they need, whatever limit the server sets for statements of the user', async () => {
		await alterDatabase("SET statement_timeout TO '100ms'");
		await alterDatabase("SET lock_timeout TO '100ms'");
		const migrations = ['SELECT pg_sleep(0.3); CREATE TABLE one (n int)'];
		const done = await Promise.all([migrateTo(migrations), migrateTo(migrations)]);
		expect(done.every(({ to }) => to === 1)).toBe(true);
	});

	test('go on from where they are, each whole or not at all', async () => {
		await migrateTo(['CREATE TABLE one (n int)']);
		const broken = ['', 'CREATE TABLE two (n int)', 'CREATE TABLE three (n int); SELECT 1/0'];
		await expect(migrateTo(broken)).rejects.toThrow(/division by zero/);
		expect(await version()).toEqual([{ version: 1 }, { version: 2 }]);
		await expect(server.query('SELECT * FROM cleanlist_relay.three', url)).rejects.toThrow(/does not exist/);
		expect(await migrateTo(['', '', 'CREATE TABLE three (n int)'])).toEqual({ from: 2, to: 3 });
	});

	test('are refused backwards', async () => {
		await migrateTo(['CREATE TABLE one (n int)', 'CREATE TABLE two (n int)']);
		await expect(migrateTo(['CREATE TABLE one (n int)'])).rejects.toThrow(
			/version 2, newer than this program's 1/,
		);
		expect(await version()).toEqual([{ version: 1 }, { version: 2 }]);
	});
});

describe('a user with few rights', () => {
	const USER = 'few_rights';
	const asUser = () => {
		const its = new URL(url);
		its.username = USER;
		its.password = USER;
		return its.href;
	};
	const grant = () =>
		server.query(
			`GRANT USAGE ON SCHEMA cleanlist_relay TO ${USER};
			GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cleanlist_relay TO ${USER}`,
			url,
		);
	beforeAll(() => server.query(`CREATE USER ${USER} PASSWORD '${USER}'`));

	test('needs none to create a schema when it is given its own', async () => {
		await server.query(`CREATE SCHEMA cleanlist_relay AUTHORIZATION ${USER}`, url);
		expect(await (await open(asUser())).ingest(anEvent())).toMatchObject({ kind: 'stored' });
	});

	test('needs those to rows only where another one migrates, and may start as often as it likes', async () => {
		await prepareDatabase(readDatabaseUrl(url));
		await expect(open(asUser())).rejects.toThrow(
			/permission denied for schema.*grant it USAGE of that schema/,
		);
		await grant();
		const store = await open(asUser());
		await store.createSubscription(aSubscription());
		await store.ingest(anEvent());
		const [claim] = (await store.claim({ now: T0, leaseMs: 60_000, limit: 1 })) as [Claim];
		expect(await store.settle(settlement(claim))).toBe('settled');
		expect(
			await store.sweep({ deliveredBefore: T0 * 2, deadBefore: 0, keysBefore: 0, limit: 9 }),
		).toMatchObject({
			events: 1,
		});
	});

	// As one to whom a policy applies: in that, what it reads of events can be held up.
	test.each([
		['replayed', 'delivered', (store: Store, id: string) => store.replay(id, T0)],
		[
			're-driven',
			'dead',
			(store: Store, deliveryId: string) => store.redrive({ deliveryId, limit: 1, now: T0 }),
		],
	] as const)(
		'an event is not deleted when its delivery is %s while retention looks',
		async (_, state, again) => {
			const store = await open();
			await grant();
			const sweeper = await open(asUser());
			await store.createSubscription(aSubscription());
			const event = anEvent();
			await store.ingest(event);
			const [claim] = (await store.claim({ now: T0, leaseMs: 60_000, limit: 1 })) as [Claim];
			await store.settle(settlement(claim, { state }));
			await server.query(
				`SET search_path TO cleanlist_relay;
			CREATE FUNCTION held() RETURNS boolean LANGUAGE plpgsql AS
				$$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN true; END $$;
			CREATE POLICY held ON events USING (held());
			ALTER TABLE events ENABLE ROW LEVEL SECURITY`,
				url,
			);
			const before = T0 * 2;
			await onOneConnection(readDatabaseUrl(url), async (client) => {
				await client.query('SELECT pg_advisory_lock(1)');
				const swept = sweeper.sweep({
					deliveredBefore: state === 'delivered' ? before : 0,
					deadBefore: state === 'dead' ? before : 0,
					keysBefore: 0,
					limit: 9,
				});
				await until(
					'it looks',
					async () =>
						(await server.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory'", url))
							.length === 1,
				);
				await again(store, claim.deliveryId);
				await client.query('SELECT pg_advisory_unlock(1)');
				expect(await swept).toMatchObject({ events: 0 });
			});
			expect(await store.listDeliveries({ state: 'ready', limit: 9 })).toEqual([
				expect.objectContaining({ eventId: event.id }),
			]);
		},
	);
});

describe('retention beside millions of delivered events that are kept for good', () => {
	const OLD = T0 - 1_000_000;
	const sweep = (store: Store, deadBefore = T0) =>
		store.sweep({ deliveredBefore: 0, deadBefore, keysBefore: 0, limit: 2 });
	/** As many as are looked through in two calls and a half, one a millisecond. */
	const deliveredEvents = (state = 'delivered') =>
		server.query(
			`SET search_path TO cleanlist_relay;
			INSERT INTO events (id, source_id, origin, dedupe_key, state, attributes, content_type, truncated, received_at, bytes)
			SELECT 'old-' || n, 'default', 'webhook', n, 'accepted', '{}', '', 0, ${OLD} + n, 0 FROM generate_series(1, 25000) AS n;
			INSERT INTO deliveries (event_seq, subscription_id, state, due_at, created_at)
			SELECT seq, 'sub', '${state}', 0, 0 FROM events`,
			url,
		);
	/** Once no store is connected, what its statements did is in the statistics. */
	const deliveriesRead = async () => {
		await noSessions();
		const [read] = await server.query<{ n: string }>(
			"SELECT seq_tup_read + idx_tup_fetch AS n FROM pg_stat_user_tables WHERE relname = 'deliveries'",
			url,
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
		await server.query('ANALYZE', url);
		const before = await deliveriesRead();
		const store = await open();
		for (let n = 0; n < 9; n++) {
			expect(
				await store.sweep({ deliveredBefore: T0, deadBefore: 0, keysBefore: 0, limit: 2 }),
			).toMatchObject({ events: 2 });
		}
		await store.close();
		expect((await deliveriesRead()) - before).toBeLessThan(1_000);
	});

	test('delivered events behind many that are kept for longer are found by looking at each of these once', async () => {
		await (await open()).close();
		await deliveredEvents('dead');
		await server.query('ANALYZE', url);
		const before = await deliveriesRead();
		const store = await open();
		await store.createSubscription(aSubscription({ concurrency: 50 }));
		for (let n = 0; n < 10; n++) await store.ingest(anEvent({ receivedAt: OLD + 25_000 + n }));
		for (const claim of await store.claim({ now: T0, leaseMs: 60_000, limit: 10 }))
			await store.settle(settlement(claim));
		const sweepDelivered = () => store.sweep({ deliveredBefore: T0, deadBefore: 0, keysBefore: 0, limit: 2 });
		let deleted = 0;
		for (let more = true; more;) {
			const swept = await sweepDelivered();
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
		const sweepDelivered = () => store.sweep({ deliveredBefore: T0, deadBefore: 0, keysBefore: 0, limit: 2 });
		expect(await sweepDelivered()).toMatchObject({ events: 0, more: true });
		await server.query(
			`UPDATE cleanlist_relay.deliveries SET state = 'delivered'
			WHERE event_seq = (SELECT seq FROM cleanlist_relay.events WHERE id = 'old-1')`,
			url,
		);
		expect(await sweepDelivered()).toMatchObject({ events: 0, more: true });
		expect(await sweepDelivered()).toMatchObject({ events: 0, more: false });
		expect(await sweepDelivered()).toMatchObject({ events: 1, more: true });
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
		await onOneConnection(readDatabaseUrl(url), async (client) => {
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
		await onOneConnection(readDatabaseUrl(url), async (client) => {
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
	await server.query(
		`SET search_path TO cleanlist_relay;
		INSERT INTO events (id, source_id, origin, dedupe_key, state, attributes, content_type, truncated, received_at, bytes)
		SELECT n, 'default', 'webhook', n, 'accepted', '{}', '', 0, 0, 0 FROM generate_series(1, 25000) AS n;
		INSERT INTO bodies (event_seq, key_id, body) SELECT seq, CASE WHEN id = '24999' THEN 1 END, '' FROM events`,
		url,
	);
	await server.query('ANALYZE', url);
	await onOneConnection(readDatabaseUrl(url), async (client) => {
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

describe('what goes wrong on the way', () => {
	/** Ingests until told to stop; what was acknowledged, and what failed. */
	function load(store: Store, lanes = 8) {
		const acknowledged: string[] = [];
		const failures: unknown[] = [];
		let stop = false;
		const done = Promise.all(
			Array.from({ length: lanes }, async () => {
				while (!stop) {
					const event = anEvent();
					await store.ingest(event).then(
						(outcome: IngestOutcome) => {
							expect(outcome).toMatchObject({ kind: 'stored', eventId: event.id });
							acknowledged.push(event.id);
						},
						(error: unknown) => failures.push(error),
					);
				}
			}),
		);
		return {
			acknowledged,
			failures,
			async end() {
				stop = true;
				await done;
			},
		};
	}

	test.each([
		['restarts', () => server.stop()],
		['stops at once', () => server.stop('immediate')],
		['is killed', () => server.kill()],
	])('a server that %s under load costs nothing that was acknowledged', async (_, end) => {
		const store = await open();
		await store.createSubscription(aSubscription());
		const running = load(store);
		await until('much was stored', () => running.acknowledged.length > 200);
		await end();
		await server.start();
		const before = running.acknowledged.length;
		await until('it goes on', () => running.acknowledged.length > before + 200);
		await running.end();
		const kept = await server.query<{ id: string; n: number }>(
			`SELECT e.id, count(d.id)::int AS n FROM cleanlist_relay.events e
			LEFT JOIN cleanlist_relay.deliveries d ON d.event_seq = e.seq GROUP BY e.id`,
			url,
		);
		const deliveries = new Map(kept.map(({ id, n }) => [id, n]));
		for (const id of running.acknowledged) expect([id, deliveries.get(id)]).toEqual([id, 1]);
		for (const error of running.failures) expect(error).toMatchObject({ name: 'StoreError', code: 'busy' });
	});

	test('connections reset again and again under load cost nothing, and store nothing twice', async () => {
		const store = await throughProxy();
		const running = load(store);
		for (let cut = 1; cut <= 10; cut++) {
			await until('some more was stored', () => running.acknowledged.length > cut * 30);
			proxy?.reset();
		}
		await running.end();
		// A try again is invisible: each was stored once, and said to be.
		expect(running.failures).toEqual([]);
		const rows = await server.query<{ id: string }>('SELECT id FROM cleanlist_relay.events', url);
		expect(rows.map(({ id }) => id).sort()).toEqual([...running.acknowledged].sort());
	});

	test('a COMMIT whose answer is lost is found out, not guessed', async () => {
		const store = await throughProxy();
		await store.createSubscription(aSubscription());
		await store.ingest(anEvent());
		const lines = proxy as TcpProxy;
		/** Enough connections that none has to be made while there is nobody to answer. */
		const warmUp = () => Promise.all(Array.from({ length: 6 }, () => store.ping()));
		await warmUp();
		lines.mode = 'deaf';
		const event = anEvent();
		const outcome = store.ingest(event);
		await until(
			'the server has it',
			async () =>
				(await server.query(`SELECT 1 FROM cleanlist_relay.events WHERE id = '${event.id}'`, url)).length ===
				1,
		);
		lines.mode = 'pass';
		lines.reset();
		expect(await outcome).toEqual({ kind: 'stored', eventId: event.id, deliveries: 1 });

		const [claim] = (await store.claim({ now: T0, leaseMs: 60_000, limit: 1 })) as [Claim];
		await warmUp();
		lines.mode = 'deaf';
		const settled = store.settle(settlement(claim));
		await until(
			'the server has it',
			async () => (await server.query('SELECT 1 FROM cleanlist_relay.attempts', url)).length === 1,
		);
		lines.mode = 'pass';
		lines.reset();
		expect(await settled).toBe('settled');
		expect((await store.getDelivery(claim.deliveryId))?.attempts).toHaveLength(1);
	});

	test('nor is a result whose answer was lost taken for a late one when the database was away for so long that it was given up', async () => {
		proxy = await startTcpProxy(server.port);
		// Its tries follow each other at once.
		const clock = {
			...systemClock,
			schedule: (ms: number, fn: () => void) => systemClock.schedule(ms < 1_000 ? 0 : ms, fn),
		};
		const lines = proxy;
		const store = await openPostgresStore({
			url: url.replace(`:${server.port}`, `:${lines.port}`),
			clock,
			ids: systemIds,
		});
		stores.push(store);
		await store.putSource({ id: 'default', name: 'x', tokenHash: Buffer.from('hash'), createdAt: T0 });
		await store.createSubscription(aSubscription());
		await store.ingest(anEvent());
		const [claim] = (await store.claim({ now: T0, leaseMs: 60_000, limit: 1 })) as [Claim];
		const result = settlement(claim);
		lines.mode = 'deaf';
		const first = store.settle(result);
		await until(
			'the server has it',
			async () => (await server.query('SELECT 1 FROM cleanlist_relay.attempts', url)).length === 1,
		);
		const nobody = createServer().listen(0, '127.0.0.1');
		await once(nobody, 'listening');
		lines.target = (nobody.address() as AddressInfo).port;
		nobody.close();
		lines.mode = 'pass';
		lines.reset();
		await expect(first).rejects.toMatchObject({ code: 'busy' });
		lines.target = server.port;
		expect(await store.settle(result)).toBe('settled');
		expect(await store.settle(settlement(claim))).toBe('fenced');
	});

	test('a success that closes a breaker is written whole or not at all, so tried again it is no late result', async () => {
		const store = await open();
		const subscription = aSubscription({ failures: 6, failingSince: T0 - 1, probeAt: T0 });
		await store.createSubscription(subscription);
		await store.ingest(anEvent());
		const [claim] = (await store.claim({ now: T0, leaseMs: 60_000, limit: 1 })) as [Claim];
		const settled = () => store.settle(settlement(claim));
		await server.query(
			`SET search_path TO cleanlist_relay;
			CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS
				$$ BEGIN RAISE 'held' USING ERRCODE = 'lock_not_available'; END $$;
			CREATE TRIGGER held BEFORE UPDATE ON subscriptions FOR EACH ROW EXECUTE FUNCTION held()`,
			url,
		);
		await expect(settled()).rejects.toMatchObject({ code: 'busy' });
		expect(await store.getDelivery(claim.deliveryId)).toMatchObject({ state: 'leased', attempts: [] });

		await server.query('DROP TRIGGER held ON cleanlist_relay.subscriptions', url);
		expect(await settled()).toBe('settled');
		expect(await store.getSubscription(subscription.id)).toMatchObject({ failures: 0, probeAt: null });
	});

	test.each([
		['a failure', {}, { state: 'dead' }, 'down'],
		['a success that closes a breaker', { failures: 1, failingSince: T0 - 1 }, { state: 'delivered' }, 'up'],
	] as const)(
		'%s waits for the subscription before it has its delivery: a deletion at that moment and it waited for each other',
		async (_, breaker, next, health) => {
			const store = await open();
			const subscription = aSubscription(breaker);
			await store.createSubscription(subscription);
			await store.ingest(anEvent());
			const [claim] = (await store.claim({ now: T0, leaseMs: 60_000, limit: 1 })) as [Claim];
			await onOneConnection(readDatabaseUrl(url), async (client) => {
				// As deleting begins.
				await client.query('BEGIN; SELECT 1 FROM cleanlist_relay.subscriptions FOR UPDATE');
				const settled = store.settle({ ...settlement(claim, next), health });
				await until(
					'it waits',
					async () =>
						(await server.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'", url))
							.length === 1,
				);
				await client.query('SELECT 1 FROM cleanlist_relay.deliveries FOR UPDATE NOWAIT');
				await client.query("UPDATE cleanlist_relay.deliveries SET state = 'cancelled'; COMMIT");
				expect(await settled).toBe('fenced');
			});
		},
	);

	test('a success closes a breaker that another relay is moving on at that moment', async () => {
		const store = await open();
		const subscription = aSubscription({ failures: 6, failingSince: T0 - 1, probeAt: T0 });
		await store.createSubscription(subscription);
		await store.ingest(anEvent());
		const [claim] = (await store.claim({ now: T0, leaseMs: 60_000, limit: 1 })) as [Claim];
		await onOneConnection(readDatabaseUrl(url), async (client) => {
			await client.query('BEGIN; UPDATE cleanlist_relay.subscriptions SET failures = 7');
			const settled = store.settle(settlement(claim));
			await until(
				'it waits',
				async () =>
					(await server.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'", url))
						.length === 1,
			);
			await client.query('COMMIT');
			expect(await settled).toBe('settled');
		});
		const closed = { failures: 0, failingSince: null, probeAt: null };
		expect(await store.getSubscription(subscription.id)).toMatchObject(closed);
	});

	test('a connection that falls silent is given up, and what waited on it goes on over another', async () => {
		const store = await throughProxy();
		await store.ingest(anEvent());
		const lines = proxy as TcpProxy;
		lines.mode = 'silent';
		const event = anEvent();
		const outcome = store.ingest(event);
		const connections = lines.connections;
		// Connections from now on pass, while the old ones stay half-open: as behind a firewall that forgot them.
		lines.forget();
		expect(await outcome).toMatchObject({ kind: 'stored', eventId: event.id });
		expect(lines.connections).toBeGreaterThan(connections);
		expect(await stored(store, event.id)).toBe(true);
	}, 60_000);

	test('a store whose connections fell silent can be closed', async () => {
		const store = await throughProxy();
		await store.ingest(anEvent());
		(proxy as TcpProxy).mode = 'silent';
		// Waits for no answer; the test would time out.
		await store.close();
		await expect(store.ping()).rejects.toMatchObject({ code: 'failed' });
	}, 20_000);

	test('what cannot be stored fails alone, also when it comes with many', async () => {
		const store = await open();
		const good = events(30);
		const bad = good.map((event, n) => (n % 10 === 3 ? { ...event, sourceId: 'nowhere' } : event));
		const results = await Promise.allSettled(bad.map((event) => store.ingest(event)));
		expect(results.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))).toEqual([3, 13, 23]);
		for (const result of results) {
			if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(StoreError);
		}
	});

	test('webhooks that together take longer than a statement may are refused, and then taken in fewer at a time', async () => {
		const store = await open();
		await server.query(
			`SET search_path TO cleanlist_relay;
			CREATE FUNCTION too_many() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				IF (SELECT count(*) FROM made) > 20 THEN RAISE 'too long' USING ERRCODE = 'query_canceled'; END IF;
				RETURN NULL;
			END $$;
			CREATE TRIGGER too_many AFTER INSERT ON events REFERENCING NEW TABLE AS made
				FOR EACH STATEMENT EXECUTE FUNCTION too_many()`,
			url,
		);
		const takes100 = async () => {
			const results = await Promise.allSettled(events(100).map((event) => store.ingest(event)));
			for (const result of results) {
				if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'busy' });
			}
			return results.filter(({ status }) => status === 'fulfilled').length;
		};
		const taken: number[] = [];
		for (let round = 0; round < 4; round++) taken.push(await takes100());
		expect(taken[0]).toBe(0);
		expect(taken[3]).toBeGreaterThan(0);
	});

	test('a database that takes no writes says so', async () => {
		const store = await open();
		await alterDatabase('SET default_transaction_read_only TO on');
		await endSessions();
		await expect(store.ingest(anEvent())).rejects.toMatchObject({ code: 'readonly' });
		await expect(store.ping()).rejects.toMatchObject({ code: 'readonly' });
	});

	test('a server that may be written to again is found, also while its old sessions, which may not, are in use', async () => {
		const store = await open();
		await alterDatabase('SET default_transaction_read_only TO on');
		await endSessions();
		// The first ping may be the one that finds out that a session was ended: busy.
		await until('a session begun since is in use', () =>
			store.ping().then(
				() => false,
				({ code }: StoreError) => code === 'readonly',
			),
		);
		// As when the name leads to the new primary now, and the old one, a standby since, still has the connections.
		await alterDatabase('RESET default_transaction_read_only');
		expect(await store.ingest(anEvent())).toMatchObject({ kind: 'stored' });
	});

	test('text that PostgreSQL has no room for comes back as it was', async () => {
		const store = await open();
		const description = 'a\u0000b \u001a0 \u001a 🦊';
		const subscription = aSubscription({ description, filter: { status: 'a\u0000b' } });
		await store.createSubscription(subscription);
		expect(await store.getSubscription(subscription.id)).toEqual(subscription);
		await store.ingest(anEvent({ attributes: { status: 'a\u0000b' } }));
		const [claim] = (await store.claim({ now: T0, leaseMs: 60_000, limit: 1 })) as [Claim];
		const response = `${'\u0000'.repeat(100)}\ud800`;
		expect(await store.settle({ ...settlement(claim), response })).toBe('settled');
		const delivery = await store.getDelivery(claim.deliveryId);
		expect(delivery?.attempts[0]?.response).toBe(`${'\u0000'.repeat(100)}\ufffd`);
	});
});
