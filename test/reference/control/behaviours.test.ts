import { answer, contacts, startReceiver } from '../harness.ts';
import type { Json } from '../harness.ts';
import { follow, startSteered } from './harness.ts';
import type { Answer, Steered } from './harness.ts';

let steered: Steered;
let account: Awaited<ReturnType<Steered['reference']['createAccount']>>;
let call: (method: string, path: string, body?: unknown) => Promise<Answer>;
beforeEach(async () => {
	steered = await startSteered();
	account = await steered.reference.createAccount({ name: 'Ada', credits: 100_000 });
	call = steered.as(account.key);
	await steered.send('POST', '/reference/clock/freeze');
});
afterEach(() => steered.close());

const behave = async (body: object) => {
	const reply = await steered.send('PUT', '/reference/behaviours', { body });
	if (reply.status !== 200) throw new Error(reply.text);
	return reply.body;
};
const advance = (ms: number) => steered.send('POST', '/reference/clock/advance', { body: { ms } });
const bulk = async (more: object = {}) =>
	(
		await call('POST', '/api/v1/public/enrich/bulk', {
			contacts: contacts(30),
			enrichment_type: 'full',
			...more,
		})
	).body;
const byWorkflow = async (id: string) =>
	(await call('GET', `/api/v1/public/enrich/status?workflow_id=${id}`)).body;
const byTask = async (id: string) => (await call('GET', `/api/v1/public/enrich/status?task_id=${id}`)).body;

it('lists every behaviour with its default, and changes those that are named', async () => {
	const defaults = {
		csv_import: true,
		protected_list_name: 'Extension Leads',
		v2_validation: '422_detail',
		workflow_status_results: false,
		task_result: 'result',
		webhook_items: 'flat',
		webhook_posts: 5,
		email_statuses: 'verified',
		key_prefix: 'clapi_',
		scope_names: 'enrich',
		list_ids: 'uuid',
		cursors: 'opaque',
		v2_status_of_bulk_ids: 'accepted',
	};
	expect((await steered.send('GET', '/reference/behaviours')).body).toEqual(defaults);
	const feed = await follow(steered.baseUrl);
	expect(await behave({ webhook_posts: 6 })).toEqual({ ...defaults, webhook_posts: 6 });
	expect((await feed.next('behaviours')).data).toMatchObject({ webhook_posts: 6 });
	feed.close();
	expect(await behave({})).toEqual({ ...defaults, webhook_posts: 6 });
});

it.each<[unknown, string]>([
	[undefined, ''],
	[{ webhook_post: 6 }, 'webhook_post'],
	[{ webhook_posts: 7 }, 'webhook_posts'],
	[{ task_result: 'nowhere' }, 'task_result'],
	[{ csv_import: 'off' }, 'csv_import'],
])('refuses %j', async (body, path) => {
	const refused = await steered.send('PUT', '/reference/behaviours', { body });
	expect(refused.status).toBe(422);
	expect(refused.body.error.details.problems[0].path).toBe(path);
});

it('csv_import: false answers 503', async () => {
	await behave({ csv_import: false });
	const { list_id } = (await call('POST', '/api/v2/lead-lists', { name: 'L' })).body;
	expect((await call('POST', `/api/v2/lead-lists/${list_id}/csv-import`, {})).status).toBe(503);
});

it('protected_list_name: DEFAULT names the list that enrich/bulk makes', async () => {
	await behave({ protected_list_name: 'DEFAULT' });
	await bulk();
	expect((await call('GET', '/api/v2/lead-lists')).body.lists[0].name).toBe('DEFAULT');
	// An existing one keeps its name.
	await behave({ protected_list_name: 'Extension Leads' });
	await bulk();
	expect((await call('GET', '/api/v2/lead-lists')).body.lists.map(({ name }: Json) => name)).toEqual([
		'DEFAULT',
	]);
});

it('v2_validation: 400_envelope words refusals of v2 like other errors, and those of the first five not', async () => {
	await behave({ v2_validation: '400_envelope' });
	const refused = await call('POST', '/api/v2/lead-lists', { nmae: 'x' });
	expect([refused.status, refused.body]).toEqual([
		400,
		{
			error: expect.objectContaining({
				code: 'validation_error',
				problem: expect.stringContaining('body.nmae: Extra inputs are not permitted'),
				retryable: false,
				request_id: expect.stringMatching(/^req_/),
			}),
		},
	]);
	expect((await call('GET', '/api/v1/public/lead-lists?limit=0')).status).toBe(400);
	expect((await call('POST', '/api/v1/public/enrich/bulk', {})).status).toBe(422);
});

