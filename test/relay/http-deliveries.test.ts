import { Webhook } from 'standardwebhooks';
import {
	DeliveriesResponse,
	DeliveryDetail,
	DeliveryView,
	EventDetail,
	RedriveResponse,
	SubscriptionView,
	SubscriptionWithSecret,
} from '../../relay/src/contract/relay-api.ts';
import { createTestClock } from '../support/test-clock.ts';
import type { TestClock } from '../support/test-clock.ts';
import { until } from '../support/until.ts';
import { expectProblem, startReceiver, startTestRelay, webhook } from './harness.ts';
import type { Receiver, TestRelay } from './harness.ts';

const DELIVERIES = '/relay/v1/deliveries';
const SUBSCRIPTIONS = '/relay/v1/subscriptions';

let relay: TestRelay;
let clock: TestClock;
let receiver: Receiver;
let status: number;
beforeEach(async () => {
	clock = createTestClock(Date.now());
	relay = await startTestRelay({ clock });
	status = 200;
	receiver = await startReceiver((response) => response.writeHead(status).end('{"answer":1}'));
});
afterEach(async () => {
	jest.restoreAllMocks();
	await relay.close();
	await receiver.close();
});

const json = async (response: Response, expected = 200): Promise<unknown> => {
	const body = await response.text();
	expect({ status: response.status, body }).toMatchObject({ status: expected });
	return JSON.parse(body);
};
const subscribe = async (body: Record<string, unknown> = {}) =>
	SubscriptionWithSecret.parse(
		await json(await relay.call('POST', SUBSCRIPTIONS, { body: { url: receiver.url, ...body } }), 201),
	);
const ingest = async (workflow: string) =>
	((await json(await relay.ingest(webhook(workflow)))) as { event_id: string }).event_id;
const list = async (query = '') =>
	DeliveriesResponse.parse(await json(await relay.call('GET', `${DELIVERIES}${query}`)));
const detail = async (id: string) =>
	DeliveryDetail.parse(await json(await relay.call('GET', `${DELIVERIES}/${id}`)));
const post = (id: string, verb: string) => relay.call('POST', `${DELIVERIES}/${id}/${verb}`);
/** The newest delivery of an event, once it is in this state. */
const inState = async (eventId: string, state: string): Promise<DeliveryView> => {
	let found: DeliveryView | undefined;
	await until(`the delivery is ${state}`, async () => {
		[found] = (await list(`?event_id=${eventId}`)).deliveries;
		return found?.state === state;
	});
	return found!;
};
/** Moves time on until the delivery is so; while an attempt of it is under way time stands still, lest it is outrun. */
const advanceUntil = (what: string, id: string, condition: (delivery: DeliveryDetail) => boolean) =>
	until(what, async () => {
		const delivery = await detail(id);
		if (condition(delivery)) return true;
		if (delivery.state !== 'leased') await clock.advance(5_000);
		return false;
	});
/** Makes a delivery that waits for its retry. */
const failed = async (workflow: string) => {
	status = 500;
	const eventId = await ingest(workflow);
	await until(
		'it failed',
		async () => (await list(`?event_id=${eventId}`)).deliveries[0]?.attempts.length === 1,
	);
	return inState(eventId, 'ready');
};
/** Makes a delivery that used up its schedule. */
const died = async (workflow: string) => {
	const { event_id: eventId, id } = await failed(workflow);
	for (let attempts = 2; attempts <= 12; attempts++) {
		// To the moment it is due and no further: a leap beyond a lease would fence the attempt off, again and again.
		const due = Date.parse((await detail(id)).next_attempt_at!);
		await clock.advance(Math.max(0, due - clock.now()));
		await advanceUntil('it was tried again', id, (delivery) => delivery.attempts.length >= attempts);
	}
	return inState(eventId, 'dead');
};

