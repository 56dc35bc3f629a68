import type { IDataObject } from 'n8n-workflow';
import { answer, contacts, startReceiver, until } from '../reference/harness.ts';
import { startBench } from './support/bench.ts';
import type { Bench, RunOptions } from './support/bench.ts';

describe('Webhook Delivery → Get Many', () => {
	let bench: Bench;
	beforeEach(async () => {
		bench = await startBench({ reader: { scopes: ['lists:read'] } });
	});
	afterEach(() => bench.close());
	const get = (parameters: IDataObject, options?: RunOptions) =>
		bench.run({ resource: 'webhookDelivery', operation: 'getAll', ...parameters }, options);

	it('gives each attempt as an item of the workflow that was asked for, without the secret in its URL', async () => {
		const receiver = await startReceiver(answer(500));
		const api = bench.accounts.api!;
		const one = await api.submit(contacts(1), { webhook_url: receiver.url });
		const none = await api.submit(contacts(1, 7));
		await bench.clock.advance(5_000);
		await until(async () => {
			await bench.clock.advance(1_000);
			return receiver.received.length >= 2;
		});
		const { json, items } = await get(
			{ workflowId: '={{ $json.id }}', includeUrl: '={{ $json.whole }}' },
			{
				items: [
					{ id: none.workflow_id, whole: false },
					{ id: ` ${one.workflow_id} `, whole: false },
				],
			},
		);
		expect(json.length).toBeGreaterThanOrEqual(2);
		expect(json[0]).toMatchObject({
			workflow_id: one.workflow_id,
			attempt_number: 1,
			status: 'failed',
			response_code: 500,
			webhook_host: new URL(receiver.url).host,
		});
		expect(JSON.stringify(json)).not.toContain('secret-token');
		expect(items.every((item) => (item.pairedItem as { item: number }).item === 1)).toBe(true);
		const first = await get({ workflowId: one.workflow_id, limit: 1 });
		expect(first.json).toEqual(json.slice(0, 1));
		const whole = await get({ workflowId: one.workflow_id, includeUrl: true });
		expect(whole.json[0]).toMatchObject({ webhook_url: receiver.url });
		await receiver.close();
	});

	it.each([
		['an unknown workflow', { workflowId: 'nope' }, 'api', 'The workflow was not found'],
		['no workflow', { workflowId: '={{ $json.nothing }}' }, 'api', 'The ID of the workflow is empty'],
		['a wrong key', { workflowId: 'x' }, 'wrong', 'Cleanlist does not accept the API key'],
		['too few scopes', { workflowId: 'x' }, 'reader', 'The API key lacks the scope enrich:read'],
	])('with %s is an error, or an error item', async (_, parameters, api, message) => {
		const { error } = await get(parameters, { api });
		expect(error.message).toBe(message);
		const { json, items } = await get(parameters, {
			api,
			items: [{}, {}],
			onError: 'continueRegularOutput',
		});
		expect(json.map(({ error: text }) => text)).toEqual([message, message]);
		expect(items.map((item) => item.pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
	});

	it('does nothing with no items', async () => {
		const { run, items } = await get({ workflowId: 'x' }, { items: [] });
		expect([run.status, items]).toEqual(['success', []]);
	});
});
