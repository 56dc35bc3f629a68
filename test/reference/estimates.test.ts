import { EstimateResponse, V2Error } from '../../relay/src/contract/index.ts';
import { canonicalJson } from '../../relay/src/reference/domain/canonical-json.ts';
import { startReference } from './harness.ts';
import type { Client, Harness, Json } from './harness.ts';

const LEADS = [1, 2, 3].map((n) => ({ first_name: `First${n}`, last_name: 'Last', company_name: 'Acme' }));

describe.each(['/api/v2', '/api/v1/public'])('estimates under %s', (prefix) => {
	let harness: Harness;
	let client: Client;
	let listId: string;
	let cohort: string;
	let leadIds: string[];
	beforeAll(async () => {
		harness = await startReference();
		client = await harness.client({ credits: 100 });
		({ listId } = await harness.reference.createList({ ownerId: client.userId, name: 'A', leads: LEADS }));
		const page = await client.get(`${prefix}/lead-lists/${listId}/leads`);
		cohort = page.body.task_id as string;
		leadIds = page.body.leads.map((lead: Json) => lead.lead_id as string);
	});
	afterAll(() => harness.close());

	const ask = (body: unknown, by = client) => by.call('POST', `${prefix}/credits/estimate`, body);
	const estimated = async (body: unknown) => {
		const reply = await ask(body);
		expect([reply.status, reply.body.error]).toEqual([200, undefined]);
		return EstimateResponse.parse(reply.body);
	};
	const refusal = async (body: unknown, by = client) => {
		const reply = await ask(body, by);
		const { error } = V2Error.parse(reply.body);
		return { status: reply.status, ...error };
	};

	it('gives a signed quote that holds for five minutes', async () => {
		const quote = await estimated({ tool: 'enrich_list', list_id: listId, scope: 'full' });
		const issued = Math.floor(harness.clock.now() / 1000);
		expect(quote).toEqual({
			quote_id: expect.stringMatching(new RegExp(`^qte_[0-9a-z]+_${issued}_[0-9a-f]{64}$`)),
			expires_at: issued + 300,
			estimated_cost: 33,
			tool: 'enrich_list',
			row_count: 3,
			filter_hash: 'none',
			available_credits: 100,
			sufficient: true,
		});
	});

	it('never gives the same quote twice, for the same question in the same second', async () => {
		const one = await estimated({ tool: 'enrich_person' });
		const two = await estimated({ tool: 'enrich_person' });
		expect(one.quote_id).not.toBe(two.quote_id);
		expect(one.quote_id.split('_').slice(0, 3)).toEqual(two.quote_id.split('_').slice(0, 3));
	});

	it.each([
		['enrich_list', { scope: 'partial', row_count: 7 }, 7],
		['enrich_list', { scope: 'phone-only', row_count: 7 }, 70],
		['enrich_list', { scope: 'full', row_count: 7 }, 77],
		['enrich_list', { row_count: 7 }, 7],
		['enrich_person', {}, 1],
		['enrich_person', { include_phone: true }, 10],
		['enrich_person', { enrichment_type: 'full', include_phone: true }, 11],
		['enrich_person', { enrichment_type: 'phone_only' }, 10],
		['enrich_person', { enrichment_type: 'phone_only', scope: 'phone-only' }, 10],
		['run_smart_agent', { row_count: 7 }, 7],
		['run_smart_agent', { agent_type: 'custom_ai', row_count: 7 }, 7],
		['run_smart_agent', { agent_type: 'cold_intro_email', row_count: 7 }, 21],
		['run_smart_agent', { agent_type: 'title_normalizer', row_count: 7 }, 7],
		['run_smart_agent', { row_count: 700, extra: { max_rows: 10, column_name: 'x', prompt: 'y' } }, 10],
		['add_person_enrichments', { data_points: ['LinkedIn'], row_count: 7 }, 7],
		['add_person_enrichments', { data_points: ['Email', 'LinkedIn'], row_count: 7 }, 7],
		['add_person_enrichments', { data_points: ['Phone'], row_count: 7 }, 70],
		['add_person_enrichments', { data_points: ['Phone', 'Email'], row_count: 7 }, 77],
		['add_company_enrichments', { row_count: 0 }, 0],
		['add_company_enrichments', { row_count: 1, data_points: ['Industry', 'TechStack'] }, 1],
		['add_company_enrichments', { row_count: 10 }, 1],
		['add_company_enrichments', { row_count: 11 }, 2],
		['bulk_import_csv', { enrichment_type: 'full', row_count: 600 }, 6_600],
		['sync_to_crm', { provider: 'hubspot', sub_action: 'push', row_count: 1_000 }, 0],
		['sync_to_sequencer', { row_count: 1_000 }, 0],
	])('prices %s with %j at %i', async (tool, more, cost) => {
		expect((await estimated({ tool, ...more })).estimated_cost).toBe(cost);
	});

	it('says when the credits do not suffice, to the credit', async () => {
		const enough = await estimated({ tool: 'enrich_list', row_count: 100 });
		expect([enough.available_credits, enough.sufficient]).toEqual([100, true]);
		expect((await estimated({ tool: 'enrich_list', row_count: 101 })).sufficient).toBe(false);
	});

	it('takes the row count of a list, a cohort or its part from its own data', async () => {
		const rows = async (more: object) => (await estimated({ ...more, row_count: 9_999 })).row_count;
		expect(await rows({ tool: 'enrich_list', list_id: listId })).toBe(3);
		expect(await rows({ tool: 'run_smart_agent', list_id: listId })).toBe(3);
		const points = { tool: 'add_person_enrichments', data_points: ['Email'], task_id: cohort };
		expect(await rows(points)).toBe(3);
		expect(await rows({ ...points, entity_ids: [leadIds[0], leadIds[0], 'nobody'] })).toBe(1);
		expect(await rows({ ...points, task_id: null, entity_ids: ['a', 'b', 'a'] })).toBe(2);
	});

	it('takes the caller’s row count where the list is only where leads go', async () => {
		const quote = await estimated({ tool: 'bulk_import_csv', list_id: listId, row_count: 40 });
		expect(quote.row_count).toBe(40);
		expect((await estimated({ tool: 'enrich_person', list_id: listId })).row_count).toBe(1);
	});

	it('hashes filters by what they say, not by how it is written', async () => {
		const hash = async (filters: object | null) =>
			(await estimated({ tool: 'enrich_person', filters })).filter_hash;
		const one = await hash({ title: ['CEO', 'CTO'], size: { min: 1, max: 2 } });
		expect(one).toMatch(/^[0-9a-f]{64}$/);
		expect(await hash({ size: { max: 2, min: 1 }, title: ['CEO', 'CTO'] })).toBe(one);
		expect(await hash({ size: { max: 2, min: 1 }, title: ['CTO', 'CEO'] })).not.toBe(one);
		expect(await hash({})).toBe('none');
		expect(await hash(null)).toBe('none');
	});

	it('survives filters nested a hundred thousand deep', async () => {
		const nested = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
		const reply = await ask(`{"tool":"enrich_person","filters":{"deep":${nested}}}`);
		expect(reply.status).toBe(200);
	});

	it.each([
		['an unknown tool', { tool: 'mine_gold' }],
		['a tool’s name in another case', { tool: 'Enrich_List', row_count: 1 }],
		[
			'a key of extra that the tool does not know',
			{ tool: 'enrich_list', row_count: 1, extra: { max_rows: 1 } },
		],
		['an unknown key of extra', { tool: 'run_smart_agent', row_count: 1, extra: { max_rows: 1, nope: 1 } }],
		['max_rows of 0', { tool: 'run_smart_agent', row_count: 1, extra: { max_rows: 0 } }],
		['max_rows of 10,001', { tool: 'run_smart_agent', row_count: 1, extra: { max_rows: 10_001 } }],
		['max_rows of a half', { tool: 'run_smart_agent', row_count: 1, extra: { max_rows: 0.5 } }],
		['max_rows as text', { tool: 'run_smart_agent', row_count: 1, extra: { max_rows: '5' } }],
		['an unknown scope', { tool: 'enrich_list', row_count: 1, scope: 'phone_only' }],
		['an unknown enrichment type', { tool: 'enrich_person', enrichment_type: 'phone-only' }],
		['type and scope at odds', { tool: 'enrich_person', enrichment_type: 'full', scope: 'partial' }],
		['an unknown agent', { tool: 'run_smart_agent', row_count: 1, agent_type: 'james_bond' }],
		['no data points', { tool: 'add_person_enrichments', row_count: 1, data_points: [] }],
		['an unknown data point', { tool: 'add_person_enrichments', row_count: 1, data_points: ['Industry'] }],
		['a person’s data point', { tool: 'add_company_enrichments', row_count: 1, data_points: ['Email'] }],
		['nothing to count', { tool: 'enrich_list' }],
	])('refuses %s: 400', async (_, body) => {
		const { status, code, problem } = await refusal(body);
		expect([status, code]).toEqual([400, 'validation_error']);
		expect(problem).toMatch(/\w{3,}.*\.$/);
	});

	it.each([
		['no tool', {}, 'tool'],
		['an unknown field', { tool: 'enrich_person', webhook_url: 'x' }, 'webhook_url'],
		['a negative row count', { tool: 'enrich_list', row_count: -1 }, 'row_count'],
		['a row count beyond a billion', { tool: 'enrich_list', row_count: 1_000_000_001 }, 'row_count'],
		['a fraction of a row', { tool: 'enrich_list', row_count: 1.5 }, 'row_count'],
		['include_phone as text', { tool: 'enrich_person', include_phone: 'yes' }, 'include_phone'],
	])('refuses %s: 422', async (_, body, field) => {
		const reply = await ask(body);
		expect(reply.status).toBe(422);
		expect(reply.body.detail[0].loc).toEqual(['body', field]);
	});

	it('prices a billion rows', async () => {
		const quote = await estimated({ tool: 'enrich_list', scope: 'full', row_count: 1_000_000_000 });
		expect(quote.estimated_cost).toBe(11_000_000_000);
	});

	it('hides lists and cohorts of others: 404', async () => {
		const stranger = await harness.client();
		for (const body of [
			{ tool: 'enrich_list', list_id: listId },
			{ tool: 'add_person_enrichments', data_points: ['Email'], task_id: cohort },
			{ tool: 'bulk_import_csv', list_id: listId, row_count: 1 },
		]) {
			expect(await refusal(body, stranger)).toMatchObject({ status: 404, code: 'not_found' });
		}
		expect(await refusal({ tool: 'add_company_enrichments', task_id: 'cl-task_nope' })).toMatchObject({
			status: 404,
		});
	});
});

