import { EnrichmentStatusResponse } from '../../../relay/src/contract/enrichment-v2.ts';
import { WebhookPayload } from '../../../relay/src/contract/webhook.ts';
import { WorkflowStatusResponse } from '../../../relay/src/contract/enrichment.ts';
import { contacts, startReceiver } from '../harness.ts';
import { follow, startSteered } from './harness.ts';
import type { Answer, Steered } from './harness.ts';

let steered: Steered;
let call: (method: string, path: string, body?: unknown) => Promise<Answer>;
let listId: string;
beforeEach(async () => {
	steered = await startSteered();
	const { key } = await steered.account();
	call = steered.as(key);
	listId = (await call('POST', '/api/v2/lead-lists', { name: 'L' })).body.list_id;
	await steered.send('POST', '/reference/clock/freeze');
});
afterEach(() => steered.close());

const complete = async (mode: object) => {
	const { status, body } = await steered.send('POST', '/reference/completion', { body: mode });
	if (status !== 200) throw new Error(JSON.stringify(body));
};
const advance = (ms: number) => steered.send('POST', '/reference/clock/advance', { body: { ms } });
const credits = async () => (await call('GET', '/api/v2/credits/balance')).body.credits;

const bulk = async (count = 10, more: object = {}) =>
	(
		await call('POST', '/api/v1/public/enrich/bulk', {
			contacts: contacts(count),
			enrichment_type: 'full',
			...more,
		})
	).body;
const legacy = async (id: string) =>
	WorkflowStatusResponse.parse((await call('GET', `/api/v1/public/enrich/status?workflow_id=${id}`)).body);
const v2 = async (id: string) =>
	EnrichmentStatusResponse.parse((await call('GET', `/api/v2/enrichment/status/${id}`)).body);

const person = async () =>
	(
		await call('POST', '/api/v2/enrichment/person', {
			lead_list_id: listId,
			linkedin_url: 'https://www.linkedin.com/in/ines-castellanos-example',
			enrichment_type: 'full',
		})
	).body.workflow_id;
/** A run over a list of that many leads. */
const list = async (count = 10) => {
	const rows = Array.from({ length: count }, (_, i) => `p${i}@acme.example`);
	await call('POST', `/api/v2/lead-lists/${listId}/csv-import`, {
		csv_content_base64: Buffer.from(['mail', ...rows].join('\n')).toString('base64'),
		column_mapping: { email: 'mail' },
		dispatch_enrichment: false,
	});
	const { quote_id } = (
		await call('POST', '/api/v2/credits/estimate', {
			tool: 'enrich_list',
			list_id: listId,
			enrichment_type: 'full',
		})
	).body;
	return (await call('POST', '/api/v2/enrichment/bulk', { list_id: listId, scope: 'full', quote_id })).body
		.workflow_id;
};
const agent = async (count = 10) => {
	await list(count);
	await advance(2_000);
	const estimate = {
		tool: 'run_smart_agent',
		list_id: listId,
		agent_type: 'title_normalizer',
		row_count: count,
	};
	const { quote_id } = (await call('POST', '/api/v2/credits/estimate', estimate)).body;
	const { body } = await call('POST', '/api/v2/smart-agents/run', {
		list_id: listId,
		column_name: 'T',
		agent_type: 'title_normalizer',
		quote_id,
	});
	return body.smart_agent_task_id;
};
const agentStatus = async (id: string) => (await call('GET', `/api/v2/smart-agents/${id}`)).body;

it('is instant on a clock that stands still', async () => {
	await complete({ mode: 'instant' });
	expect((await legacy((await bulk()).workflow_id)).status).toBe('completed');
	expect(await v2(await person())).toMatchObject({ status: 'completed', progress: 100 });
	expect(await v2(await list(250))).toMatchObject({ status: 'completed', processed: 250 });
	expect((await agentStatus(await agent())).status).toBe('completed');
});

it('takes as long as it is told', async () => {
	await complete({ mode: 'after_ms', ms: 60_000 });
	const ids = [await person(), await list()];
	const { workflow_id } = await bulk();
	await advance(59_999);
	expect([(await legacy(workflow_id)).status, (await v2(ids[0])).status]).toEqual(['processing', 'running']);
	await advance(1);
	expect([(await legacy(workflow_id)).status, (await v2(ids[0])).status, (await v2(ids[1])).status]).toEqual([
		'completed',
		'completed',
		'completed',
	]);
});

