import type { IDataObject } from 'n8n-workflow';
import { contacts } from '../reference/harness.ts';
import { startBench } from './support/bench.ts';
import type { Bench, RunOptions } from './support/bench.ts';
import { liveIn } from './support/virtual-time.ts';

jest.mock('../../nodes/Cleanlist/transport/clock.ts', () => ({ now: jest.fn() }));
jest.mock('../../nodes/Cleanlist/transport/pause.ts', () => ({ pause: jest.fn() }));

const byId = (value: string) => ({ __rl: true, mode: 'id', value });

describe('Enrichment → Enrich List', () => {
	let bench: Bench;
	let list: string;
	beforeEach(async () => {
		bench = await startBench({ poor: { credits: 3 } });
		liveIn(bench.clock);
		const api = bench.accounts.api!;
		const { workflow_id } = await api.submit(contacts(20), { enrichment_type: 'none' });
		await bench.clock.advance(5_000);
		const source = (await api.get(`/api/v1/public/enrich/status?workflow_id=${workflow_id}`)).body
			.lead_list_id;
		const { leads } = (await api.get(`/api/v2/lead-lists/${source}/leads`)).body;
		list = (await api.call('POST', '/api/v2/lead-lists', { name: 'People 🚀' })).body.list_id;
		await api.call('POST', `/api/v2/lead-lists/${list}/leads`, {
			lead_ids: leads.map(({ lead_id }: IDataObject) => lead_id),
		});
	});
	afterEach(() => bench.close());

	const enrich = (parameters: IDataObject = {}, options?: RunOptions) =>
		bench.run(
			{
				resource: 'enrichment',
				operation: 'enrichList',
				enrichmentType: 'partial',
				leadList: byId(list),
				...parameters,
			},
			options,
		);
	const leadsWith = async (key: string) => {
		const { leads } = (await bench.accounts.api!.get(`/api/v2/lead-lists/${list}/leads`)).body;
		return leads.filter((lead: IDataObject) => lead[key] !== null).length as number;
	};
	const runs = () =>
		bench.reference.recorder
			.page(1_000, null)
			.requests.filter(({ operation }) => operation === 'enrich_list');

	it('starts it with a quote of its own, and does not wait', async () => {
		const { json, items } = await enrich();
		expect(json).toEqual([
			{
				status: 'pending',
				workflow_id: expect.stringMatching(/^bulk-enrich-/),
				lead_list_id: list,
				total_leads: 20,
				estimated_cost: 20,
				credits_reserved: 20,
			},
		]);
		expect(items[0]!.pairedItem).toEqual({ item: 0 });
		const get = { resource: 'enrichment', operation: 'get', workflowId: json[0]!.workflow_id as string };
		expect((await bench.run(get)).json[0]).toMatchObject({ finished: false, total: 20, lead_list_id: list });
		await bench.clock.advance(5_000);
		const done = (await bench.run(get)).json[0]!;
		expect(done).toMatchObject({ finished: true, status: 'completed', processed: 20 });
		expect(done.credits_used).toBe(await leadsWith('email'));
	});

	it('waits until it is over, on request', async () => {
		const { json } = await enrich({ waitForResult: true, enrichmentType: 'phone_only' });
		expect(Object.keys(json[0]!)).toHaveLength(10);
		const phones = await leadsWith('phone');
		expect(json[0]).toMatchObject({
			found: true,
			finished: true,
			status: 'completed',
			total: 20,
			emails_found: 0,
			phones_found: phones,
			credits_used: 10 * phones,
		});
	});

	it('enriches a list once that several items name, and counts its price once', async () => {
		const { json } = await enrich({ waitForResult: true }, { items: [{}, {}, {}] });
		expect(runs()).toHaveLength(1);
		expect(json[0]!.credits_used).toBeGreaterThan(0);
		expect(json.slice(1)).toEqual(Array(2).fill({ ...json[0], credits_used: 0 }));
	});

	it('spends no more than it may', async () => {
		const { error } = await enrich({ options: { mostCredits: 19 } });
		expect(error.message).toBe('The run may cost 20 credits, and 19 may be spent');
		expect(error.description).toContain('Nothing was started');
		expect(runs()).toEqual([]);
		expect((await enrich({ options: { mostCredits: 20 } })).json).toHaveLength(1);
	});

	it('runs with a quote that was got before, which pays once', async () => {
		const { json: quotes } = await bench.run({
			resource: 'account',
			operation: 'estimateCost',
			tool: 'enrich_list',
			enrichmentType: 'full',
			leadList: byId(list),
		});
		const options = { quoteId: '={{ $json.quote_id }}' };
		const run = () => enrich({ enrichmentType: 'full', options }, { items: quotes });
		expect((await run()).json[0]).toMatchObject({ estimated_cost: 220 });
		expect((await run()).error.httpCode).toBe('409');
	});

	it('says so when time is up, and goes on', async () => {
		bench.reference.control.setCompletion({ mode: 'after_ms', ms: 20 * 60_000 });
		const { json } = await enrich({ waitForResult: true, waitUpTo: 1 });
		expect(json[0]).toMatchObject({
			found: false,
			finished: false,
			status: 'timeout',
			credits_used: null,
			workflow_id: expect.stringMatching(/^bulk-enrich-/),
			lead_list_id: list,
		});
		const raw = await enrich({ waitForResult: true, waitUpTo: 1, output: 'raw' }, { items: [{}, {}] });
		expect(raw.json.map(({ credits_charged }) => credits_charged)).toEqual([null, null]);
	});

	it.each([
		['of nobody', async () => makeList(), {}, {}, 'There is no lead to work on'],
		['that is unknown', async () => 'nope', {}, {}, 'The lead list was not found'],
		['that is none', async () => '={{ $json.nothing }}', {}, {}, 'No lead list is chosen'],
		[
			'with a type that costs nothing',
			null,
			{ enrichmentType: 'none' },
			{},
			'There is no enrichment type "none"',
		],
		['with a made-up quote', null, { options: { quoteId: 'qte_x' } }, {}, 'quote'],
		['with a negative cap', null, { options: { mostCredits: -1 } }, {}, "'Most Credits to Spend' is -1"],
		['of another', null, {}, { api: 'poor' }, 'The lead list was not found'],
	])(
		'does not enrich a list %s',
		async (_, listOf, parameters: IDataObject, options: RunOptions, message) => {
			const leadList = byId(listOf ? await listOf() : list);
			const { error } = await enrich({ leadList, ...parameters }, options);
			expect(error.message).toContain(message);
			const { json } = await enrich(
				{ leadList, ...parameters },
				{ items: [{}, {}], onError: 'continueRegularOutput', ...options },
			);
			expect(json.map((item) => item.error)).toEqual(Array(2).fill(expect.stringContaining(message)));
		},
	);
	const makeList = async () =>
		(await bench.accounts.api!.call('POST', '/api/v2/lead-lists', { name: 'Empty' })).body.list_id as string;

	it('says how many credits are missing', async () => {
		const { listId } = await bench.reference.createList({
			ownerId: bench.accounts.poor!.userId,
			name: 'P',
			leads: contacts(4),
		});
		const { error } = await enrich({ leadList: byId(listId) }, { api: 'poor' });
		expect(error.message).toBe('Not enough Cleanlist credits: 1 are missing');
	});
});
