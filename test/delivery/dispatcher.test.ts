import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { Webhook } from 'standardwebhooks';
import { createBodies } from '../../relay/src/bodies.ts';
import { createAddressGuard, createDispatcher } from '../../relay/src/delivery/index.ts';
import type { Dispatcher } from '../../relay/src/delivery/index.ts';
import { LEASE_MS } from '../../relay/src/delivery/dispatcher.ts';
import { systemIds } from '../../relay/src/ids.ts';
import { createSealer } from '../../relay/src/sealing.ts';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import { StoreError } from '../../relay/src/store/port.ts';
import type { Store, Subscription } from '../../relay/src/store/port.ts';
import { aSubscription, anEvent } from '../store/conformance.ts';
import { createTestClock } from '../support/test-clock.ts';
import type { TestClock } from '../support/test-clock.ts';
import { until } from '../support/until.ts';
import { startReceiver } from './receiver.ts';
import type { Receiver } from './receiver.ts';

const sealer = createSealer([{ id: 1, key: Buffer.alloc(32, 7) }]);
const bodies = createBodies({ sealer, encrypt: false });
const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
/** No jitter, so that the times of the schedule are exact. */
const ids = { ...systemIds, fraction: () => 0 };

describe('dispatcher', () => {
	let folder: string;
	let store: Store;
	// The library verifies timestamps against the real clock.
	let clock: TestClock;
	let receiver: Receiver;
	let lines: Record<string, unknown>[];
	const running: Dispatcher[] = [];

	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'dispatcher-'));
		store = await openSqliteStore({ path: join(folder, 'relay.sqlite') });
		await store.putSource({ id: 'default', name: 'x', tokenHash: Buffer.from('h'), createdAt: 0 });
		clock = createTestClock(Date.now());
		receiver = await startReceiver();
		lines = [];
	});
	afterEach(async () => {
		let stopped = false;
		const stopping = Promise.all(running.splice(0).map((dispatcher) => dispatcher.stop(0)));
		void stopping.finally(() => (stopped = true));
		while (!stopped) await clock.advance(1);
		await stopping;
		await receiver.close();
		await store.close();
		await rm(folder, { recursive: true, force: true });
	});

	/** Moves time once the dispatcher has nothing left to do but wait: its look-ups take a few turns of the loop. */
	async function advance(ms: number): Promise<void> {
		for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
		await clock.advance(ms);
	}
	function start(overrides: Partial<Parameters<typeof createDispatcher>[0]> = {}): Dispatcher {
		const log = pino(
			{ level: 'debug' },
			{ write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
		);
		const guard = createAddressGuard({ allow: ['127.0.0.1'] });
		const dispatcher = createDispatcher({ store, clock, ids, sealer, bodies, guard, log, ...overrides });
		running.push(dispatcher);
		dispatcher.start();
		return dispatcher;
	}
	const subscribe = async (overrides: Partial<Subscription> = {}) => {
		const subscription = aSubscription({
			url: receiver.url,
			sealedSecret: sealer.seal(secret),
			concurrency: 5,
			...overrides,
		});
		await store.createSubscription(subscription);
		return subscription;
	};
	const ingest = async () => {
		const event = anEvent({ receivedAt: clock.now() });
		await store.ingest(event);
		return event;
	};
	const delivery = async (eventId: string) => {
		const [found] = await store.listDeliveries({ eventId, limit: 10 });
		if (!found) throw new Error('no delivery');
		return found;
	};
	const attempted = (eventId: string, attempts: number) =>
		until(`attempt ${attempts} is settled`, async () => {
			const { attempts: made, state } = await delivery(eventId);
			return made.length >= attempts && state !== 'leased';
		});
	const settled = (eventId: string, state: string) =>
		until(`the delivery is ${state}`, async () => (await delivery(eventId)).state === state);

	it('delivers an event, signed, with its bytes', async () => {
		await subscribe();
		const event = await ingest();
		start();
		await settled(event.id, 'delivered');
		const [got] = receiver.received;
		expect(got?.body.equals(event.body)).toBe(true);
		expect(got?.headers).toMatchObject({
			'webhook-id': event.id,
			'webhook-attempt': '1',
			'content-type': 'application/json',
		});
		expect(() =>
			new Webhook(secret).verify(got?.body ?? '', got?.headers as Record<string, string>),
		).not.toThrow();
		expect(lines).toContainEqual(
			expect.objectContaining({ msg: 'delivered', event_id: event.id, attempt: 1, status: 200 }),
		);
		expect(JSON.stringify(lines)).not.toContain('secret=1');
	});

	it('gets an event through to a receiver that is down, then answers 404 and 409, then 200: once, under one id', async () => {
		await subscribe();
		const event = await ingest();
		const { port } = receiver;
		await receiver.close();
		start();

		// Down: refused at once, after 5 s and after 15 s.
		await attempted(event.id, 1);
		await advance(5_000);
		await attempted(event.id, 2);

		receiver = await startReceiver({ port });
		const answers = [404, 409, 409, 409, 200];
		let accepted = 0;
		receiver.answer((response) => {
			const status = answers.shift() ?? 200;
			if (status === 200) accepted++;
			response.writeHead(status).end();
		});
		await advance(14_999);
		expect(receiver.received).toHaveLength(0);
		await advance(1);
		await attempted(event.id, 3); // 404: n8n is starting
		await advance(60_000);
		await attempted(event.id, 4); // 409: an execution is still running
		await advance(2_000);
		await attempted(event.id, 5);
		await advance(2_000);
		await attempted(event.id, 6);
		await advance(2_000);
		await settled(event.id, 'delivered');

		expect(accepted).toBe(1);
		expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(
			new Set([event.id]),
		);
		expect(receiver.received.map(({ headers }) => headers['webhook-attempt'])).toEqual([
			'3',
			'4',
			'5',
			'6',
			'7',
		]);
		const { attempts } = await delivery(event.id);
		expect(attempts.map(({ status, error }) => status ?? error)).toEqual([
			'connect',
			'connect',
			404,
			409,
			409,
			409,
			200,
		]);
		// Days later nothing more has come.
		await advance(5 * 24 * 3_600_000);
		expect(accepted).toBe(1);
	});

	it('gives up after the whole schedule, some three days, and keeps the event', async () => {
		await subscribe();
		const event = await ingest();
		receiver.answer(500);
		const started = clock.now();
		start();
		for (let made = 1; made <= 12; made++) {
			await attempted(event.id, made);
			const { state, dueAt } = await delivery(event.id);
			if (state === 'ready') await advance(dueAt - clock.now());
		}
		expect(await delivery(event.id)).toMatchObject({ state: 'dead' });
		expect(receiver.received).toHaveLength(12);
		expect((clock.now() - started) / 3_600_000).toBeCloseTo(70.35, 1);
		expect(await store.getEvent(event.id)).not.toBeNull();
		expect(lines.at(-1)).toMatchObject({
			msg: expect.stringContaining('dead') as string,
			event_id: event.id,
		});
	});

	it('waits as long as Retry-After asks', async () => {
		await subscribe();
		const event = await ingest();
		receiver.answer(503, { 'retry-after': '600' });
		start();
		await attempted(event.id, 1);
		receiver.answer(200);
		await advance(599_999);
		expect(receiver.received).toHaveLength(1);
		await advance(1);
		await settled(event.id, 'delivered');
	});

	it('ends the subscription at 410 and sends nothing there any more', async () => {
		const { id } = await subscribe();
		const event = await ingest();
		receiver.answer(410);
		const dispatcher = start();
		await settled(event.id, 'cancelled');
		await store.ingest(anEvent({ receivedAt: clock.now() }));
		dispatcher.wake();
		await advance(24 * 3_600_000);
		expect(receiver.received).toHaveLength(1);
		expect((await store.getSubscription(id))?.status).toBe('ended');
	});

	it('sends what comes in while it runs, when it is woken', async () => {
		await subscribe();
		const dispatcher = start();
		await until('it has looked', () => lines.length >= 0);
		const event = await ingest();
		dispatcher.wake();
		await settled(event.id, 'delivered');
	});

	it('keeps to five at once for a subscription, and goes on as they end', async () => {
		await subscribe();
		const events = [];
		for (let n = 0; n < 12; n++) events.push(await ingest());
		const waiting: (() => void)[] = [];
		let most = 0;
		receiver.answer((response) => {
			waiting.push(() => response.writeHead(200).end());
			most = Math.max(most, waiting.length);
		});
		start();
		for (let done = 0; done < events.length; done++) {
			await until('a request waits', () => waiting.length >= Math.min(5, events.length - done));
			expect(waiting.length).toBeLessThanOrEqual(5);
			waiting.shift()?.();
		}
		for (const { id } of events) await settled(id, 'delivered');
		expect(most).toBe(5);
	});

	it('does not let a receiver that hangs hold up another', async () => {
		await subscribe();
		const other = await startReceiver();
		try {
			await subscribe({ url: other.url });
			receiver.answer(() => undefined);
			for (let n = 0; n < 10; n++) await ingest();
			start();
			await until('the other one has all', () => other.received.length === 10);
			expect(receiver.received.length).toBeLessThanOrEqual(5);
		} finally {
			await other.close();
		}
	});

	it('sends a delivery again whose relay vanished, once its lease has run out', async () => {
		await subscribe();
		const event = await ingest();
		await store.claim({ now: clock.now(), leaseMs: LEASE_MS, limit: 1 });
		start();
		await advance(LEASE_MS - 1);
		expect(receiver.received).toHaveLength(0);
		await advance(1);
		await settled(event.id, 'delivered');
		expect(receiver.received[0]?.headers['webhook-attempt']).toBe('2');
	});

	it('lets two dispatchers on one store deliver each event once', async () => {
		await subscribe();
		const events = [];
		for (let n = 0; n < 20; n++) events.push(await ingest());
		start();
		start();
		for (const { id } of events) await settled(id, 'delivered');
		expect(receiver.received).toHaveLength(20);
	});

	it('fences off a result that comes after its lease ran out', async () => {
		await subscribe();
		const event = await ingest();
		const answers: (() => void)[] = [];
		receiver.answer((response) => answers.push(() => response.writeHead(500).end()));
		start();
		await until('the first attempt is under way', () => answers.length === 1);
		// Another process takes over: this one was asleep for longer than its lease.
		const [taken] = await store.claim({
			now: clock.now() + LEASE_MS,
			leaseMs: LEASE_MS,
			limit: 1,
		});
		expect(taken?.attempt).toBe(2);
		answers[0]?.();
		await until('the late result is refused', () =>
			lines.some(({ msg }) => msg === 'late result fenced off'),
		);
		expect(await delivery(event.id)).toMatchObject({ state: 'leased', attempts: [] });
	});

	it('hands back what is under way when it is stopped, and sends it after the next start', async () => {
		await subscribe();
		const event = await ingest();
		receiver.answer(() => undefined);
		const dispatcher = start();
		await until('the attempt is under way', () => receiver.received.length === 1);
		const stopped = dispatcher.stop(3_000);
		await advance(3_000);
		await stopped;
		expect(await delivery(event.id)).toMatchObject({ state: 'ready', attempts: [] });
		receiver.answer(200);
		start();
		await settled(event.id, 'delivered');
		expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([event.id, event.id]);
		expect(receiver.received.map(({ headers }) => headers['webhook-attempt'])).toEqual(['1', '2']);
	});

	it('waits for what is under way when it is stopped', async () => {
		await subscribe();
		const event = await ingest();
		let answer: () => void = () => undefined;
		receiver.answer((response) => (answer = () => response.writeHead(200).end()));
		const dispatcher = start();
		await until('the attempt is under way', () => receiver.received.length === 1);
		const stopped = dispatcher.stop(3_000);
		answer();
		await stopped;
		expect((await delivery(event.id)).state).toBe('delivered');
		expect(clock.pending).toBe(0);
	});

	it('takes a secret that does not open for a failed attempt, and tries again', async () => {
		const subscription = await subscribe({ sealedSecret: Buffer.from('garbage') });
		const event = await ingest();
		start();
		await attempted(event.id, 1);
		expect(receiver.received).toHaveLength(0);
		await store.rotateSecret(subscription.id, sealer.seal(secret), 0);
		await advance(5_000);
		await settled(event.id, 'delivered');
	});

	it('survives a store that fails for a while', async () => {
		await subscribe();
		const event = await ingest();
		let failures = 3;
		const fail = () => {
			if (failures-- > 0) throw new StoreError('busy', 'Busy.');
		};
		const flaky: Store = {
			...store,
			claim: async (options) => {
				fail();
				return store.claim(options);
			},
			settle: async (settlement) => {
				if (settlement.attempt === 1) fail();
				return store.settle(settlement);
			},
		};
		start({ store: flaky });
		for (let n = 0; n < 6 && (await delivery(event.id)).state !== 'delivered'; n++) {
			await until('it has tried', () => clock.pending > 0);
			await advance(1_000);
		}
		await settled(event.id, 'delivered');
		expect(receiver.received).toHaveLength(1);
	});
});
