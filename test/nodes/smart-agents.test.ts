import type { IDataObject } from 'n8n-workflow';
import { contacts } from '../reference/harness.ts';
import { cleanlistCredential, engineWith, runCleanlist, startBench } from './support/bench.ts';
import type { Bench, RunOptions } from './support/bench.ts';
import { json as answerJson, reset, startServer } from './support/scripted-server.ts';
import type { Answer } from './support/scripted-server.ts';

const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const CUSTOM = {
	resource: 'smartAgent',
	operation: 'run',
	agentType: 'custom_ai',
	prompt: 'Say something about them',
	columnName: 'Intro 🚀',
	leadScope: 'subset',
	maxRows: 100,
};

describe('Smart Agent', () => {
	let bench: Bench;
	let list: string;
	beforeEach(async () => {
		bench = await startBench({ reader: { scopes: ['lists:read', 'credits:read'] } });
		const api = bench.accounts.api!;
		await api.submit(contacts(4));
		list = (await api.get('/api/v2/lead-lists')).body.lists[0].list_id;
	});
	afterEach(() => bench.close());
	const start = (parameters: IDataObject = {}, options?: RunOptions) =>
		bench.run({ ...CUSTOM, leadList: byId(list), ...parameters }, options);
	const get = (parameters: IDataObject, options?: RunOptions) =>
		bench.run({ resource: 'smartAgent', operation: 'get', ...parameters }, options);
	const getAll = (parameters: IDataObject = {}, options?: RunOptions) =>
		bench.run({ resource: 'smartAgent', operation: 'getAll', runsOn: 'all', ...parameters }, options);

	it('runs, item by item, with a quote that it gets by itself, and its results are had by its ID', async () => {
		const { json, items } = await start(
			{ columnName: '={{ $json.column }}', agentType: '={{ $json.agent }}' },
			{
				items: [
					{ column: 'Intro 🚀', agent: 'custom_ai' },
					{ column: 'Mail', agent: 'cold_intro_email' },
				],
			},
		);
		expect(json).toEqual([
			expect.objectContaining({
				list_id: list,
				column_name: 'Intro 🚀',
				status: 'pending',
				estimated_cost: 4,
			}),
			expect.objectContaining({ column_name: 'Mail', estimated_cost: 12 }),
		]);
		expect(json[0]).not.toHaveProperty('message');
		expect(items.map((item) => item.pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);

		const chosen = { run: byId('={{ $json.smart_agent_task_id }}') };
		const early = await get({ ...chosen, returnAs: 'leads' }, { items: json });
		expect(early.items).toEqual([]);
		await bench.clock.advance(10_000);
		const done = await get({ ...chosen, returnAs: 'run' }, { items: json });
		expect(done.json[0]).toMatchObject({ status: 'completed', total: 4, results: expect.any(Array) });
		const leads = await get({ ...chosen, returnAs: 'leads' }, { items: json });
		expect(leads.json).toHaveLength(8);
		expect(leads.json[0]).toMatchObject({
			lead_id: expect.any(String),
			smart_agent_task_id: json[0]!.smart_agent_task_id,
			run_status: 'completed',
		});
		expect(leads.items.map((item) => (item.pairedItem as { item: number }).item)).toEqual([
			0, 0, 0, 0, 1, 1, 1, 1,
		]);
	});

	it('runs with a quote that was got before, which pays once', async () => {
		const { json: quotes } = await bench.run({
			resource: 'account',
			operation: 'estimateCost',
			tool: 'run_smart_agent',
			agentType: 'custom_ai',
			leadList: byId(list),
		});
		const options = { quoteId: '={{ $json.quote_id }}' };
		expect((await start({ options }, { items: quotes })).json).toHaveLength(1);
		const again = await start({ options, columnName: 'Other' }, { items: quotes });
		expect(again.error.httpCode).toBe('409');
	});

	it('spends no more than it may', async () => {
		const { error } = await start({ options: { mostCredits: 3 } });
		expect(error.message).toBe('The run may cost 4 credits, and 3 may be spent');
		expect(error.description).toContain('Nothing was started');
		expect((await getAll()).items).toEqual([]);
		expect((await start({ maxRows: 3, options: { mostCredits: 3 } })).json).toHaveLength(1);
		expect((await start({ columnName: 'B', options: { mostCredits: 4 } })).json).toHaveLength(1);
	});

	it.each([
		['without a prompt', { prompt: '={{ " " }}' }, 'The prompt is empty'],
		['without a column', { columnName: '={{ $json.nothing }}' }, 'The name of the column is empty'],
		['into a column that every list has', { columnName: 'Email' }, 'Email'],
		['on an unknown list', { leadList: byId('nope') }, 'The lead list was not found'],
		['on 0 leads', { maxRows: 0 }, "'Most Leads' is 0"],
		['on 10,001 leads', { maxRows: 10_001 }, "'Most Leads' is 10001"],
		['of an unknown kind', { agentType: '={{ "poet" }}' }, 'poet'],
		['with a negative cap', { options: { mostCredits: -1 } }, "'Most Credits to Spend' is -1"],
		['with both a quote and a cap', { options: { mostCredits: 1, quoteId: 'q' } }, 'do not go together'],
		['with a made-up quote', { options: { quoteId: 'qte_x' } }, 'quote'],
	])('does not run %s', async (_, parameters, message) => {
		const { error } = await start(parameters);
		expect(error.message).toContain(message);
		expect(error.context.itemIndex).toBe(0);
		const { json, items } = await start(parameters, { items: [{}, {}], onError: 'continueRegularOutput' });
		expect(json.map((entry) => entry.error)).toEqual(Array(2).fill(expect.stringContaining(message)));
		expect(items.map((item) => item.pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
		expect((await getAll()).items).toEqual([]);
	});

	it.each([
		['run', { ...CUSTOM, leadList: byId('x') }, 'smart_agents:write'],
		['get', { run: byId('x') }, 'smart_agents:read'],
		['getAll', { runsOn: 'all' }, 'smart_agents:read'],
	])('%s without its scope names it', async (operation, parameters, scope) => {
		const { error } = await bench.run(
			{ resource: 'smartAgent', ...parameters, leadList: byId(list), operation, options: { quoteId: 'q' } },
			{ api: 'reader' },
		);
		expect(error.message).toBe(`The API key lacks the scope ${scope}`);
	});

	it.each(['run', 'get', 'getAll'])('%s does nothing with no items', async (operation) => {
		const parameters = { ...CUSTOM, operation, leadList: byId(list), run: byId('r') };
		const { run, items } = await bench.run(parameters, { items: [] });
		expect([run.status, items]).toEqual(['success', []]);
	});

	it.each([
		['unknown', 'nope', 'The smart agent run was not found'],
		['empty', '={{ $json.nothing }}', 'The ID of the run is empty'],
		['with a path in it', '../whoami', 'The smart agent run was not found'],
	])('has no run under an ID that is %s', async (_, runId, message) => {
		expect((await get({ run: byId(runId) })).error.message).toBe(message);
		const { json } = await get({ run: byId(runId) }, { items: [{}, {}], onError: 'continueRegularOutput' });
		expect(json.map((entry) => entry.error)).toEqual([message, message]);
	});

	it('lists its runs, of all lists or of one, up to the limit', async () => {
		const { body } = await bench.accounts.api!.call('POST', '/api/v2/lead-lists', { name: 'Other' });
		for (const columnName of ['A', 'B', 'C']) await start({ columnName });
		const columns = async (parameters: IDataObject) =>
			(await getAll(parameters)).json.map(({ column_name }) => column_name);
		expect((await columns({})).toSorted()).toEqual(['A', 'B', 'C']);
		expect(await columns({ limit: 2 })).toHaveLength(2);
		expect(await columns({ returnAll: true })).toHaveLength(3);
		expect(await columns({ runsOn: 'list', leadList: byId(list) })).toHaveLength(3);
		expect(await columns({ runsOn: 'list', leadList: byId(body.list_id) })).toEqual([]);
	});

	it('offers its runs to choose from, by what their users know of them', async () => {
		for (const columnName of ['Intro 🚀', 'Pain']) await start({ columnName });
		const node = {
			name: 'Cleanlist',
			type: 'n8n-nodes-cleanlist.cleanlist',
			credentials: { cleanlistApi: { id: 'api', name: 'api' } },
		};
		const offered = (filter?: string) =>
			bench.engine.listSearch({ nodes: [node], connections: {} }, 'Cleanlist', 'searchAgentRuns', { filter });
		const { results, paginationToken } = await offered();
		expect(paginationToken).toBeUndefined();
		expect(results.map(({ name }) => name).toSorted()).toEqual([
			'Intro 🚀 · Custom · pending · 2026-01-05',
			'Pain · Custom · pending · 2026-01-05',
		]);
		const { results: found } = await offered(' INTRO');
		expect(found).toHaveLength(1);
		const { json } = await get({ run: { __rl: true, mode: 'list', value: found[0]!.value } });
		expect(json[0]).toMatchObject({ smart_agent_task_id: found[0]!.value, status: 'pending' });
		expect((await offered('none')).results).toEqual([]);
	});

	it.each([
		['of no list', { runsOn: 'list', leadList: byId('={{ $json.nothing }}') }, 'No lead list is chosen'],
		['of an unknown list', { runsOn: 'list', leadList: byId('nope') }, 'The lead list was not found'],
		['up to 0', { limit: 0 }, "'Limit' is 0"],
		['up to 101', { limit: 101 }, "'Limit' is 101"],
	])('does not list its runs %s', async (_, parameters, message) => {
		expect((await getAll(parameters)).error.message).toContain(message);
		const { json } = await getAll(parameters, { items: [{}, {}], onError: 'continueRegularOutput' });
		expect(json.map((entry) => entry.error)).toEqual(Array(2).fill(expect.stringContaining(message)));
	});
});

describe('the requests of Smart Agent → Run', () => {
	async function runAgainst(answer: Answer) {
		const api = await startServer(answer);
		const engine = engineWith({ api: cleanlistCredential('clapi_x', api.url) });
		const result = await runCleanlist(engine, { ...CUSTOM, leadList: byId('l') });
		await engine.close();
		await api.close();
		return { ...result, seen: api.seen };
	}
	const started = answerJson(200, { smart_agent_task_id: 't', status: 'pending' });

	it('get along with an estimate that takes no details', async () => {
		const { json, seen } = await runAgainst((response, request, nth) => {
			const { extra } = request.body as { extra?: unknown };
			if (!request.path.endsWith('/estimate')) return started(response, request, nth);
			const answer = extra
				? answerJson(400, { error: { code: 'validation_error', problem: 'Unknown key in extra' } })
				: answerJson(200, { quote_id: 'q', estimated_cost: 5 });
			return answer(response, request, nth);
		});
		expect(json).toEqual([{ smart_agent_task_id: 't', status: 'pending' }]);
		expect(seen.map(({ path }) => path.split('/').at(-1))).toEqual(['estimate', 'estimate', 'run']);
		expect(seen[2]!.body).toMatchObject({ quote_id: 'q', max_rows: 100 });
	});

	it.each([
		['a broken connection', reset],
		['a server error', answerJson(500, {})],
	])('are not repeated after %s, and say that the charge is unknown', async (_, failure) => {
		const { error, seen } = await runAgainst((response, request, nth) =>
			(nth === 1 ? answerJson(200, { quote_id: 'q', estimated_cost: 5 }) : failure)(response, request, nth),
		);
		expect(seen).toHaveLength(2);
		expect(error.description).toContain('unknown');
		expect(error.description).toContain('Smart Agent → Get Many');
	});
});