it('waits for polls and for nothing else', async () => {
	await complete({ mode: 'after_polls', polls: 2 });
	const { workflow_id, task_ids } = await bulk();
	const run = await list();
	await advance(24 * 3_600_000);
	const seen = [];
	for (let i = 0; i < 3; i++) seen.push([(await legacy(workflow_id)).status, (await v2(run)).status]);
	expect(seen).toEqual([
		['processing', 'pending'],
		['processing', 'pending'],
		['completed', 'completed'],
	]);
	expect(task_ids).toHaveLength(10);

	const next = await bulk();
	const byTask = async () =>
		(await call('GET', `/api/v1/public/enrich/status?task_id=${next.task_ids[0]}`)).body.result;
	expect([await byTask(), await byTask()]).toEqual([null, null]);
	expect(await byTask()).not.toBeNull();

	await complete({ mode: 'after_polls', polls: 0 });
	expect((await legacy((await bulk()).workflow_id)).status).toBe('completed');
});

it('does not count polls of whom it does not let in', async () => {
	await complete({ mode: 'after_polls', polls: 1 });
	const { workflow_id } = await bulk();
	for (let i = 0; i < 3; i++)
		await steered.send('GET', `/api/v1/public/enrich/status?workflow_id=${workflow_id}`);
	expect((await legacy(workflow_id)).status).toBe('processing');
	expect((await legacy(workflow_id)).status).toBe('completed');
});

it('waits for polls that ask by the cohort, too', async () => {
	await complete({ mode: 'instant' });
	await list(3);
	const { task_id } = (await call('GET', `/api/v2/lead-lists/${listId}/leads`)).body;
	const request = { task_id, data_points: ['Email'] };
	const estimate = { tool: 'add_person_enrichments', ...request };
	const { quote_id } = (await call('POST', '/api/v2/credits/estimate', estimate)).body;
	await complete({ mode: 'after_polls', polls: 1 });
	await call('POST', '/api/v2/enrichment/by-task', { ...request, quote_id });
	expect((await v2(task_id)).status).toBe('pending');
	expect((await v2(task_id)).status).toBe('completed');
});

it('does not count polls of another organization, nor one that asks for two things at once', async () => {
	await complete({ mode: 'after_polls', polls: 1 });
	const { workflow_id, task_ids } = await bulk();
	const run = await list();
	const stranger = await steered.account({ organizationName: 'Elsewhere' });
	const asStranger = steered.as(stranger.key);
	for (const path of [
		`/api/v1/public/enrich/status?workflow_id=${workflow_id}`,
		`/api/v1/public/enrich/status?task_id=${task_ids[0]}`,
		`/api/v2/enrichment/status/${run}`,
	]) {
		for (let i = 0; i < 3; i++) expect((await asStranger('GET', path)).status).toBe(404);
	}
	const both = `/api/v1/public/enrich/status?workflow_id=${workflow_id}&task_id=${task_ids[0]}`;
	for (let i = 0; i < 3; i++) expect((await call('GET', both)).status).toBe(400);
	expect([(await legacy(workflow_id)).status, (await v2(run)).status]).toEqual(['processing', 'pending']);
	expect([(await legacy(workflow_id)).status, (await v2(run)).status]).toEqual(['completed', 'completed']);
});

it('waits for polls of an agent, too', async () => {
	const ready = agent();
	await complete({ mode: 'after_polls', polls: 1 });
	await ready.catch(() => {});
	const id = await ready;
	expect((await agentStatus(id)).status).toBe('pending');
	expect((await agentStatus(id)).status).toBe('completed');
});

it.each([
	[0, 0],
	[0.3, 3],
	[0.5, 5],
	[0.29, 2],
	[1, 10],
])('fails a share of %f of the contacts: %i of ten, always the same ones', async (share, count) => {
	await complete({ mode: 'instant' });
	const usual = (await legacy((await bulk()).workflow_id)).summary.failed;
	await complete({ mode: 'fail_share', share, ms: 0 });
	const run = async () => {
		const { workflow_id, task_ids } = await bulk();
		await advance(0);
		const found: boolean[] = [];
		for (const id of task_ids) {
			const { result } = (await call('GET', `/api/v1/public/enrich/status?task_id=${id}`)).body;
			found.push(result.status === 'completed');
		}
		expect((await legacy(workflow_id)).summary.failed).toBe(found.filter((one) => !one).length);
		return found;
	};
	const first = await run();
	const failed = first.filter((one) => !one).length;
	// Those whom nobody knows anything about fail anyway.
	expect(failed).toBeGreaterThanOrEqual(Math.max(count, usual));
	expect(failed).toBeLessThanOrEqual(count + usual);
	expect(await run()).toEqual(first);
	const over = await list();
	await advance(0);
	expect((await v2(over)).failed).toBeGreaterThanOrEqual(count);
});

