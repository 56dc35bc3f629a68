import type { IDataObject } from 'n8n-workflow';
import { contacts } from '../reference/harness.ts';
import { itemsOf, SET_NODE } from '../support/n8n-engine.ts';
import { cleanlistCredential, engineWith, runCleanlist, startBench } from './support/bench.ts';
import type { Bench, RunOptions } from './support/bench.ts';
import { json as answerJson, startServer } from './support/scripted-server.ts';

const byId = (value: string) => ({ __rl: true, mode: 'id', value });

describe('leads of a list', () => {
	let bench: Bench;
	let source: string;
	let target: string;
	let leadIds: string[];
	beforeEach(async () => {
		bench = await startBench({ reader: { scopes: ['lists:read'] } });
		const api = bench.accounts.api!;
		await api.submit(contacts(4));
		source = (await api.get('/api/v2/lead-lists')).body.lists[0].list_id;
		leadIds = (await idsOn(source)).toSorted();
		target = await makeList('Target 🚀');
	});
	afterEach(() => bench.close());

	const makeList = async (name: string): Promise<string> =>
		(await bench.accounts.api!.call('POST', '/api/v2/lead-lists', { name })).body.list_id;
	const page = async (list: string) =>
		(await bench.accounts.api!.get(`/api/v2/lead-lists/${list}/leads?limit=500`)).body;
	const idsOn = async (list: string): Promise<string[]> =>
		(await page(list)).leads.map(({ lead_id }: { lead_id: string }) => lead_id);
	const add = (parameters: IDataObject = {}, options?: RunOptions) =>
		bench.run(
			{
				resource: 'lead',
				operation: 'addToList',
				leadList: byId(target),
				addBy: 'leadIds',
				leadIds: '={{ $json.lead_id }}',
				...parameters,
			},
			options,
		);
	const remove = (parameters: IDataObject = {}, options?: RunOptions) =>
		bench.run(
			{
				resource: 'lead',
				operation: 'removeFromList',
				leadList: byId(source),
				leadIds: '={{ $json.lead_id }}',
				...parameters,
			},
			options,
		);
	const items = () => leadIds.map((lead_id) => ({ lead_id }));

	describe('are added', () => {
		it('together, and answered on every item', async () => {
			const {
				json,
				items: out,
				run,
			} = await add(
				{},
				{
					items: [...items(), { lead_id: leadIds[0]! }],
					after: [
						{
							name: 'Out',
							type: SET_NODE,
							parameters: { fields: { of: "={{ $('Items').item.json.lead_id }}" } },
						},
					],
				},
			);
			expect((await idsOn(target)).toSorted()).toEqual(leadIds);
			const batch = { requests: 1, leads: 4, added: 4, skipped_duplicates: 0 };
			expect(json).toEqual(
				[...leadIds, leadIds[0]!].map((id) => ({ list_id: target, lead_ids: [id], batch })),
			);
			expect(out.map((item) => item.pairedItem)).toEqual([0, 1, 2, 3, 4].map((item) => ({ item })));
			expect(itemsOf(run, 'Out').map((item) => item.json.of)).toEqual([...leadIds, leadIds[0]]);
		});

		it('once, however often the run is repeated, and again after they were removed', async () => {
			await add({}, { items: items() });
			const { json } = await add({}, { items: items() });
			expect(json[0]).toMatchObject({ batch: { added: 0, skipped_duplicates: 4 } });
			expect(await idsOn(target)).toHaveLength(4);
			await remove({ leadList: byId(target) }, { items: items() });
			expect(await idsOn(target)).toEqual([]);
			await add({}, { items: items() });
			expect(await idsOn(target)).toHaveLength(4);
		});

		it('to the list that each item names, from any way to write IDs', async () => {
			const other = await makeList('Other');
			const { json } = await add(
				{ leadList: byId('={{ $json.list }}'), leadIds: '={{ $json.ids }}' },
				{
					items: [
						{ list: target, ids: ` ${leadIds[0]}, ${leadIds[1]} ` },
						{ list: other, ids: [leadIds[2]!, { lead_id: leadIds[3]! }] },
						{ list: target, ids: JSON.stringify([leadIds[2]]) },
					],
				},
			);
			expect((await idsOn(target)).toSorted()).toEqual(leadIds.slice(0, 3));
			expect((await idsOn(other)).toSorted()).toEqual(leadIds.slice(2));
			expect(json.map(({ batch }) => batch)).toEqual([
				expect.objectContaining({ leads: 3, added: 3 }),
				expect.objectContaining({ leads: 2, added: 2 }),
				expect.objectContaining({ leads: 3, added: 3 }),
			]);
		});

		it('by the cohort of a page, all or some, and once', async () => {
			const cohort = (await page(source)).task_id as string;
			const parameters = {
				addBy: 'cohort',
				cohortTaskId: '={{ $json.cohort }}',
				entityIds: '={{ $json.ids }}',
			};
			const some = await add(parameters, { items: [{ cohort, ids: leadIds.slice(0, 2) }] });
			expect(some.json).toEqual([
				expect.objectContaining({ list_id: target, added: 2, skipped_duplicates: 0 }),
			]);
			const all = await add(parameters, { items: [{ cohort, ids: '' }] });
			expect(all.json).toEqual([expect.objectContaining({ added: 2, skipped_duplicates: 2, created: 0 })]);
			await add(parameters, { items: [{ cohort, ids: '' }] });
			expect(await idsOn(target)).toHaveLength(4);
		});

		it.each([
			['an unknown cohort', { cohortTaskId: 'nope' }, 'was not found'],
			['no cohort', { cohortTaskId: '={{ $json.nothing }}' }, 'The ID of the cohort is empty'],
			[
				'2,001 entities',
				{ cohortTaskId: 'x', entityIds: '={{ Array.from({ length: 2001 }, (_, n) => "e" + n) }}' },
				'2001 entity IDs',
			],
		])('by cohort, but not with %s', async (_, parameters, message) => {
			const { error } = await add({ addBy: 'cohort', ...parameters });
			expect(error.message).toContain(message);
			expect(error.context.itemIndex).toBe(0);
		});
	});

	describe('are removed', () => {
		it('together, and answered on every item', async () => {
			const { json, items: out } = await remove({}, { items: items().slice(1) });
			expect(await idsOn(source)).toEqual([leadIds[0]]);
			expect(json).toEqual(
				leadIds
					.slice(1)
					.map((id) => ({ list_id: source, lead_ids: [id], batch: { requests: 1, leads: 3, removed: 3 } })),
			);
			expect(out.map((item) => item.pairedItem)).toEqual([0, 1, 2].map((item) => ({ item })));
		});

		it('that are not on it, which counts none', async () => {
			const { json } = await remove({ leadIds: 'nope' });
			expect(json).toEqual([expect.objectContaining({ batch: { requests: 1, leads: 1, removed: 0 } })]);
		});
	});

	describe.each([
		['are added', add],
		['are removed', remove],
	])('%s', (_, run) => {
		it('never, with no items', async () => {
			const { run: whole, items: out } = await run({}, { items: [] });
			expect([whole.status, out]).toEqual(['success', []]);
		});

		it.each([
			['without an ID', { leadIds: '={{ $json.nothing }}' }, 'There is no lead ID'],
			['on an unknown list', { leadList: byId('nope') }, 'The lead list was not found'],
			['on no list', { leadList: byId('={{ $json.nothing }}') }, 'No lead list is chosen'],
		])('never, %s', async (__, parameters, message) => {
			const before = [await idsOn(source), await idsOn(target)];
			const { error } = await run(parameters, { items: items() });
			expect(error.message).toBe(message);
			expect(error.context.itemIndex).toBe(0);
			expect([await idsOn(source), await idsOn(target)]).toEqual(before);
		});

		it('never, without the scope, which is named', async () => {
			const { error } = await run({}, { items: items(), api: 'reader' });
			expect(error.message).toBe('The API key lacks the scope lists:write');
		});

		it('for the other items when one fails and the node continues', async () => {
			const { json, items: out } = await run(
				{ leadList: byId('={{ $json.list ?? "nope" }}') },
				{
					items: [{ lead_id: leadIds[0]!, list: source }, { list: source }, { lead_id: leadIds[1]! }],
					onError: 'continueRegularOutput',
				},
			);
			expect(json).toEqual([
				expect.objectContaining({ lead_ids: [leadIds[0]] }),
				expect.objectContaining({ details: { parameter: 'Lead IDs' } }),
				expect.objectContaining({ error: 'The lead list was not found' }),
			]);
			expect(out.map((item) => item.pairedItem)).toEqual([0, 1, 2].map((item) => ({ item })));
		});
	});
});