it('v2_validation: 400_envelope leaves a 422 that was ordered as a fault as it was ordered', async () => {
	await behave({ v2_validation: '400_envelope' });
	const fault = { type: 'status', status: 422, code: 'list_full', message: 'Full' };
	await steered.send('POST', '/reference/faults', { body: { fault } });
	expect(await call('GET', '/api/v2/whoami')).toMatchObject({
		status: 422,
		body: { error: { code: 'list_full', problem: 'Full' } },
	});
	expect(await call('GET', '/api/v1/public/enrich/status')).toMatchObject({
		status: 422,
		body: { detail: 'Full' },
	});
});

it('workflow_status_results: true adds the results to the counts', async () => {
	await behave({ workflow_status_results: true });
	const { workflow_id, task_ids } = await bulk();
	expect((await byWorkflow(workflow_id)).results).toEqual([]);
	await advance(2_000);
	const { results, summary } = await byWorkflow(workflow_id);
	expect(results.map(({ task_id }: Json) => task_id)).toEqual(task_ids);
	expect(summary.total).toBe(30);
	expect(results[0]).toEqual((await byTask(task_ids[0])).result);
});

it.each([
	['top_level', (body: Json, result: Json) => expect(body).toMatchObject(result), { status: 'processing' }],
	['results_0', (body: Json, result: Json) => expect(body.results).toEqual([result]), { results: [] }],
	['data_0', (body: Json, result: Json) => expect(body.data).toEqual([result]), { data: [] }],
])('task_result: %s puts the result there', async (place, expectIn, running) => {
	const { workflow_id, task_ids } = await bulk();
	await behave({ task_result: place });
	expect(await byTask(task_ids[0])).toMatchObject({ task_id: task_ids[0], workflow_id, ...running });
	await advance(2_000);
	const moved = await byTask(task_ids[0]);
	expect(moved).not.toHaveProperty('result');
	await behave({ task_result: 'result' });
	expectIn(moved, (await byTask(task_ids[0])).result);
	expect((await byTask('nobody')).detail).toContain('nobody');
});

describe('of webhooks', () => {
	let receiver: Awaited<ReturnType<typeof startReceiver>>;
	beforeEach(async () => void (receiver = await startReceiver()));
	afterEach(() => receiver.close());

	it('webhook_items: nested', async () => {
		await behave({ webhook_items: 'nested' });
		const { task_ids } = await bulk({ webhook_url: receiver.url });
		await advance(2_000);
		const { results } = receiver.received[0]!.body;
		const { result } = await byTask(task_ids[0]);
		expect(results).toHaveLength(30);
		expect(results[0]).toEqual({
			task_id: task_ids[0],
			status: result.status,
			prospect_id: null,
			lead_id: null,
			result: {
				email: result.primary_email,
				email_status: result.primary_email_status,
				other_emails: [],
				phones: result.personal_phone_numbers,
				linkedin_url: null,
				provider: null,
			},
			input: {
				first_name: 'First0',
				last_name: 'Last',
				company_name: 'Acme',
				company_domain: result.company.domain,
			},
		});
	});

	it('webhook_posts: 6', async () => {
		await behave({ webhook_posts: 6 });
		receiver.behave = answer(500);
		const { workflow_id } = await bulk({ webhook_url: receiver.url });
		await advance(120_000);
		expect(receiver.received).toHaveLength(6);
		const { deliveries } = (
			await call('GET', `/api/v1/public/webhooks/deliveries?workflow_id=${workflow_id}`)
		).body;
		expect(deliveries.map(({ attempted_at }: Json) => attempted_at.slice(14, 23))).toEqual([
			'00:01.500',
			'00:02.500',
			'00:04.500',
			'00:08.500',
			'00:16.500',
			'00:32.500',
		]);
	});

	it.each([
		['reliable', ['reliable', 'risky', 'unknown']],
		['valid', ['invalid', 'risky', 'unknown', 'valid']],
	])('email_statuses: %s, in status answers too', async (variant, known) => {
		await behave({ email_statuses: variant, workflow_status_results: true });
		const many = { contacts: contacts(250), webhook_url: receiver.url };
		const { workflow_id } = await bulk(many);
		await advance(2_000);
		const seen = (items: Json[]) =>
			[...new Set(items.map((item) => item.primary_email_status))].filter(Boolean).sort();
		expect(seen(receiver.received[0]!.body.results)).toEqual(known);
		expect(seen((await byWorkflow(workflow_id)).results)).toEqual(known);
	});
});

it('email_statuses: valid, in v2’s single result', async () => {
	await behave({ email_statuses: 'valid' });
	const { list_id } = (await call('POST', '/api/v2/lead-lists', { name: 'L' })).body;
	const seen = new Set<string>();
	for (let i = 0; i < 20; i++) {
		const who = { lead_list_id: list_id, email: `p${i}@acme.example`, enrichment_type: 'partial' };
		const { workflow_id } = (await call('POST', '/api/v2/enrichment/person', who)).body;
		await advance(2_000);
		seen.add((await call('GET', `/api/v2/enrichment/status/${workflow_id}`)).body.result.email_status);
	}
	expect(seen).toContain('valid');
	expect(seen).not.toContain('verified');
});

