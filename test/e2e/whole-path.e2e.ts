import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expectEachOnce } from './support/expect-each-once.ts';
import { setStage } from './support/stage.ts';
import type { Stage } from './support/stage.ts';
import { contacts, enrichingWorkflow, receivingWorkflow } from './support/workflows.ts';

let stage: Stage;
beforeAll(async () => {
	stage = await setStage();
});
afterAll(() => stage?.dispose());

/** The receiving workflow, published; one for each test. */
let receiving: string;
beforeEach(async () => {
	receiving = await stage.n8n.client.createWorkflow(receivingWorkflow(stage));
	await stage.n8n.client.activate(receiving);
});
afterEach(() => stage.n8n.client.deactivate(receiving));

test('contacts go out of one workflow and come into another, enriched, each exactly once', async () => {
	const { client, url } = stage.n8n;
	const wanted = contacts(12);
	const sending = await client.createWorkflow(enrichingWorkflow(stage, wanted));
	const sent = await client.run(sending, 'Start');

	const event = await expectEachOnce(stage, wanted, sent, receiving);

	expect(event.deliveries[0]!.attempts).toMatchObject([{ status: 200, error: null }]);
	const subscriptions = await stage.subscriptions();
	expect(subscriptions).toMatchObject([{ url: expect.stringContaining(`${url}/webhook/`) }]);
});

test('deactivating the workflow ends its subscription at the relay', async () => {
	expect(await stage.subscriptions()).toHaveLength(1);

	await stage.n8n.client.deactivate(receiving);

	expect(await stage.subscriptions()).toEqual([]);
});

test('activating the workflow again repairs what a relay without its store has forgotten', async () => {
	const { client } = stage.n8n;
	const wanted = contacts(3);
	const [before] = await stage.subscriptions();
	await stage.restartRelay((dataFolder) => {
		const store = readdirSync(dataFolder).filter((name) => name.startsWith('relay.sqlite'));
		expect(store).not.toEqual([]);
		for (const name of store) rmSync(join(dataFolder, name));
	});
	expect(await stage.subscriptions()).toEqual([]);

	await client.deactivate(receiving);
	await client.activate(receiving);

	expect(await stage.subscriptions()).toMatchObject([{ url: before!.url, status: 'active' }]);
	const sending = await client.createWorkflow(enrichingWorkflow(stage, wanted));
	await expectEachOnce(stage, wanted, await client.run(sending, 'Start'), receiving);
});
