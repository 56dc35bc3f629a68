import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expectEachOnce } from './support/expect-each-once.ts';
import { itemsOf } from './support/n8n-client.ts';
import type { Execution } from './support/n8n-client.ts';
import { setStage } from './support/stage.ts';
import type { Stage } from './support/stage.ts';
import { until } from './support/until.ts';
import { contacts, enrichingWorkflow, receivingWorkflow } from './support/workflows.ts';

let stage: Stage;
beforeAll(async () => {
	stage = await setStage();
});
afterAll(() => stage?.dispose());

/** The receiving workflow, published; one for each test. */
let receiving: string;
beforeEach(async () => {
	receiving = await stage.n8n.client.createWorkflow(receivingWorkflow(stage.credentials));
	await stage.n8n.client.activate(receiving);
});
afterEach(() => stage?.n8n.client.deactivate(receiving));

test('contacts go out of one workflow and come into another, enriched, each exactly once', async () => {
	const { client, url } = stage.n8n;
	const wanted = contacts(12);
	const sending = await client.createWorkflow(enrichingWorkflow(stage.credentials, wanted));
	const sent = await client.run(sending, 'Start');

	const event = await expectEachOnce(stage, wanted, sent, receiving);

	expect(event.deliveries[0]!.attempts).toMatchObject([{ status: 200, error: null }]);
	const subscriptions = await stage.subscriptions();
	expect(subscriptions).toMatchObject([{ url: expect.stringContaining(`${url}/webhook/`) }]);
});

test('listening in the editor takes one result, and leaves the active workflow its own', async () => {
	const { client, url } = stage.n8n;
	const [active] = await stage.subscriptions();
	await client.listen(receiving, 'Cleanlist Trigger');
	expect((await stage.subscriptions()).map((subscription) => subscription.url).sort()).toEqual([
		expect.stringContaining(`${url}/webhook-test/`),
		active!.url,
	]);

	const sending = await client.createWorkflow(enrichingWorkflow(stage.credentials, contacts(2)));
	const first = await client.run(sending, 'Start');
	const modes = await until('the test and the active workflow to run', async () => {
		const executions = await client.executions(receiving);
		return executions.length < 2 ? undefined : executions.map(({ mode }) => mode).sort();
	});

	expect(modes).toEqual(['manual', 'webhook']);
	// n8n stops listening while the execution is already under way.
	const left = await until('n8n to stop listening', async () => {
		const subscriptions = await stage.subscriptions();
		return subscriptions.length < 2 ? subscriptions : undefined;
	});
	expect(left).toEqual([active]);
	// The active workflow still has the secret of its subscription.
	const second = await client.run(sending, 'Start');
	const third = await until(
		'the active workflow to run again',
		async () => (await client.executions(receiving))[2],
	);
	const tasks = (execution: Execution, node: string) =>
		itemsOf(execution, node).map(({ task_id }) => task_id);
	expect(tasks(first, 'Cleanlist')).not.toEqual(tasks(second, 'Cleanlist'));
	expect(third).toMatchObject({ status: 'success', mode: 'webhook' });
	expect(tasks(third, 'Enriched').sort()).toEqual(tasks(second, 'Cleanlist').sort());
});

test('a workflow is not published without a relay, and n8n says why', async () => {
	const { client } = stage.n8n;
	// Port 1 is no server's.
	const { id, name } = await client.createCredential('cleanlistRelayApi', {
		url: 'http://127.0.0.1:1',
		token: stage.relay().token,
	});
	const credentials = { ...stage.credentials, cleanlistRelayApi: { id, name } };
	const workflow = await client.createWorkflow(receivingWorkflow(credentials));

	await expect(client.activate(workflow)).rejects.toThrow(/relay could not be reached/);
});

test('a run with a wrong key ends with an error that says what to do', async () => {
	const { client } = stage.n8n;
	const apiKey = `clapi_${'x'.repeat(64)}`;
	const baseUrl = stage.relay().url;
	const { id, name } = await client.createCredential('cleanlistApi', { apiKey, baseUrl });
	const credentials = { ...stage.credentials, cleanlistApi: { id, name } };
	const sending = await client.createWorkflow(enrichingWorkflow(credentials, contacts(1)));

	const { status, data } = await client.run(sending, 'Start');

	expect(status).toBe('error');
	expect(data.resultData.error).toMatchObject({
		message: 'Cleanlist does not accept the API key',
		description: expect.stringContaining('Open the credential "Cleanlist API"'),
		context: { itemIndex: 0 },
	});
	// What n8n keeps of a run is shown to everybody who may see its executions.
	expect(JSON.stringify(data)).not.toContain(apiKey);
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
	const sending = await client.createWorkflow(enrichingWorkflow(stage.credentials, wanted));
	await expectEachOnce(stage, wanted, await client.run(sending, 'Start'), receiving);
});
