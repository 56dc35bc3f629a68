import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../relay/src/clock.ts';
import type { Claim, IngestOutcome, NewEvent, Store } from '../../../relay/src/store/port.ts';
import { StoreError } from '../../../relay/src/store/port.ts';
import { until } from '../../support/until.ts';
import { anEvent, aSubscription } from '../conformance.ts';
import { postgresStores, settlement, events, T0 } from './stores.ts';

/** A server that ends, connections that break or fall silent, and what cannot be stored. */

const db = postgresStores();
const { open, throughProxy } = db;
const stored = async (store: Store, id: string) => (await store.getEvent(id)) !== null;

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
	['restarts', () => db.server.stop()],
	['stops at once', () => db.server.stop('immediate')],
	['is killed', () => db.server.kill()],
])('a server that %s under load costs nothing that was acknowledged', async (_, end) => {
	const store = await open();
	await store.createSubscription(aSubscription());
	const running = load(store);
	await until('much was stored', () => running.acknowledged.length > 200);
	await end();
	await db.server.start();
	const before = running.acknowledged.length;
	await until('it goes on', () => running.acknowledged.length > before + 200);
	await running.end();
	const kept = await db.server.query<{ id: string; n: number }>(
		`SELECT e.id, count(d.id)::int AS n FROM cleanlist_relay.events e
		LEFT JOIN cleanlist_relay.deliveries d ON d.event_seq = e.seq GROUP BY e.id`,
		db.url,
	);
	const deliveries = new Map(kept.map(({ id, n }) => [id, n]));
	for (const id of running.acknowledged) expect([id, deliveries.get(id)]).toEqual([id, 1]);
	for (const error of running.failures) expect(error).toMatchObject({ name: 'StoreError', code: 'busy' });
});

test('connections reset again and again under load cost nothing, and store nothing twice', async () => {
	const { store, proxy } = await throughProxy();
	const running = load(store);
	for (let cut = 1; cut <= 10; cut++) {
		await until('some more was stored', () => running.acknowledged.length > cut * 30);
		proxy.reset();
	}
	await running.end();
	// A try again is invisible: each was stored once, and said to be.
	expect(running.failures).toEqual([]);
	const rows = await db.server.query<{ id: string }>('SELECT id FROM cleanlist_relay.events', db.url);
	expect(rows.map(({ id }) => id).sort()).toEqual([...running.acknowledged].sort());
});

test('a COMMIT whose answer is lost is found out, not guessed', async () => {
	const { store, proxy } = await throughProxy();
	await store.createSubscription(aSubscription());
	await store.ingest(anEvent());
	/** Enough connections that none has to be made while there is nobody to answer. */
	const warmUp = () => Promise.all(Array.from({ length: 6 }, () => store.ping()));
	await warmUp();
	proxy.mode = 'deaf';
	const event = anEvent();
	const outcome = store.ingest(event);
	await until(
		'the server has it',
		async () =>
			(await db.server.query(`SELECT 1 FROM cleanlist_relay.events WHERE id = '${event.id}'`, db.url))
				.length === 1,
	);
	proxy.mode = 'pass';
	proxy.reset();
	expect(await outcome).toEqual({ kind: 'stored', eventId: event.id, deliveries: 1 });

	const [claim] = (await store.claim({ now: T0, leaseMs: 60_000, limit: 1 })) as [Claim];
	await warmUp();
	proxy.mode = 'deaf';
	const settled = store.settle(settlement(claim));
	await until(
		'the server has it',
		async () => (await db.server.query('SELECT 1 FROM cleanlist_relay.attempts', db.url)).length === 1,
	);
	proxy.mode = 'pass';
	proxy.reset();
	expect(await settled).toBe('settled');
	expect((await store.getDelivery(claim.deliveryId))?.attempts).toHaveLength(1);
});

test('nor is a result whose answer was lost taken for a late one when the database was away for so long that it was given up', async () => {
	// Its tries follow each other at once.
	const clock = {
		...systemClock,
		schedule: (ms: number, fn: () => void) => systemClock.schedule(ms < 1_000 ? 0 : ms, fn),
	};
	const { store, proxy } = await throughProxy(clock);
	await store.createSubscription(aSubscription());
	await store.ingest(anEvent());
	const [claim] = (await store.claim({ now: T0, leaseMs: 60_000, limit: 1 })) as [Claim];
	const result = settlement(claim);
	proxy.mode = 'deaf';
	const first = store.settle(result);
	await until(
		'the server has it',
		async () => (await db.server.query('SELECT 1 FROM cleanlist_relay.attempts', db.url)).length === 1,
	);
	const nobody = createServer().listen(0, '127.0.0.1');
	await once(nobody, 'listening');
	proxy.target = (nobody.address() as AddressInfo).port;
	nobody.close();
	proxy.mode = 'pass';
	proxy.reset();
	await expect(first).rejects.toMatchObject({ code: 'busy' });
	proxy.target = db.server.port;
	expect(await store.settle(result)).toBe('settled');
	expect(await store.settle(settlement(claim))).toBe('fenced');
});

test('a connection that falls silent is given up, and what waited on it goes on over another', async () => {
	const { store, proxy } = await throughProxy();
	await store.ingest(anEvent());
	proxy.mode = 'silent';
	const event = anEvent();
	const outcome = store.ingest(event);
	const connections = proxy.connections;
	// Connections from now on pass, while the old ones stay half-open: as behind a firewall that forgot them.
	proxy.forget();
	expect(await outcome).toMatchObject({ kind: 'stored', eventId: event.id });
	expect(proxy.connections).toBeGreaterThan(connections);
	expect(await stored(store, event.id)).toBe(true);
}, 60_000);

test('a store whose connections fell silent can be closed', async () => {
	const { store, proxy } = await throughProxy();
	await store.ingest(anEvent());
	proxy.mode = 'silent';
	// Waits for no answer; the test would time out.
	await store.close();
	await expect(store.ping()).rejects.toMatchObject({ code: 'failed' });
}, 20_000);

test('what cannot be stored fails alone, also when it comes with many', async () => {
	const store = await open();
	const good = events(30);
	const origin = 'nowhere' as NewEvent['origin'];
	const bad = good.map((event, n) => (n % 10 === 3 ? { ...event, origin } : event));
	const results = await Promise.allSettled(bad.map((event) => store.ingest(event)));
	expect(results.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))).toEqual([3, 13, 23]);
	for (const result of results) {
		if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(StoreError);
	}
});

test('webhooks that together take longer than a statement may are refused, and then taken in fewer at a time', async () => {
	const store = await open();
	await db.server.query(
		`SET search_path TO cleanlist_relay;
		CREATE FUNCTION too_many() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF (SELECT count(*) FROM made) > 20 THEN RAISE 'too long' USING ERRCODE = 'query_canceled'; END IF;
			RETURN NULL;
		END $$;
		CREATE TRIGGER too_many AFTER INSERT ON events REFERENCING NEW TABLE AS made
			FOR EACH STATEMENT EXECUTE FUNCTION too_many()`,
		db.url,
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
