import { SubscriptionWithSecret } from '../../relay/src/contract/relay-api.ts';
import { createTestClock } from '../support/test-clock.ts';
import { until } from '../support/until.ts';
import { startReceiver, startTestRelay, webhook } from './harness.ts';
import type { Receiver, TestRelay } from './harness.ts';

const BACKLOG = 1_200;
const clock = createTestClock();
let receiver: Receiver;
let relay: TestRelay;
beforeEach(async () => {
	// Answers nothing: what is sent there stays under way, and the rest waits.
	receiver = await startReceiver(() => undefined);
	relay = await startTestRelay({ clock });
});
afterEach(async () => {
	jest.restoreAllMocks();
	await receiver.close();
	await relay.close();
});

const stats = () => relay.relay.store.stats();
async function subscribeWithBacklog(): Promise<string> {
	const answer = await relay.call('POST', '/relay/v1/subscriptions', { body: { url: receiver.url } });
	const { id } = SubscriptionWithSecret.parse(await answer.json());
	for (let n = 0; n < BACKLOG; n += 50) {
		await Promise.all(Array.from({ length: 50 }, (_, k) => relay.ingest(webhook(`wf-${n + k}`))));
	}
	return id;
}
const allCancelled = () =>
	until('nothing is pending', async () => {
		await clock.advance(20);
		const { ready, leased } = await stats();
		return ready + leased === 0;
	});

test('deleting a subscription with a backlog is answered after the first slice, and the rest follows', async () => {
	const id = await subscribeWithBacklog();
	expect((await relay.call('DELETE', `/relay/v1/subscriptions/${id}`)).status).toBe(204);
	expect((await stats()).ready).toBeGreaterThan(500);
	await relay.ingest(webhook('in between'));
	await allCancelled();
	expect(relay.logs()).toContain('cancelled what was pending for stopped subscriptions');
});

test('so does one whose receiver is gone (410)', async () => {
	receiver.respond((response) => {
		response.statusCode = 410;
		response.end();
	});
	const claim = jest.spyOn(relay.relay.store, 'claim').mockResolvedValue([]);
	await subscribeWithBacklog();
	claim.mockRestore();
	await allCancelled();
	expect((await relay.relay.store.listSubscriptions())[0]?.status).toBe('ended');
});

test('one that is deleted while a look is under way is looked at next, and not a minute later', async () => {
	// A look that found nothing, and whose answer is late.
	let answer = (_cancelled: number) => {};
	const looks = jest
		.spyOn(relay.relay.store, 'cancelStopped')
		.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
	await clock.advance(60_000);
	expect(looks).toHaveBeenCalledTimes(1);
	const made = await relay.call('POST', '/relay/v1/subscriptions', { body: { url: receiver.url } });
	const { id } = SubscriptionWithSecret.parse(await made.json());
	await relay.call('DELETE', `/relay/v1/subscriptions/${id}`);
	answer(0);
	await clock.advance(20);
	await clock.advance(20);
	expect(looks).toHaveBeenCalledTimes(2);
});

test('what another process began and did not finish is found within a minute', async () => {
	const id = await subscribeWithBacklog();
	// The look at the start finds nothing.
	await clock.advance(20);
	expect((await stats()).ready).toBeGreaterThan(500);
	// Nobody is told of it, as after a crash.
	await relay.relay.store.deleteSubscription(id);
	await clock.advance(50_000);
	expect((await stats()).ready).toBeGreaterThan(500);
	await clock.advance(10_000);
	await allCancelled();
});

test('a store that fails is tried again, and a stop ends it between two slices', async () => {
	const id = await subscribeWithBacklog();
	jest.spyOn(relay.relay.store, 'cancelStopped').mockRejectedValueOnce(new Error('told by the disk'));
	await relay.call('DELETE', `/relay/v1/subscriptions/${id}`);
	await clock.advance(20);
	await until('it failed', () => relay.logs().includes("can't be cancelled; trying again"));
	await clock.advance(60_000);
	await allCancelled();
});
