import type { Claim, Store } from '../../../relay/src/store/port.ts';
import { readDatabaseUrl } from '../../../relay/src/store/postgres/address.ts';
import { migrate } from '../../../relay/src/store/postgres/migrate.ts';
import { onOneConnection, prepareDatabase } from '../../../relay/src/store/postgres/open.ts';
import { until } from '../../support/until.ts';
import { anEvent, aSubscription } from '../conformance.ts';
import { postgresStores, settlement, T0 } from './stores.ts';

/** Making and changing the schema, and the rights that takes. */

const db = postgresStores();
const { open, alterDatabase } = db;

describe('migrations', () => {
	const version = () =>
		db.server.query<{ version: number }>('SELECT version FROM cleanlist_relay.migrations', db.url);
	const migrateTo = (migrations: string[]) =>
		onOneConnection(readDatabaseUrl(db.url), (client) => migrate(client, migrations));

	test('run once, however many start at the same time', async () => {
		const migrations = ['CREATE TABLE one (n int)', 'CREATE TABLE two (n int); INSERT INTO two VALUES (1)'];
		const done = await Promise.all(Array.from({ length: 5 }, () => migrateTo(migrations)));
		expect(done.every(({ to }) => to === 2)).toBe(true);
		expect(await db.server.query('SELECT * FROM cleanlist_relay.two', db.url)).toEqual([{ n: 1 }]);
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
		await expect(db.server.query('SELECT * FROM cleanlist_relay.three', db.url)).rejects.toThrow(
			/does not exist/,
		);
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
		const its = new URL(db.url);
		its.username = USER;
		its.password = USER;
		return its.href;
	};
	const grant = () =>
		db.server.query(
			`GRANT USAGE ON SCHEMA cleanlist_relay TO ${USER};
			GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cleanlist_relay TO ${USER}`,
			db.url,
		);
	beforeAll(() => db.server.query(`CREATE USER ${USER} PASSWORD '${USER}'`));

	test('needs none to create a schema when it is given its own', async () => {
		await db.server.query(`CREATE SCHEMA cleanlist_relay AUTHORIZATION ${USER}`, db.url);
		expect(await (await open(asUser())).ingest(anEvent())).toMatchObject({ kind: 'stored' });
	});

	test('needs those to rows only where another one migrates, and may start as often as it likes', async () => {
		await prepareDatabase(readDatabaseUrl(db.url));
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
			await db.server.query(
				`SET search_path TO cleanlist_relay;
			CREATE FUNCTION held() RETURNS boolean LANGUAGE plpgsql AS
				$$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN true; END $$;
			CREATE POLICY held ON events USING (held());
			ALTER TABLE events ENABLE ROW LEVEL SECURITY`,
				db.url,
			);
			const before = T0 * 2;
			await onOneConnection(readDatabaseUrl(db.url), async (client) => {
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
						(await db.server.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory'", db.url))
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
