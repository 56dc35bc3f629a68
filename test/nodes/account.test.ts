import type { IDataObject } from 'n8n-workflow';
import { contacts } from '../reference/harness.ts';
import { startBench } from './support/bench.ts';
import type { Bench, RunOptions } from './support/bench.ts';

const byId = (value: string) => ({ __rl: true, mode: 'id', value });

describe('Account', () => {
	let bench: Bench;
	beforeEach(async () => {
		bench = await startBench({
			api: { name: 'Ada 🚀', email: 'ada@example.com', credits: 40 },
			reader: { scopes: ['lists:read'] },
			appsumo: { tier: 'free', appsumoTier: 5 },
			free: { tier: 'free' },
		});
	});
	afterEach(() => bench.close());
	const run = (operation: string, parameters: IDataObject = {}, options?: RunOptions) =>
		bench.run({ resource: 'account', operation, ...parameters }, options);

	it.each(['get', 'getCreditBalance', 'getApiKeys', 'getUsage'])(
		'%s asks once for each item, and nothing without one',
		async (operation) => {
			const { items } = await run(operation, { days: 7, groupBy: 'tool' }, { items: [{ n: 1 }, { n: 2 }] });
			expect(items.map((item) => item.pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
			const none = await run(operation, {}, { items: [] });
			expect([none.run.status, none.items]).toEqual(['success', []]);
		},
	);

	it.each(['get', 'getCreditBalance', 'getApiKeys', 'getUsage', 'estimateCost'])(
		'%s with a wrong key fails, or gives an error item',
		async (operation) => {
			const parameters = { days: 7, groupBy: 'tool', tool: 'enrich_person', rowCount: 1 };
			const { error } = await run(operation, parameters, { api: 'wrong' });
			expect(error.message).toBe('Cleanlist does not accept the API key');
			const { json, items } = await run(operation, parameters, {
				api: 'wrong',
				items: [{}, {}],
				onError: 'continueRegularOutput',
			});
			expect(json.map(({ error: text }) => text)).toEqual(
				Array(2).fill('Cleanlist does not accept the API key'),
			);
			expect(items.map((item) => item.pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
		},
	);

	it.each([
		['getCreditBalance', 'credits:read'],
		['estimateCost', 'credits:read'],
		['getApiKeys', 'admin:api_keys'],
		['getUsage', 'admin:api_keys'],
	])('%s without its scope names it, and those that were granted', async (operation, scope) => {
		const parameters = { days: 7, groupBy: 'tool', tool: 'enrich_person', rowCount: 1 };
		const { error } = await run(operation, parameters, { api: 'reader' });
		expect(error.message).toBe(`The API key lacks the scope ${scope}`);
		expect(error.description).toContain('lists:read');
	});

	it('says who the key belongs to, and what it may do', async () => {
		const { json } = await run('get');
		expect(json).toEqual([
			expect.objectContaining({
				user_email: 'a***@example.com',
				auth_type: 'api_key',
				tier: 'pro',
				scopes: expect.arrayContaining(['lists:read']),
				features: expect.arrayContaining(['enrich_email']),
			}),
		]);
		expect(json[0]).not.toHaveProperty('agent_instructions');
	});

	it('shows by the features what a plan includes, where the tier says less, and without any scope', async () => {
		const { json } = await run('get', {}, { api: 'appsumo' });
		expect(json[0]).toMatchObject({ tier: 'free', appsumo_tier: 5 });
		const { json: free } = await run('get', {}, { api: 'free' });
		expect((json[0]!.features as string[]).length).toBeGreaterThan((free[0]!.features as string[]).length);
		expect((await run('get', {}, { api: 'reader' })).json[0]).toMatchObject({ scopes: ['lists:read'] });
	});

	it('gives the balance as a number', async () => {
		expect((await run('getCreditBalance')).json).toEqual([
			{ organization_id: expect.any(String), credits: 40 },
		]);
	});

	it('lists the keys without their secrets', async () => {
		const { json } = await run('getApiKeys');
		expect(json).toEqual([
			expect.objectContaining({
				key_prefix: 'clapi_',
				key_last4: expect.stringMatching(/^.{4}$/),
				is_active: true,
			}),
		]);
	});

	describe('a usage report', () => {
		it.each(['tool', 'key', 'day', 'error'])('is grouped by %s, whatever the item wants', async (group) => {
			await run('getCreditBalance');
			const { json } = await run(
				'getUsage',
				{ days: '={{ $json.days }}', groupBy: '={{ $json.group }}' },
				{ items: [{ days: 30, group }] },
			);
			expect(json).toEqual([expect.objectContaining({ days: 30, group_by: group, rows: expect.any(Array) })]);
		});

		it.each([0, 366, 1.5, 'week'])('of %s days is refused', async (days) => {
			const { error } = await run('getUsage', { days: `={{ ${JSON.stringify(days)} }}`, groupBy: 'tool' });
			expect(error.message).toContain("'Days'");
			expect(error.message).toContain('1 to 365');
		});

		it('by something else is refused by the API, naming the parameter', async () => {
			const { error } = await run('getUsage', { days: 7, groupBy: '={{ "planet" }}' });
			expect(error.message).toContain("'Group By'");
		});
	});

	describe('an estimate', () => {
		const estimate = (parameters: IDataObject, options?: RunOptions) =>
			run('estimateCost', parameters, options);

		it('says the most it costs, whether the credits suffice, and until when the quote holds', async () => {
			const { json, items } = await estimate(
				{ tool: 'enrich_person', rowCount: '={{ $json.rows }}', enrichmentType: '={{ $json.type }}' },
				{
					items: [
						{ rows: 3, type: 'full' },
						{ rows: 40, type: 'partial' },
						{ rows: 5, type: 'phone_only' },
					],
				},
			);
			expect(json).toEqual([
				{
					tool: 'enrich_person',
					estimated_cost: 33,
					available_credits: 40,
					sufficient: true,
					shortfall: 0,
					row_count: 3,
					quote_id: expect.stringMatching(/^qte_/),
					quote_expires_at: new Date((Math.floor(bench.clock.now() / 1000) + 300) * 1000).toISOString(),
				},
				expect.objectContaining({ estimated_cost: 40, sufficient: true, shortfall: 0 }),
				expect.objectContaining({ estimated_cost: 50, sufficient: false, shortfall: 10 }),
			]);
			expect(items.map((item) => item.pairedItem)).toEqual([0, 1, 2].map((item) => ({ item })));
		});

		it.each([
			['enrich_list', { enrichmentType: 'phone_only' }],
			['run_smart_agent', { agentType: 'cold_intro_email' }],
			['sync_to_crm', { provider: 'hubspot' }],
			['sync_to_sequencer', {}],
		])('for %s counts the leads of the list', async (tool, parameters) => {
			const { json: lists } = await bench.run({
				resource: 'leadList',
				operation: 'create',
				name: 'L',
			});
			const leadList = byId(lists[0]!.list_id as string);
			const { json } = await estimate({ tool, leadList, ...parameters });
			expect(json).toEqual([expect.objectContaining({ tool, row_count: 0, estimated_cost: 0 })]);
			const { error } = await estimate({ tool, leadList: byId('nope'), ...parameters });
			expect(error.message).toBe('The lead list was not found');
		});

		it('for the rows of a file is by their number', async () => {
			const { json } = await estimate({ tool: 'bulk_import_csv', rowCount: 2, enrichmentType: 'phone_only' });
			expect(json).toEqual([expect.objectContaining({ tool: 'bulk_import_csv', estimated_cost: 20 })]);
		});

		it.each(['add_person_enrichments', 'add_company_enrichments'])(
			'for %s needs a cohort that exists, and data points',
			async (tool) => {
				const points = { personDataPoints: ['Email'], companyDataPoints: ['Industry'] };
				const unknown = await estimate({ tool, cohortTaskId: 'nope', ...points });
				expect(unknown.error.message).toBe('The cohort was not found');
				const empty = await estimate({ tool, cohortTaskId: ' ', ...points });
				expect(empty.error.message).toBe('The ID of the cohort is empty');
				const none = await estimate({
					tool,
					cohortTaskId: 'x',
					personDataPoints: '={{ [] }}',
					companyDataPoints: '={{ [] }}',
				});
				expect(none.error.message).toBe('No data point is chosen');
			},
		);

		it('for a cohort counts who is in it', async () => {
			const api = bench.accounts.api!;
			await api.submit(contacts(3));
			const { body: lists } = await api.get('/api/v2/lead-lists');
			const { body: page } = await api.get(`/api/v2/lead-lists/${lists.lists[0].list_id}/leads`);
			const cohort = {
				tool: 'add_person_enrichments',
				cohortTaskId: page.task_id as string,
				personDataPoints: ['Email', 'Phone'],
			};
			const { json } = await estimate(cohort);
			expect(json).toEqual([expect.objectContaining({ row_count: 3, estimated_cost: 33 })]);
			expect((await estimate(cohort, { api: 'appsumo' })).error.message).toBe('The cohort was not found');
		});

		it.each([0, -1, 1.5, 'many'])('of %s people is refused, and the others are not', async (rows) => {
			const { json } = await estimate(
				{ tool: 'enrich_person', rowCount: '={{ $json.rows }}', enrichmentType: 'partial' },
				{ items: [{ rows: 1 }, { rows }, { rows: 2 }], onError: 'continueRegularOutput' },
			);
			expect(json).toEqual([
				expect.objectContaining({ estimated_cost: 1 }),
				expect.objectContaining({ details: { parameter: 'Number of People' } }),
				expect.objectContaining({ estimated_cost: 2 }),
			]);
		});
	});
});