describe.each([
	['failed', 'failed', 'failed'],
	['cancelled', 'cancelled', 'failed'],
])('%s', (mode, status, legacyStatus) => {
	it('ends everything so, with nothing found and nothing spent', async () => {
		const before = await credits();
		await complete({ mode });
		const { workflow_id, task_ids } = await bulk();
		const single = await person();
		const over = await list();
		expect((await legacy(workflow_id)).status).toBe('processing');
		await advance(2_000);

		expect(await legacy(workflow_id)).toMatchObject({
			status: legacyStatus,
			summary: { total: 10, successful: 0, failed: 10, pending: 0, emails_found: 0 },
			completed_at: expect.any(String),
		});
		expect((await v2(workflow_id)).status).toBe(status);
		const task = (await call('GET', `/api/v1/public/enrich/status?task_id=${task_ids[0]}`)).body;
		expect(task).toMatchObject({ status: 'failed', result: { primary_email: null } });
		expect(await v2(single)).toMatchObject({
			status,
			// Nobody deleted the list.
			message: null,
			credits_charged: 0,
			credits_refunded: 11,
			result: { lead_id: '', status: 'failed' },
		});
		expect(await v2(over)).toMatchObject({ status, processed: 0, credits_charged: 0, credits_refunded: 110 });
		expect(await credits()).toBe(before);
	});

	it('ends an agent, too', async () => {
		const ready = await agent();
		await advance(2_000);
		expect((await agentStatus(ready)).status).toBe('completed');
		await complete({ mode, ms: 100 });
		const estimate = {
			tool: 'run_smart_agent',
			list_id: listId,
			agent_type: 'title_normalizer',
			row_count: 10,
		};
		const { quote_id } = (await call('POST', '/api/v2/credits/estimate', estimate)).body;
		const before = await credits();
		const request = { list_id: listId, column_name: 'U', agent_type: 'title_normalizer', quote_id };
		const { body } = await call('POST', '/api/v2/smart-agents/run', request);
		await advance(100);
		expect(await agentStatus(body.smart_agent_task_id)).toMatchObject({ status: 'failed', succeeded: 0 });
		expect(await credits()).toBe(before);
	});

	it(mode === 'failed' ? 'sends its webhook' : 'sends no webhook', async () => {
		const receiver = await startReceiver();
		await complete({ mode });
		await bulk(2, { webhook_url: receiver.url });
		await advance(60_000);
		expect(receiver.received).toHaveLength(mode === 'failed' ? 1 : 0);
		for (const { body } of receiver.received) {
			expect(WebhookPayload.parse(body)).toMatchObject({
				status: 'failed',
				summary: { failed: 2, successful: 0 },
			});
		}
		await receiver.close();
	});
});

it('is for what starts after it, and goes back to the default', async () => {
	const first = (await bulk()).workflow_id;
	await complete({ mode: 'failed' });
	const second = (await bulk()).workflow_id;
	await complete({ mode: 'default' });
	const third = (await bulk()).workflow_id;
	await advance(2_000);
	const ends = await Promise.all([first, second, third].map(async (id) => (await legacy(id)).status));
	expect(ends).toEqual(['completed', 'failed', 'completed']);
});

it('tells the feed', async () => {
	const feed = await follow(steered.baseUrl);
	await complete({ mode: 'after_polls', polls: 3 });
	expect((await feed.next('completion')).data).toMatchObject({ mode: 'after_polls', polls: 3 });
	feed.close();
	expect((await steered.send('GET', '/reference/completion')).body).toEqual({
		mode: 'after_polls',
		polls: 3,
	});
});

it.each<[unknown, string]>([
	[undefined, ''],
	[{}, 'mode'],
	[{ mode: 'soon' }, 'mode'],
	[{ mode: 'after_ms' }, 'ms'],
	[{ mode: 'after_polls', polls: -1 }, 'polls'],
	[{ mode: 'fail_share', share: 1.1 }, 'share'],
	[{ mode: 'instant', ms: 3 }, 'ms'],
])('is refused when it is none: %j', async (body, path) => {
	const refused = await steered.send('POST', '/reference/completion', { body });
	expect(refused.status).toBe(422);
	expect(refused.body.error.details.problems[0].path).toBe(path);
});
