import { setImmediate as turn } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { LEASE_MS } from '../../relay/src/delivery/dispatcher.ts';
import { BREAKER } from '../../relay/src/delivery/policy.ts';
import { StoreError } from '../../relay/src/store/port.ts';
import type { Store, Subscription } from '../../relay/src/store/port.ts';
import { anEvent } from '../store/conformance.ts';
import type { TestClock } from '../support/test-clock.ts';
import { until } from '../support/until.ts';
import { startReceiver } from './receiver.ts';
import type { Receiver } from './receiver.ts';
import { openStage, sealer, secret } from './stage.ts';
import type { Stage } from './stage.ts';

describe('dispatcher', () => {
	let stage: Stage;
	let store: Store;
	let clock: TestClock;
	let receiver: Receiver;
	let lines: Stage['lines'];

	beforeEach(async () => {
		stage = await openStage();
		({ store, clock, lines } = stage);
		receiver = await startReceiver();
	});
	afterEach(async () => {
		await stage.close();
		await receiver.close();
	});

	const start: Stage['start'] = (overrides) => stage.start(overrides);
	const advance = (ms: number) => stage.advance(ms);
	const subscribe = (overrides: Partial<Subscription> = {}) =>
		stage.subscribe({ url: receiver.url, ...overrides });
	const ingest = () => stage.ingest();
	/** Whether the breaker of a subscription is open. */
	const isOpen = async (id: string) => typeof (await store.getSubscription(id))?.probeAt === 'number';
	const delivery = (eventId: string) => stage.delivery(eventId);
	const attempted = (eventId: string, attempts: number) => stage.attempted(eventId, attempts);
	const settled = (eventId: string, state: string) => stage.settled(eventId, state);

	it('asks what is due next once it has claimed for the last time, not between claims that follow each other', async () => {
		const asked: string[] = [];
		let claimed: () => void = () => undefined;
		const dispatcher = start({
			store: {
				...store,
				async claim() {
					asked.push('claim');
					await new Promise<void>((resolve) => (claimed = resolve));
					return [];
				},
				async nextDueAt() {
					asked.push('next due');
					return null;
				},
			},
		});
		dispatcher.wake();
		claimed();
		await until('it claims again', () => asked.length >= 2);
		claimed();
		await until('it asks', () => asked.length >= 3);
		expect(asked).toEqual(['claim', 'claim', 'next due']);
	});

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

	it('claims ahead of a receiver that answers quickly, and hands that back at the first failure', async () => {
		const { id } = await subscribe({ concurrency: 2 });
		const events = [];
		for (let n = 0; n < 20; n++) events.push(await ingest());
		const waiting: ((status: number) => void)[] = [];
		receiver.answer((response) => void waiting.push((status) => response.writeHead(status).end()));
		const answer = async (status: number) => {
			await until('two are under way', () => waiting.length === 2);
			waiting.shift()?.(status);
		};
		const leased = async () => (await store.stats()).leased;
		start();
		await until('two are claimed', async () => (await leased()) === 2);
		await answer(200);
		await until('six wait beside two under way', async () => (await leased()) === 8);
		await answer(500);
		await until('nothing waits', async () => (await leased()) === 2);
		expect(await store.getSubscription(id)).toMatchObject({ failures: 1 });
		for (let n = 0; n < events.length - 2; n++) {
			if (waiting.length === 0) await until('one is under way', () => waiting.length > 0);
			waiting.shift()?.(200);
		}
		await advance(5_000);
		await until('the one that failed is made again', () => waiting.length === 1);
		waiting.shift()?.(200);
		for (const event of events) await settled(event.id, 'delivered');
		expect(receiver.received).toHaveLength(events.length + 1);
	});

	it('claims nothing ahead where others claim too', async () => {
		await subscribe({ concurrency: 2 });
		for (let n = 0; n < 8; n++) await ingest();
		const asked: unknown[] = [];
		start({
			alone: false,
			store: {
				...store,
				claim: (options) => {
					asked.push(options.ahead);
					return store.claim(options);
				},
			},
		});
		await until('all are delivered', () => receiver.received.length === 8);
		expect(new Set(asked)).toEqual(new Set([undefined]));
	});

	it('claims again only when a result is written, where others claim too: before that there is no slot', async () => {
		await subscribe({ concurrency: 1 });
		await ingest();
		await ingest();
		let claims = 0;
		let answered = 0;
		let goOn: () => void = () => undefined;
		const gate = new Promise<void>((resolve) => (goOn = resolve));
		start({
			alone: false,
			store: {
				...store,
				claim: (options) => {
					claims++;
					return store.claim(options);
				},
				settle: async (result) => {
					answered++;
					await gate;
					return store.settle(result);
				},
			},
		});
		await until('the first is answered', () => answered === 1);
		await turn();
		expect(claims).toBe(1);
		goOn();
		await until('the next went out', () => receiver.received.length === 2);
	});

	it('claims fewer at once when that failed: bodies that take longer than a statement may hold nothing up for ever', async () => {
		await subscribe();
		for (let n = 0; n < 5; n++) await ingest();
		const tooMuch = new StoreError('busy', 'canceling statement due to statement timeout');
		start({
			store: {
				...store,
				claim: (options) => (options.limit > 3 ? Promise.reject(tooMuch) : store.claim(options)),
			},
		});
		for (let turn = 0; turn < 20 && stage.outcomes.length < 5; turn++) await advance(1_000);
		expect(stage.outcomes.map(({ kind }) => kind)).toEqual(Array(5).fill('delivered'));
	});

	it('claims nothing more while it has 64 MiB in hand', async () => {
		await subscribe({ concurrency: 50 });
		for (let n = 0; n < 24; n++) await stage.ingest({ body: Buffer.alloc(4 * 1024 * 1024, 'x') });
		const waiting: (() => void)[] = [];
		receiver.answer((response) => void waiting.push(() => response.writeHead(200).end()));
		let most = 0;
		start({
			store: {
				...store,
				claim: (options) => store.claim({ ...options, limit: Math.min(options.limit, 5) }),
			},
		});
		for (let done = 0; done < 24; done++) {
			await until('one is under way', () => waiting.length > 0);
			const { leased } = await store.stats();
			most = Math.max(most, leased);
			waiting.shift()?.();
		}
		expect(most).toBeLessThanOrEqual(21);
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
		expect(stage.outcomes).toEqual([{ kind: 'fenced', eventId: event.id, error: 'http', durationMs: 0 }]);
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
		const isDelivered = async () => (await delivery(event.id)).state === 'delivered';
		while (!(await isDelivered())) {
			await until('it waits to try again', async () => clock.pending > 0 || isDelivered());
			await advance(1_000);
		}
		await settled(event.id, 'delivered');
		expect(receiver.received).toHaveLength(1);
	});

	it('has room for the next as soon as a receiver has answered, also while the store is slow to note that', async () => {
		const other = await startReceiver();
		try {
			await subscribe();
			const event = await ingest();
			let goOn: () => void = () => undefined;
			const gate = new Promise<void>((resolve) => (goOn = resolve));
			const slow: Store = {
				...store,
				settle: async (settlement) => {
					await gate;
					return store.settle(settlement);
				},
			};
			const dispatcher = start({ store: slow, concurrency: 1 });
			await until('it was sent', () => receiver.received.length === 1);
			await subscribe({ url: other.url });
			await ingest();
			dispatcher.wake();
			await until('the next two went out', () => receiver.received.length + other.received.length === 3);
			expect(await delivery(event.id)).toMatchObject({ state: 'leased' });
			goOn();
			await settled(event.id, 'delivered');
		} finally {
			await other.close();
		}
	});

	it('tells what became of every attempt', async () => {
		await subscribe();
		const event = await ingest();
		const answers = [500, 200];
		receiver.answer((response) => response.writeHead(answers.shift() ?? 200).end());
		const dispatcher = start();
		await attempted(event.id, 1);
		await advance(5_000);
		await settled(event.id, 'delivered');
		await until('both are told', () => stage.outcomes.length === 2);
		expect(stage.outcomes).toEqual([
			{ kind: 'retried', eventId: event.id, error: 'http', durationMs: 0 },
			{ kind: 'delivered', eventId: event.id, error: null, durationMs: 0 },
		]);
		expect(dispatcher.underWay()).toBe(0);
	});

	describe('the breaker', () => {
		it('lets one probe out per slot while the receiver is down, of a thousand deliveries, and drains when it is back', async () => {
			const { id } = await subscribe();
			const events = await Promise.all(Array.from({ length: 1_000 }, () => ingest()));
			let underWay = 0;
			let most = 0;
			let status = 503;
			receiver.answer((response) => {
				most = Math.max(most, ++underWay);
				setImmediate(() => {
					underWay--;
					response.writeHead(status).end();
				});
			});
			const dispatcher = start();
			const idle = () => until('nothing is under way', () => dispatcher.underWay() === 0);
			await until('the breaker is open', () => isOpen(id));
			await idle();
			// Five that failed, and at most four more that were under way already when the fifth did.
			let sent = receiver.received.length;
			expect(sent).toBeGreaterThanOrEqual(5);
			expect(sent).toBeLessThan(10);

			for (const waitMs of [...BREAKER.waitsMs, ...BREAKER.waitsMs.slice(-1)]) {
				await advance(waitMs - 1);
				expect(receiver.received).toHaveLength(sent);
				await advance(1);
				await until('the probe went out', () => receiver.received.length > sent);
				await idle();
				expect(receiver.received).toHaveLength(++sent);
			}

			status = 200;
			await advance(BREAKER.waitsMs.at(-1) ?? 0);
			for (const event of events) await settled(event.id, 'delivered');
			expect(most).toBe(5);
			// Those that were no probe have used up nothing.
			const attempts = receiver.received.map(({ headers }) => headers['webhook-attempt']);
			expect(attempts.filter((attempt) => attempt === '1').length).toBe(1_000);
			expect(receiver.received).toHaveLength(1_000 + sent);
			expect(await store.getSubscription(id)).toMatchObject({ failures: 0, probeAt: null });
		});

		it('does not mind a receiver that is busy, and holds up nobody else', async () => {
			const busy = await startReceiver();
			try {
				const { id } = await subscribe({ url: busy.url });
				await subscribe();
				busy.answer(409);
				receiver.answer(500);
				const events = await Promise.all(Array.from({ length: 10 }, () => ingest()));
				start();
				await until('all went out to the busy one', () => busy.received.length >= events.length);
				expect(await store.getSubscription(id)).toMatchObject({ failures: 0, probeAt: null });
				expect(receiver.received.length).toBeLessThan(10);
			} finally {
				await busy.close();
			}
		});

		it('is probed again after the relay that sent the probe vanished', async () => {
			const { id } = await subscribe();
			receiver.answer(500);
			for (let n = 0; n < 20; n++) await ingest();
			const first = start();
			await until('the breaker is open', () => isOpen(id));
			await until('nothing is under way', () => first.underWay() === 0);
			await first.stop(0);
			await store.claim({ now: clock.now() + 5_000, leaseMs: LEASE_MS, limit: 1 });
			const sent = receiver.received.length;
			receiver.answer(200);
			start();
			await advance(5_000 + LEASE_MS - 1);
			expect(receiver.received).toHaveLength(sent);
			await advance(1);
			await until('the probe went out, and all the others', () => receiver.received.length >= sent + 15);
		});
	});

	it("keeps to a subscription's rate", async () => {
		await subscribe({ perMinute: 6 });
		for (let n = 0; n < 3; n++) await ingest();
		const dispatcher = start();
		for (const sent of [1, 2, 3]) {
			await until('one went out', () => receiver.received.length === sent && dispatcher.underWay() === 0);
			await advance(9_999);
			expect(receiver.received).toHaveLength(sent);
			await advance(1);
		}
	});

	it("keeps to a subscription's own concurrency, from the next claim on", async () => {
		const { id } = await subscribe({ concurrency: 2 });
		for (let n = 0; n < 8; n++) await ingest();
		const waiting: (() => void)[] = [];
		receiver.answer((response) => void waiting.push(() => response.writeHead(200).end()));
		const dispatcher = start();
		await until('two are under way', () => waiting.length === 2);
		await advance(1_000);
		expect(waiting).toHaveLength(2);
		await store.changeSubscription(id, { concurrency: 6 });
		dispatcher.wake();
		await until('six are under way', () => waiting.length === 6);
		await advance(1_000);
		expect(waiting).toHaveLength(6);
	});

	describe('while a secret is being rotated', () => {
		const HOUR = 3_600_000;
		const verifies = (known: string, at: number) => {
			const got = receiver.received.at(-1);
			const headers = { ...got?.headers } as Record<string, string>;
			// The library compares with the real clock, which has not moved; its check of the time is not the point here.
			jest.useFakeTimers({ now: at, doNotFake: ['setImmediate', 'nextTick', 'performance'] });
			try {
				new Webhook(known).verify(got?.body ?? '', headers);
				return true;
			} catch {
				return false;
			} finally {
				jest.useRealTimers();
			}
		};

		it('signs with both for 24 h, then with the new one only', async () => {
			const { id } = await subscribe();
			const renewed = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
			const deliver = async () => {
				const event = await ingest();
				dispatcher.wake();
				await settled(event.id, 'delivered');
				return [secret, renewed].map((known) => verifies(known, clock.now()));
			};
			const dispatcher = start();
			expect(await deliver()).toEqual([true, false]);
			await store.rotateSecret(id, sealer.seal(renewed), clock.now() + 24 * HOUR);
			expect(await deliver()).toEqual([true, true]);
			expect(receiver.received.at(-1)?.headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/);
			await advance(24 * HOUR - 1);
			expect(await deliver()).toEqual([true, true]);
			await advance(1);
			expect(await deliver()).toEqual([false, true]);
		});

		it('goes on with the new one when the old one does not open', async () => {
			const { id } = await subscribe({ sealedSecret: Buffer.from('garbage') });
			await store.rotateSecret(id, sealer.seal(secret), clock.now() + 24 * HOUR);
			const event = await ingest();
			start();
			await settled(event.id, 'delivered');
			expect(verifies(secret, clock.now())).toBe(true);
			expect(lines).toContainEqual(expect.objectContaining({ msg: 'the old secret does not open' }));
		});
	});

	describe('when the clock is set', () => {
		const DAY = 24 * 3_600_000;

		it('back by a day, makes a retry when it was due, stamped with the time as it is now', async () => {
			await subscribe();
			const event = await ingest();
			receiver.answer(500);
			start();
			await attempted(event.id, 1);
			receiver.answer(200);
			clock.set(clock.now() - DAY);
			await advance(4_999);
			expect(receiver.received).toHaveLength(1);
			await advance(1);
			await settled(event.id, 'delivered');
			expect(receiver.received.at(-1)?.headers['webhook-timestamp']).toBe(
				String(Math.floor(clock.now() / 1000)),
			);
		});

		it('back by a day, sends what came in before and what comes in after', async () => {
			await subscribe();
			const dispatcher = start();
			const before = await ingest();
			clock.set(clock.now() - DAY);
			const after = await ingest();
			dispatcher.wake();
			await settled(before.id, 'delivered');
			await settled(after.id, 'delivered');
		});

		it('back by a day, takes over the work of a relay that vanished, a minute after it claimed that', async () => {
			await subscribe();
			const event = await ingest();
			const dispatcher = start();
			await settled(event.id, 'delivered');
			const orphan = await ingest();
			await store.claim({ now: clock.now(), leaseMs: LEASE_MS, limit: 1 });
			dispatcher.wake();
			await advance(0);
			clock.set(clock.now() - DAY);
			await advance(LEASE_MS);
			await settled(orphan.id, 'delivered');
		});

		it('back by a day, goes on probing a receiver that is down', async () => {
			const { id } = await subscribe();
			receiver.answer(500);
			for (let n = 0; n < 20; n++) await ingest();
			const dispatcher = start();
			await until('the breaker is open', () => isOpen(id));
			await until('nothing is under way', () => dispatcher.underWay() === 0);
			clock.set(clock.now() - DAY);
			for (const waitMs of BREAKER.waitsMs) {
				const sent = receiver.received.length;
				await advance(waitMs);
				await until('a probe went out', () => receiver.received.length > sent);
				await until('nothing is under way', () => dispatcher.underWay() === 0);
				expect(receiver.received).toHaveLength(sent + 1);
			}
		});

		it('forward by a day, makes within a minute what has become due, and each delivery once', async () => {
			await subscribe();
			const events = await Promise.all([ingest(), ingest()]);
			receiver.answer(503, { 'retry-after': '3600' });
			const dispatcher = start();
			for (const { id } of events) await attempted(id, 1);
			receiver.answer(200);
			clock.set(clock.now() + DAY);
			for (let seconds = 0; seconds < 60; seconds++) {
				await advance(1_000);
				await until('nothing is under way', () => dispatcher.underWay() === 0);
			}
			for (const { id } of events) await settled(id, 'delivered');
			await advance(DAY);
			expect(receiver.received).toHaveLength(4);
		});

		it('forward by a day while an attempt is under way, sends it again at worst, under the same id', async () => {
			await subscribe();
			const event = await ingest();
			const answers: (() => void)[] = [];
			receiver.answer((response) => void answers.push(() => response.writeHead(200).end()));
			const dispatcher = start();
			await until('the attempt is under way', () => answers.length === 1);
			clock.set(clock.now() + DAY);
			dispatcher.wake();
			await until('its lease was taken for run out', () => answers.length === 2);
			answers.forEach((answer) => answer());
			await settled(event.id, 'delivered');
			await until('both have ended', () => stage.outcomes.length === 2);
			expect(stage.outcomes.map(({ kind }) => kind).sort()).toEqual(['delivered', 'fenced']);
			expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
		});
	});
});
