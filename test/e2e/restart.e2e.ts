import { expectEachOnce } from './support/expect-each-once.ts';
import { setStage } from './support/stage.ts';
import type { Stage } from './support/stage.ts';
import { until } from './support/until.ts';
import { contacts, enrichingWorkflow, receivingWorkflow } from './support/workflows.ts';

// The relay tries after 5 s, 15 s and 1 min: a start of n8n that misses the second waits for the third.
/** Long enough for n8n to be down, on a busy machine, when the enrichment completes. */
const COMPLETION_MS = 12_000;

let stage: Stage;
beforeAll(async () => {
	stage = await setStage({ completionMs: COMPLETION_MS });
});
afterAll(() => stage?.dispose());

test('a result that comes while n8n is down arrives once n8n is back', async () => {
	const { n8n } = stage;
	const wanted = contacts(5);
	const receiving = await n8n.client.createWorkflow(receivingWorkflow(stage.credentials));
	await n8n.client.activate(receiving);
	const subscriptions = await stage.subscriptions();
	const sending = await n8n.client.createWorkflow(enrichingWorkflow(stage.credentials, wanted));
	const sent = await n8n.client.run(sending, 'Start');

	await n8n.stop();
	const missed = await until('the relay to fail its first try', async () => {
		const event = await stage.newestEvent();
		return event?.deliveries[0]?.attempts.length ? event : undefined;
	});
	expect(missed.deliveries).toMatchObject([{ state: 'ready', delivered_at: null }]);
	expect(missed.deliveries[0]!.attempts[0]).toMatchObject({ status: null, error: 'connect' });
	await n8n.start();

	const event = await expectEachOnce(stage, wanted, sent, receiving);
	expect(event.id).toBe(missed.id);
	expect(event.deliveries[0]!.attempts.at(-1)).toMatchObject({ status: 200, error: null });
	expect(await stage.subscriptions()).toEqual(subscriptions);
}, 300_000);