it('key_prefix: clapi_live_ begins the keys that are made from then on', async () => {
	await behave({ key_prefix: 'clapi_live_' });
	const { api_key } = (await steered.as(account.sessionToken)('POST', '/api/v1/api-keys', { name: 'New' }))
		.body;
	expect(api_key).toMatch(/^clapi_live_[\w-]{64}$/);
	expect((await steered.as(api_key)('GET', '/api/v2/whoami')).status).toBe(200);
	expect((await steered.account()).key).toMatch(/^clapi_live_/);
	expect((await call('GET', '/api/v2/whoami')).status).toBe(200);
});

it('scope_names: enrichment, wherever scopes are named', async () => {
	await behave({ scope_names: 'enrichment' });
	const { scopes } = (await call('GET', '/api/v2/whoami')).body;
	expect(scopes).toEqual(expect.arrayContaining(['enrichment:read', 'enrichment:write', 'lists:read']));
	expect(scopes).not.toContain('enrich:write');
	expect((await call('GET', '/api/v2/api-keys')).body.keys[0].scopes).toContain('enrichment:write');
	const poor = steered.as((await steered.account({ scopes: ['lists:read'] })).key);
	const { error } = (await poor('GET', '/api/v2/enrichment/status/x')).body;
	expect(error.details.required).toEqual(['enrichment:read']);
	expect(error.problem).toContain('enrichment:read');
});

it.each(['list_', 'll_'])('list_ids: %s, in answers and in requests', async (prefix) => {
	await behave({ list_ids: prefix });
	const receiver = await startReceiver();
	const { list_id } = (await call('POST', '/api/v2/lead-lists', { name: 'L' })).body;
	expect(list_id).toMatch(new RegExp(`^${prefix}[0-9a-f-]{36}$`));
	expect((await call('GET', `/api/v2/lead-lists/${list_id}`)).body.list_id).toBe(list_id);
	const person = await call('POST', '/api/v2/enrichment/person', {
		lead_list_id: list_id,
		email: 'a@b.example',
	});
	expect([person.status, person.body.lead_list_id]).toEqual([200, list_id]);
	expect((await call('GET', `/api/v2/export/json?list_id=${list_id}`)).body.list_id).toBe(list_id);
	const { workflow_id } = await bulk({ webhook_url: receiver.url });
	await advance(2_000);
	const protectedId = (await byWorkflow(workflow_id)).lead_list_id;
	expect(receiver.received[0]!.body.lead_list_id).toBe(protectedId);
	expect(protectedId).toMatch(new RegExp(`^${prefix}`));
	expect((await call('GET', '/api/v2/lead-lists')).body.lists.map((one: Json) => one.list_id)).toContain(
		protectedId,
	);
	expect((await call('DELETE', `/api/v2/lead-lists/${list_id}`)).body).toMatchObject({
		list_id,
		deleted: true,
	});
	await receiver.close();
});

it('cursors: numeric, and a walk with them sees everything once', async () => {
	await behave({ cursors: 'numeric' });
	const { workflow_id } = await bulk();
	await advance(2_000);
	const { lead_list_id } = await byWorkflow(workflow_id);
	for (let i = 0; i < 5; i++) await call('POST', '/api/v2/lead-lists', { name: `L${i}` });
	for (const [path, field, id] of [
		['/api/v2/lead-lists?limit=2', 'lists', 'list_id'],
		[`/api/v2/lead-lists/${lead_list_id}/leads?limit=7`, 'leads', 'lead_id'],
		[`/api/v2/export/json?list_id=${lead_list_id}&limit=7`, 'leads', 'email'],
	] as const) {
		const seen: unknown[] = [];
		let cursor: string | null = null;
		do {
			const page: Json = (await call('GET', cursor === null ? path : `${path}&cursor=${cursor}`)).body;
			seen.push(...page[field].map((row: Json) => row[id]));
			cursor = page.cursor;
			if (cursor !== null) expect(cursor).toMatch(/^\d+$/);
		} while (cursor !== null);
		expect(seen).toHaveLength(field === 'lists' ? 6 : 30);
		if (id !== 'email') expect(new Set(seen).size).toBe(seen.length);
		expect((await call('GET', `${path}&cursor=bGlzdHM6Mg`)).status).toBe(400);
	}
});

it('v2_status_of_bulk_ids: 404', async () => {
	const { workflow_id } = await bulk();
	expect((await call('GET', `/api/v2/enrichment/status/${workflow_id}`)).status).toBe(200);
	await behave({ v2_status_of_bulk_ids: '404' });
	for (const prefix of ['/api/v2', '/api/v1/public']) {
		const reply = await call('GET', `${prefix}/enrichment/status/${workflow_id}`);
		expect([reply.status, reply.body.error.code]).toEqual([404, 'not_found']);
	}
	expect((await byWorkflow(workflow_id)).status).toBe('processing');
});