describe.each([
	['addToList', 1_000, 'POST', { added: 0, skipped_duplicates: 1 }],
	['removeFromList', 100, 'DELETE', { removed: 1 }],
])('requests of %s', (operation, most, method, counts) => {
	const ids = (count: number) => Array.from({ length: count }, (_, n) => ({ id: `lead-${n}` }));
	async function runAgainst(answer: Parameters<typeof startServer>[0], options: RunOptions) {
		const api = await startServer(answer);
		const engine = engineWith({ api: cleanlistCredential('clapi_x', api.url) });
		const result = await runCleanlist(
			engine,
			{ resource: 'lead', operation, leadList: byId('l'), addBy: 'leadIds', leadIds: '={{ $json.id }}' },
			options,
		);
		await engine.close();
		await api.close();
		return {
			...result,
			bodies: api.seen.map(({ body }) => body as { lead_ids: string[]; idempotency_key?: string }),
			api,
		};
	}

	it(`hold up to ${most} leads in the order of the items`, async () => {
		const items = ids(2 * most + 1);
		const { bodies, api, json } = await runAgainst(answerJson(200, { list_id: 'l', ...counts }), { items });
		expect(bodies.map(({ lead_ids }) => lead_ids.length)).toEqual([most, most, 1]);
		expect(bodies.flatMap(({ lead_ids }) => lead_ids)).toEqual(items.map(({ id }) => id));
		expect(
			api.seen.every((seen) => seen.method === method && seen.path === '/api/v2/lead-lists/l/leads'),
		).toBe(true);
		expect(json).toHaveLength(items.length);
		expect(json.at(-1)).toMatchObject({ batch: { requests: 1, leads: 1, ...counts } });
		const keys = bodies.flatMap(({ idempotency_key }) => idempotency_key ?? []);
		expect(new Set(keys).size).toBe(method === 'POST' ? 3 : 0);
		for (const key of keys) expect(key).toMatch(/^[0-9a-f]{64}$/);
	});

	it('that fail concern their items only, and name what was done before', async () => {
		const answer: Parameters<typeof startServer>[0] = (response, request, nth) =>
			answerJson(nth === 2 ? 400 : 200, nth === 2 ? { detail: 'No' } : { list_id: 'l', ...counts })(
				response,
				request,
				nth,
			);
		const items = ids(2 * most + 1);
		const { json } = await runAgainst(answer, { items, onError: 'continueRegularOutput' });
		expect(json.filter(({ error }) => error !== undefined)).toHaveLength(most);
		expect(json[most]).toMatchObject({
			error: 'No',
			message: expect.stringContaining(`${most} leads of this run`),
		});
		expect(json.at(-1)).toMatchObject({ batch: { leads: 1 } });
		const stopped = await runAgainst(answer, { items });
		expect(stopped.error.context.itemIndex).toBe(most);
		expect(stopped.api.seen).toHaveLength(2);
	});
});