describe('a quote', () => {
	let harness: Harness;
	let client: Client;
	beforeEach(async () => {
		harness = await startReference();
		client = await harness.client();
	});
	afterEach(() => harness.close());

	const listOf = async (name: string, size: number) =>
		(
			await harness.reference.createList({
				ownerId: client.userId,
				name,
				leads: Array.from({ length: size }, (_, n) => ({ email: `${name}${n}@example.com` })),
			})
		).listId;
	const quote = async (body: object, by = client): Promise<string> => {
		const reply = await by.call('POST', '/api/v2/credits/estimate', body);
		expect(reply.status).toBe(200);
		return reply.body.quote_id as string;
	};
	const enrich = async (listId: string, quoteId: string, scope = 'partial', by = client) => {
		const reply = await by.call('POST', '/api/v2/enrichment/bulk', {
			list_id: listId,
			quote_id: quoteId,
			scope,
		});
		return [reply.status, reply.body.error?.code ?? reply.body.status];
	};

	it('works once: 409 the second time', async () => {
		const listId = await listOf('a', 2);
		const quoteId = await quote({ tool: 'enrich_list', list_id: listId });
		expect(await enrich(listId, quoteId)).toEqual([200, 'pending']);
		expect(await enrich(listId, quoteId)).toEqual([409, 'quote_used']);
		await harness.clock.advance(301_000);
		expect(await enrich(listId, quoteId)).toEqual([409, 'quote_used']);
	});

	it('holds for five minutes and not a second longer', async () => {
		const listId = await listOf('a', 2);
		const [first, second] = [
			await quote({ tool: 'enrich_list', list_id: listId }),
			await quote({ tool: 'enrich_list', list_id: listId }),
		];
		await harness.clock.advance(299_999);
		expect(await enrich(listId, first)).toEqual([200, 'pending']);
		await harness.clock.advance(1);
		expect(await enrich(listId, second)).toEqual([400, 'quote_expired']);
	});

	it('is for one tool, list and type', async () => {
		const [one, other] = [await listOf('a', 2), await listOf('b', 2)];
		const quoteId = await quote({ tool: 'enrich_list', list_id: one, scope: 'full' });
		expect(await enrich(other, quoteId, 'full')).toEqual([400, 'quote_mismatch']);
		expect(await enrich(one, quoteId, 'partial')).toEqual([400, 'quote_mismatch']);
		const agent = await quote({ tool: 'run_smart_agent', list_id: one });
		expect(await enrich(one, agent)).toEqual([400, 'quote_mismatch']);
		const nowhere = await quote({ tool: 'enrich_list', row_count: 2 });
		expect(await enrich(one, nowhere)).toEqual([400, 'quote_mismatch']);
		// None of this has used it up.
		expect(await enrich(one, quoteId, 'full')).toEqual([200, 'pending']);
	});

	it('says what differs', async () => {
		const [one, other] = [await listOf('a', 2), await listOf('b', 2)];
		const quoteId = await quote({ tool: 'enrich_list', list_id: one });
		const body = { list_id: other, quote_id: quoteId, scope: 'full' };
		const { error } = (await client.call('POST', '/api/v2/enrichment/bulk', body)).body;
		expect(error.problem).toContain('type: partial was quoted, full is called');
		expect(error.problem).toContain(`list_id: ${one} was quoted, ${other} is called`);
	});

	it('caps what may be spent, and lets less through', async () => {
		const listId = await listOf('a', 2);
		const [low, high] = [
			await quote({ tool: 'enrich_list', list_id: listId }),
			await quote({ tool: 'enrich_list', list_id: listId }),
		];
		const { body: page } = await client.get(`/api/v2/lead-lists/${await listOf('b', 1)}/leads`);
		const path = `/api/v2/lead-lists/${listId}/leads`;
		const lead = { lead_ids: [page.leads[0].lead_id] };
		await client.call('POST', path, lead);
		const over = await client.call('POST', '/api/v2/enrichment/bulk', { list_id: listId, quote_id: low });
		expect(over.status).toBe(400);
		expect(V2Error.parse(over.body).error).toMatchObject({
			code: 'spend_cap_exceeded',
			estimated_cost_credits: 3,
			details: { quoted_credits: 2 },
		});
		await client.call('DELETE', path, lead);
		const { body: left } = await client.get(path);
		await client.call('DELETE', path, { lead_ids: [left.leads[0].lead_id] });
		expect(await enrich(listId, high)).toEqual([200, 'pending']);
	});

	it('is not used up by a call that fails for want of credits', async () => {
		const poor = await harness.client({ credits: 1 });
		const { listId } = await harness.reference.createList({
			ownerId: poor.userId,
			name: 'A',
			leads: [{ email: 'a@example.com' }, { email: 'b@example.com' }],
		});
		const quoteId = await quote({ tool: 'enrich_list', list_id: listId }, poor);
		expect(await enrich(listId, quoteId, 'partial', poor)).toEqual([400, 'insufficient_credits']);
		expect(await enrich(listId, quoteId, 'partial', poor)).toEqual([400, 'insufficient_credits']);
	});

	it('is its owner’s: a teammate’s and a stranger’s are unknown', async () => {
		const mate = await harness.client({ organizationId: client.organizationId });
		const listId = await listOf('a', 2);
		await harness.reference.shareList(listId, 'organization');
		const theirs = await quote({ tool: 'enrich_list', list_id: listId }, mate);
		expect(await enrich(listId, theirs)).toEqual([400, 'quote_invalid']);
	});

	it('can’t be made up', async () => {
		const listId = await listOf('a', 2);
		const real = await quote({ tool: 'enrich_list', list_id: listId });
		const [, kid, issued, signature] = real.split('_') as [string, string, string, string];
		for (const made of [
			'nonsense',
			'qte_',
			`qte_${kid}_${issued}_${'0'.repeat(64)}`,
			`qte_${kid}_${Number(issued) + 1}_${signature}`,
			`qte_x_${issued}_${signature}`,
			real.toUpperCase(),
			`${real}0`,
			'x'.repeat(100_000),
		]) {
			expect(await enrich(listId, made)).toEqual([400, 'quote_invalid']);
		}
		expect(await enrich(listId, real)).toEqual([200, 'pending']);
	});

	it('is still known a day after it expired, and then forgotten', async () => {
		const listId = await listOf('a', 2);
		const quoteId = await quote({ tool: 'enrich_list', list_id: listId });
		await harness.clock.advance(24 * 60 * 60 * 1000);
		await quote({ tool: 'enrich_person' });
		expect(await enrich(listId, quoteId)).toEqual([400, 'quote_expired']);
		await harness.clock.advance(301_000);
		await quote({ tool: 'enrich_person' });
		expect(await enrich(listId, quoteId)).toEqual([400, 'quote_invalid']);
	});
});

it('canonical JSON is JSON, whatever the value', () => {
	const values = [
		null,
		true,
		0,
		-1.5,
		'a"\u2028',
		[],
		{},
		[1, [2, {}]],
		{ b: [], a: { d: 1, c: [null, 'x'] } },
	];
	for (const value of values) expect(JSON.parse(canonicalJson(value))).toEqual(value);
	expect(canonicalJson({ b: 1, a: [{ d: 1, c: 2 }] })).toBe('{"a":[{"c":2,"d":1}],"b":1}');
	expect(canonicalJson({ é: 1, z: 2, 'a b': 3 })).toBe('{"a b":3,"z":2,"é":1}');
});
