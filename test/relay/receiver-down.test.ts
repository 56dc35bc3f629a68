import { DeliveriesResponse, DeliveryDetail, RedriveResponse } from '../../relay/src/contract/relay-api.ts';
import { createTestClock } from '../support/test-clock.ts';
import { until } from '../support/until.ts';
import { startReceiver, startTestRelay, webhook } from './harness.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const DELIVERIES = '/relay/v1/deliveries';

/**
 * A receiver that is gone for good. Behind its breaker only one delivery at a time is tried, so that the schedules of a
 * backlog never end; without a limit it would be pending, and kept, for ever.
 */
test('what waits for a receiver that is down for too long is given up, shown, and re-driven when it is back', async () => {
	const clock = createTestClock();
	const relay = await startTestRelay({ clock, env: { RELAY_RETENTION_PENDING_DAYS: '1' } });
	const receiver = await startReceiver((response) => {
		response.statusCode = 503;
		response.end();
	});
	try {
		await relay.call('POST', '/relay/v1/subscriptions', { body: { url: receiver.url } });
		const stats = () => relay.relay.store.stats();
		for (let n = 0; n < 5; n++) await relay.ingest(webhook(`first-${n}`));
		await until('the breaker is open', async () => (await stats()).openBreakers === 1);
		for (let n = 0; n < 150; n++) await relay.ingest(webhook(`backlog-${n}`));
		expect(await stats()).toMatchObject({ ready: 155, dead: 0 });

		// Retention's hour comes, and the receiver has been down for less than the day.
		await clock.advance(HOUR);
		expect(await stats()).toMatchObject({ dead: 0 });
		await clock.advance(DAY);
		await until('the backlog is given up', async () => {
			await clock.advance(60_000);
			return (await stats()).dead >= 130;
		});
		const list = async () =>
			DeliveriesResponse.parse(await (await relay.call('GET', `${DELIVERIES}?state=dead&limit=100`)).json());
		const { id } = (await list()).deliveries.find(({ attempts }) => attempts.length === 0)!;
		const show = async () =>
			DeliveryDetail.parse(await (await relay.call('GET', `${DELIVERIES}/${id}`)).json());
		expect(await show()).toMatchObject({
			state: 'dead',
			dead_reason: 'receiver_down',
			next_attempt_at: null,
		});
		const metrics = await (await relay.call('GET', '/metrics')).text();
		expect(Number(/deliveries_given_up_total (\d+)/.exec(metrics)?.[1])).toBeGreaterThanOrEqual(130);
		expect(relay.logs()).toContain('gave up deliveries whose receiver is down');

		receiver.respond((response) => response.end());
		const redriven = RedriveResponse.parse(await (await relay.call('POST', `${DELIVERIES}/redrive`)).json());
		expect(redriven.redriven).toBeGreaterThanOrEqual(130);
		await until('all are delivered', async () => {
			// To the next probe or end of a lease; else in small steps, so that no attempt under way sees its time run out.
			const dueAt = (await relay.relay.store.nextDueAt()) ?? 0;
			await clock.advance(Math.max(100, dueAt - clock.now()));
			const { ready, leased, dead } = await stats();
			return ready + leased + dead === 0;
		});
		expect(await show()).toMatchObject({ state: 'delivered', dead_reason: null });
	} finally {
		await receiver.close();
		await relay.close();
	}
});
