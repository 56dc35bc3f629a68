import type { Claim } from '../../../relay/src/store/port.ts';
import { readDatabaseUrl } from '../../../relay/src/store/postgres/address.ts';
import { onOneConnection } from '../../../relay/src/store/postgres/open.ts';
import { until } from '../../support/until.ts';
import { anEvent, aSubscription } from '../conformance.ts';
import { postgresStores, settlement, T0 } from './stores.ts';

/** Results and breakers, beside others that have their rows. */

const db = postgresStores();
const { open } = db;

/** A delivery that is claimed, of a subscription of its own. */
async function claimed(overrides: Parameters<typeof aSubscription>[0] = {}) {
	const store = await open();
	const subscription = aSubscription(overrides);
	await store.createSubscription(subscription);
	await store.ingest(anEvent());
	const [claim] = (await store.claim({ now: T0, leaseMs: 60_000, limit: 1 })) as [Claim];
	return { store, subscription, claim };
}

/** Until so many sessions wait for a lock. */
const waiting = (sessions: number) =>
	until(
		`${sessions} wait`,
		async () =>
			(await db.server.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'", db.url))
				.length === sessions,
	);

test('a success that closes a breaker is written whole or not at all, so tried again it is no late result', async () => {
	const { store, subscription, claim } = await claimed({ failures: 6, failingSince: T0 - 1, probeAt: T0 });
	const settled = () => store.settle(settlement(claim));
	await db.server.query(
		`SET search_path TO cleanlist_relay;
		CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN RAISE 'held' USING ERRCODE = 'lock_not_available'; END $$;
		CREATE TRIGGER held BEFORE UPDATE ON subscriptions FOR EACH ROW EXECUTE FUNCTION held()`,
		db.url,
	);
	await expect(settled()).rejects.toMatchObject({ code: 'busy' });
	expect(await store.getDelivery(claim.deliveryId)).toMatchObject({ state: 'leased', attempts: [] });

	await db.server.query('DROP TRIGGER held ON cleanlist_relay.subscriptions', db.url);
	expect(await settled()).toBe('settled');
	expect(await store.getSubscription(subscription.id)).toMatchObject({ failures: 0, probeAt: null });
});

test.each([
	['a failure', {}, { state: 'dead' }, 'down'],
	['a success that closes a breaker', { failures: 1, failingSince: T0 - 1 }, { state: 'delivered' }, 'up'],
] as const)(
	'%s waits for the subscription before it has its delivery: a deletion at that moment and it waited for each other',
	async (_, breaker, next, health) => {
		const { store, claim } = await claimed(breaker);
		await onOneConnection(readDatabaseUrl(db.url), async (client) => {
			// As deleting begins.
			await client.query('BEGIN; SELECT 1 FROM cleanlist_relay.subscriptions FOR UPDATE');
			const settled = store.settle({ ...settlement(claim, next), health });
			await waiting(1);
			await client.query('SELECT 1 FROM cleanlist_relay.deliveries FOR UPDATE NOWAIT');
			await client.query("UPDATE cleanlist_relay.deliveries SET state = 'cancelled'; COMMIT");
			expect(await settled).toBe('fenced');
		});
	},
);

test('successes take their deliveries in the order that a deletion does: in another one each waited for the other', async () => {
	const store = await open();
	const subscription = aSubscription();
	await store.createSubscription(subscription);
	for (let n = 0; n < 3; n++) await store.ingest(anEvent());
	const claims = await store.claim({ now: T0, leaseMs: 60_000, limit: 3 });
	const lastFirst = claims.sort((a, b) => (a.deliveryId < b.deliveryId ? 1 : -1));
	await onOneConnection(readDatabaseUrl(db.url), async (client) => {
		await client.query(
			'BEGIN; SELECT 1 FROM cleanlist_relay.deliveries WHERE id = (SELECT min(id) FROM cleanlist_relay.deliveries) FOR UPDATE',
		);
		const deleted = store.deleteSubscription(subscription.id);
		await waiting(1);
		const settled = Promise.all(lastFirst.map((claim) => store.settle(settlement(claim))));
		await waiting(2);
		await client.query('COMMIT');
		expect(await deleted).toBe(true);
		expect(await settled).toEqual(['fenced', 'fenced', 'fenced']);
	});
});

test('a success closes a breaker that another relay is moving on at that moment', async () => {
	const { store, subscription, claim } = await claimed({ failures: 6, failingSince: T0 - 1, probeAt: T0 });
	await onOneConnection(readDatabaseUrl(db.url), async (client) => {
		await client.query('BEGIN; UPDATE cleanlist_relay.subscriptions SET failures = 7');
		const settled = store.settle(settlement(claim));
		await waiting(1);
		await client.query('COMMIT');
		expect(await settled).toBe('settled');
	});
	const closed = { failures: 0, failingSince: null, probeAt: null };
	expect(await store.getSubscription(subscription.id)).toMatchObject(closed);
});
