import { systemClock } from '../../relay/src/clock.ts';
import { EventsResponse } from '../../relay/src/contract/relay-api.ts';
import { startReceiver, startTestRelay, webhook } from './harness.ts';

/** The machine's clock set forward and back by a day under the running relay: what is monotonic goes on as it did. */

const DAY_MS = 24 * 60 * 60 * 1_000;

test('webhooks are taken in and delivered once each, however the clock jumps', async () => {
	let ahead = 0;
	const clock = { ...systemClock, now: () => systemClock.now() + ahead };
	const relay = await startTestRelay({ clock });
	const receiver = await startReceiver();
	try {
		await relay.call('POST', '/relay/v1/subscriptions', { body: { url: receiver.url } });
		const jumps = [0, DAY_MS, -DAY_MS, 0];
		for (const [n, jump] of jumps.entries()) {
			ahead = jump;
			expect((await relay.ingest(webhook(`wf-${n}`))).status).toBe(200);
			await receiver.waitFor(n + 1);
			expect((await relay.call('GET', '/readyz')).status).toBe(200);
			expect((await relay.call('GET', '/relay/v1/sources')).status).toBe(200);
		}
		const { events } = EventsResponse.parse(await (await relay.call('GET', '/relay/v1/events')).json());
		expect(events.map(({ workflow_id }) => workflow_id)).toEqual(['wf-3', 'wf-2', 'wf-1', 'wf-0']);
		// A repeat is one, whichever day it seems to be.
		ahead = -DAY_MS;
		expect(await (await relay.ingest(webhook('wf-1'))).json()).toMatchObject({ status: 'duplicate' });
		expect(
			receiver.received.map(({ body }) => (JSON.parse(body) as { workflow_id: string }).workflow_id),
		).toEqual(['wf-0', 'wf-1', 'wf-2', 'wf-3']);
	} finally {
		await relay.close();
		await receiver.close();
	}
});
