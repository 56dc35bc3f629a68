import { systemClock } from '../../../relay/src/clock.ts';
import { systemIds } from '../../../relay/src/ids.ts';
import type { Claim } from '../../../relay/src/store/port.ts';
import type { StoreError } from '../../../relay/src/store/port.ts';
import { readDatabaseUrl } from '../../../relay/src/store/postgres/address.ts';
import { lookInto } from '../../../relay/src/store/postgres/look.ts';
import { onOneConnection } from '../../../relay/src/store/postgres/open.ts';
import { startTransactionPooler } from '../../support/transaction-pooler.ts';
import { until } from '../../support/until.ts';
import { anEvent, aSubscription } from '../conformance.ts';
import { postgresStores, settlement, events, T0 } from './stores.ts';

/** What a session has to be like: durable for webhooks, not through a pooler, and on a server that takes writes. */

const db = postgresStores();
const { open, alterDatabase, endSessions } = db;

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
			await db.server.query(`ALTER SYSTEM ${set}`);
			await db.server.query('SELECT pg_reload_conf()');
		};
		const webhooks: Promise<void>[] = [];
		let answered = 0;
		const count = () => void answered++;
		await standby("SET synchronous_standby_names = 'nobody'");
		try {
			await until('a webhook waits', async () => {
				webhooks.push(store.ingest(anEvent()).then(count, count));
				return (
					(await db.server.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")).length > 0
				);
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
	const pooler = await startTransactionPooler(db.url);
	try {
		const at = db.url.replace(`:${db.server.port}`, `:${pooler.port}`);
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