describe('the list', () => {
	test('none yet is an empty page', async () => {
		expect(await list()).toEqual({ deliveries: [], cursor: null });
	});

	test('goes newest first, page by page, each exactly once', async () => {
		await subscribe();
		const events: string[] = [];
		for (let i = 0; i < 5; i++) events.unshift(await ingest(`wf-${i}`));
		const pages: string[][] = [];
		let cursor: string | null = null;
		do {
			const page = await list(`?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
			pages.push(page.deliveries.map(({ event_id }) => event_id));
			cursor = page.cursor;
		} while (cursor !== null);
		expect(pages).toEqual([events.slice(0, 2), events.slice(2, 4), events.slice(4)]);
	});

	test('can be narrowed down by state, subscription and event', async () => {
		const { id } = await subscribe();
		const one = await inState(await ingest('wf-1'), 'delivered');
		const two = await failed('wf-2');
		const ids = async (query: string) => (await list(query)).deliveries.map((it) => it.id);
		expect(await ids('?state=delivered')).toEqual([one.id]);
		expect(await ids('?state=ready')).toEqual([two.id]);
		expect(await ids('?state=dead')).toEqual([]);
		expect(await ids(`?subscription_id=${id}`)).toEqual([two.id, one.id]);
		expect(await ids('?subscription_id=sub_none')).toEqual([]);
		expect(await ids(`?event_id=${two.event_id}&state=ready`)).toEqual([two.id]);
		expect(await ids('?event_id=evt_none')).toEqual([]);
	});

	test.each(['?state=lost', '?limit=0', '?limit=101', '?cursor=x', '?subscription=x', '?event_id='])(
		'%s is refused',
		async (query) => {
			await expectProblem(await relay.call('GET', `${DELIVERIES}${query}`), 400, 'invalid_request');
		},
	);
});

test('one delivery tells its attempts and what was answered; lists and events leave the answer out', async () => {
	receiver.respond((response) => response.writeHead(503).end(`no: whsec_abcdefgh ada@example.com`));
	const subscription = await subscribe();
	const eventId = await ingest('wf-1');
	const { id } = await inState(eventId, 'ready').then(async (found) => {
		await until('it failed', async () => (await detail(found.id)).attempts.length === 1);
		return found;
	});
	const { attempts, ...rest } = await detail(id);
	expect(rest).toMatchObject({ event_id: eventId, subscription_id: subscription.id, delivered_at: null });
	expect(attempts).toEqual([
		{
			attempt: 1,
			started_at: expect.any(String) as string,
			duration_ms: 0,
			timings: { dns_ms: null, connect_ms: 0, tls_ms: null, first_byte_ms: 0 },
			status: 503,
			error: 'http',
			response: 'no: whsec_<redacted> ada@example.com',
		},
	]);
	const { response: _, ...brief } = attempts[0]!;
	expect((await list()).deliveries[0]?.attempts).toEqual([brief]);
	const event = EventDetail.parse(await json(await relay.call('GET', `/relay/v1/events/${eventId}`)));
	expect(event.deliveries[0]?.attempts).toEqual([brief]);
});

describe('replay', () => {
	test('makes a new delivery of the same event, at once, under the same webhook-id', async () => {
		await subscribe();
		const before = await inState(await ingest('wf-1'), 'delivered');
		const response = await post(before.id, 'replay');
		const made = DeliveryView.parse(await json(response, 201));
		expect(response.headers.get('location')).toBe(`${DELIVERIES}/${made.id}`);
		expect(made).toMatchObject({ event_id: before.event_id, attempts: [] });
		expect(made.id).not.toBe(before.id);
		await until('it was sent', async () => (await detail(made.id)).state === 'delivered');
		expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([
			before.event_id,
			before.event_id,
		]);
		expect((await detail(before.id)).state).toBe('delivered');
	});

	test('takes the place of a retry that waits, which then is sent once', async () => {
		await subscribe();
		const waiting = await failed('wf-1');
		status = 200;
		const made = DeliveryView.parse(await json(await post(waiting.id, 'replay'), 201));
		await until('it was sent', async () => (await detail(made.id)).state === 'delivered');
		expect((await detail(waiting.id)).state).toBe('cancelled');
		await clock.advance(24 * 3_600_000);
		expect(receiver.received).toHaveLength(2);
	});

	test('of a subscription that is gone or has ended is refused', async () => {
		const { id } = await subscribe();
		const delivery = await inState(await ingest('wf-1'), 'delivered');
		await relay.call('DELETE', `${SUBSCRIPTIONS}/${id}`);
		await expectProblem(await post(delivery.id, 'replay'), 409, 'subscription_ended');
		status = 410;
		await subscribe();
		const ended = await inState(await ingest('wf-2'), 'cancelled');
		await expectProblem(await post(ended.id, 'replay'), 409, 'subscription_ended');
	});
});

describe('cancel', () => {
	test('ends a delivery that waits, and can be said twice', async () => {
		await subscribe();
		const { id } = await failed('wf-1');
		for (const _ of [1, 2]) {
			expect(await json(await post(id, 'cancel'))).toMatchObject({
				id,
				state: 'cancelled',
				next_attempt_at: null,
			});
		}
		status = 200;
		await clock.advance(24 * 3_600_000);
		expect(receiver.received).toHaveLength(1);
	});

	test('fences off an attempt that is under way', async () => {
		let answer: () => void = () => undefined;
		receiver.respond((response) => (answer = () => response.end()));
		await subscribe();
		const eventId = await ingest('wf-1');
		await receiver.waitFor(1);
		const { id } = await inState(eventId, 'leased');
		expect(await json(await post(id, 'cancel'))).toMatchObject({ state: 'cancelled' });
		answer();
		await until('the result is fenced off', () => relay.logs().includes('late result fenced off'));
		expect(await detail(id)).toMatchObject({ state: 'cancelled', attempts: [] });
	});

	test('of a delivered one is refused', async () => {
		await subscribe();
		const { id } = await inState(await ingest('wf-1'), 'delivered');
		const { detail: sentence } = await expectProblem(await post(id, 'cancel'), 409, 'delivery_final');
		expect(sentence).toContain('delivered');
	});
});

describe('redrive', () => {
	test('makes a dead delivery again, with its whole schedule; one that is pending stays as it is', async () => {
		await subscribe();
		const { id } = await died('wf-1');
		const pending = expect.stringMatching(/^(ready|leased)$/) as string;
		expect(await json(await post(id, 'redrive'))).toMatchObject({ id, state: pending });
		// The breaker is open by now, so the next attempt is a probe.
		await advanceUntil('it was tried', id, (delivery) => delivery.attempts.length >= 13);
		// Not dead at once, as the thirteenth of an old schedule would be.
		expect(await json(await post(id, 'redrive'))).toMatchObject({ id, state: pending });
		status = 200;
		await advanceUntil('it was delivered', id, ({ state }) => state === 'delivered');
		await expectProblem(await post(id, 'redrive'), 409, 'delivery_final');
	});

	test('of a dead one whose subscription is gone is refused', async () => {
		const { id: subscription } = await subscribe();
		const { id } = await died('wf-1');
		await relay.call('DELETE', `${SUBSCRIPTIONS}/${subscription}`);
		await expectProblem(await post(id, 'redrive'), 409, 'subscription_ended');
	});

	test('of all, or of one subscription, takes them batch by batch and tells how many', async () => {
		const { id } = await subscribe();
		const redrive = jest.spyOn(relay.relay.store, 'redrive');
		redrive.mockResolvedValueOnce(100).mockResolvedValueOnce(100).mockResolvedValueOnce(17);
		const all = async (body?: unknown) =>
			RedriveResponse.parse(await json(await relay.call('POST', `${DELIVERIES}/redrive`, { body })));
		expect(await all()).toEqual({ redriven: 217, complete: true });
		redrive.mockResolvedValue(100);
		expect(await all({})).toEqual({ redriven: 10_000, complete: false });
		redrive.mockRestore();
		expect(await all({ subscription_id: id })).toEqual({ redriven: 0, complete: true });
		const response = await relay.call('POST', `${DELIVERIES}/redrive`, {
			body: { subscription_id: 'sub_none' },
		});
		await expectProblem(response, 404, 'subscription_not_found');
	});

	test('of all is not what null asks for: it was taken for no body', async () => {
		const redrive = jest.spyOn(relay.relay.store, 'redrive');
		const response = await relay.call('POST', `${DELIVERIES}/redrive`, { body: null });
		const { detail } = await expectProblem(response, 400, 'invalid_request');
		expect(detail).toMatch(/^The body is not valid: .*null/);
		expect(redrive).not.toHaveBeenCalled();
	});

	test('of all brings back what died', async () => {
		await subscribe();
		const { id } = await died('wf-1');
		status = 200;
		expect(await json(await relay.call('POST', `${DELIVERIES}/redrive`))).toEqual({
			redriven: 1,
			complete: true,
		});
		await advanceUntil('it was delivered', id, ({ state }) => state === 'delivered');
	});
});

test.each([
	['GET', ''],
	['POST', '/replay'],
	['POST', '/cancel'],
	['POST', '/redrive'],
])('%s of one that does not exist%s is a 404', async (method, suffix) => {
	for (const id of ['dlv_999999', 'x', '%F0%9F%98%80', '1']) {
		await expectProblem(await relay.call(method, `${DELIVERIES}/${id}${suffix}`), 404, 'delivery_not_found');
	}
});

describe('the body of an event', () => {
	test.each([
		['JSON', webhook('wf-1', { name: 'Zoë 🦊' }), 'application/json', 'json'],
		['a page with a script', '<script>alert(1)</script>', 'text/html', 'bin'],
		['bytes that are no text', new Uint8Array([0xff, 0x00, 0xfe]), 'image/png', 'bin'],
	])('%s comes back byte for byte, to be saved and not shown', async (_, body, type, extension) => {
		const answer = await relay.ingest(body, { 'content-type': type });
		const { event_id: id } = (await json(answer)) as { event_id: string };
		const response = await relay.call('GET', `/relay/v1/events/${id}/body`);
		expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.from(body))).toBe(true);
		expect(Object.fromEntries(response.headers)).toMatchObject({
			'content-type': 'application/octet-stream',
			'content-disposition': `attachment; filename="${id}.${extension}"`,
			'x-content-type-options': 'nosniff',
		});
	});

	test('of one that does not exist is a 404', async () => {
		await expectProblem(await relay.call('GET', '/relay/v1/events/evt_none/body'), 404, 'event_not_found');
	});
});

describe("a subscription's limits", () => {
	test('are five at once and no rate, unless asked for', async () => {
		expect(await subscribe()).toMatchObject({
			concurrency: 5,
			per_minute: null,
			failures: 0,
			failing_since: null,
			next_probe_at: null,
		});
		const url = `${receiver.url}/2`;
		expect(await subscribe({ url, concurrency: 50, per_minute: 60_000 })).toMatchObject({
			concurrency: 50,
			per_minute: 60_000,
		});
	});

	test('can be changed, one at a time, and the rate taken away', async () => {
		const { id } = await subscribe({ concurrency: 2, per_minute: 30 });
		const patch = async (body: unknown) =>
			SubscriptionView.parse(await json(await relay.call('PATCH', `${SUBSCRIPTIONS}/${id}`, { body })));
		expect(await patch({ concurrency: 3 })).toMatchObject({ concurrency: 3, per_minute: 30 });
		expect(await patch({ per_minute: null })).toMatchObject({ concurrency: 3, per_minute: null });
		expect(await json(await relay.call('GET', `${SUBSCRIPTIONS}/${id}`))).toMatchObject({ concurrency: 3 });
	});

	test.each([
		['concurrency', 0],
		['concurrency', 51],
		['concurrency', 1.5],
		['concurrency', null],
		['per_minute', 0],
		['per_minute', 60_001],
		['per_minute', '60'],
	])('%s of %p is refused', async (field, value) => {
		const { id } = await subscribe();
		for (const response of [
			await relay.call('PATCH', `${SUBSCRIPTIONS}/${id}`, { body: { [field]: value } }),
			await relay.call('POST', SUBSCRIPTIONS, { body: { url: `${receiver.url}/2`, [field]: value } }),
		]) {
			const { errors } = await expectProblem(response, 400, 'invalid_request');
			expect(errors?.map(({ path }) => path)).toEqual([field]);
		}
	});

	test('take effect at once when they are raised', async () => {
		const waiting: (() => void)[] = [];
		receiver.respond((response) => void waiting.push(() => response.end()));
		const { id } = await subscribe({ concurrency: 1 });
		for (let n = 0; n < 3; n++) await ingest(`wf-${n}`);
		await receiver.waitFor(1);
		await relay.call('PATCH', `${SUBSCRIPTIONS}/${id}`, { body: { concurrency: 3 } });
		await receiver.waitFor(3);
		waiting.forEach((answer) => answer());
	});

	test('and the state of its receiver show', async () => {
		const { id } = await subscribe();
		status = 500;
		for (let n = 0; n < 5; n++) await ingest(`wf-${n}`);
		const show = async () =>
			SubscriptionView.parse(await json(await relay.call('GET', `${SUBSCRIPTIONS}/${id}`)));
		await until('the breaker is open', async () => (await show()).next_probe_at !== null);
		expect(await show()).toMatchObject({
			failures: 5,
			failing_since: new Date(clock.now()).toISOString(),
			next_probe_at: new Date(clock.now() + 5_000).toISOString(),
			status: 'active',
		});
	});
});

test("the receiver gets the webhook's content type byte for byte, also one that is not ASCII", async () => {
	await subscribe();
	// Here and in Node's HTTP a header is Latin-1: a character a byte.
	const type = 'text/plain; x=\u00e9\u00c3\u00a9\u00ff';
	await relay.ingest(webhook('wf-1'), { 'content-type': type });
	await receiver.waitFor(1);
	expect(receiver.received[0]?.headers['content-type']).toBe(type);
});

describe('a secret that is rotated', () => {
	test('signs beside the old one for 24 h', async () => {
		const { id, secret } = await subscribe();
		const renewed = SubscriptionWithSecret.parse(
			await json(await relay.call('POST', `${SUBSCRIPTIONS}/${id}/secret`)),
		);
		expect(renewed.previous_secret_until).toBe(new Date(clock.now() + 24 * 3_600_000).toISOString());
		await inState(await ingest('wf-1'), 'delivered');
		const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]];
		for (const known of [secret, renewed.secret]) {
			expect(() => new Webhook(known).verify(body, headers as Record<string, string>)).not.toThrow();
		}
		await clock.advance(24 * 3_600_000);
		expect(await json(await relay.call('GET', `${SUBSCRIPTIONS}/${id}`))).toMatchObject({
			previous_secret_until: null,
		});
	});

	test.each([
		['rotating the secret', 'POST', '/secret', undefined, 'rotateSecret'],
		['a change', 'PATCH', '', { description: 'x' }, 'changeSubscription'],
	] as const)(
		'a 410 that comes in during %s is not undone',
		async (_what, method, suffix, body, operation) => {
			const { store } = relay.relay;
			const { id } = await subscribe();
			status = 410;
			// The store's own step is what the 410 has to come before: whatever the route read earlier is out of date then.
			const step = store[operation] as (...args: unknown[]) => Promise<unknown>;
			jest.spyOn(store, operation).mockImplementation(async (...args: unknown[]) => {
				const eventId = await ingest('wf-1');
				await inState(eventId, 'cancelled');
				return step.apply(store, args) as never;
			});
			const changed = await json(await relay.call(method, `${SUBSCRIPTIONS}/${id}${suffix}`, { body }));
			expect(changed).toMatchObject({ status: 'ended' });
			expect(await json(await relay.call('GET', `${SUBSCRIPTIONS}/${id}`))).toMatchObject({
				status: 'ended',
			});
			await ingest('wf-2');
			expect((await list()).deliveries).toHaveLength(1);
		},
	);
});
