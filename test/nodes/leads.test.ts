import { startBench } from './support/bench.ts';
import type { Bench } from './support/bench.ts';

const start = {
	resource: 'enrichment',
	operation: 'start',
	enrichmentType: 'partial',
	delivery: 'poll',
	inputMode: 'json',
	contactsJson: '={{ $json }}',
};
const people = (count: number) =>
	Array.from({ length: count }, (_, n) => ({
		first_name: n === 0 ? 'Zoë 🚀' : `First${n}`,
		last_name: 'Last',
		company_name: 'Acme',
	}));

describe('leads and results', () => {
	let bench: Bench;
	let list: string;
	beforeEach(async () => {
		bench = await startBench({ api: { credits: 10_000 } });
		const { json } = await bench.run(start, { items: people(520) });
		expect(json).toHaveLength(520);
		[list] = (await bench.run({ resource: 'leadList', operation: 'getAll' })).json.map(
			({ list_id }) => list_id as string,
		) as [string];
	});
	afterEach(() => bench.close());

	const leads = (more: object) =>
		bench.run({
			resource: 'lead',
			operation: 'getAll',
			leadList: { __rl: true, mode: 'id', value: list },
			...more,
		});

	it('are read from a list, over several pages, linked to the item that asked', async () => {
		const all = await leads({ returnAll: true });
		expect(all.json).toHaveLength(520);
		expect(all.json[0]).toMatchObject({ first_name: 'Zoë 🚀', last_name: 'Last', company: 'Acme' });
		expect(Object.keys(all.json[0]!)).toHaveLength(10);
		const some = { output: 'selectedFields', outputFields: ['email'], limit: 1 };
		expect(Object.keys((await leads(some)).json[0]!)).toEqual(['email', 'lead_id']);
		expect((await leads({ output: 'raw', limit: 1 })).json[0]).toHaveProperty('provider');
		expect(new Set(all.json.map(({ lead_id }) => lead_id)).size).toBe(520);
		expect(all.items.every((item) => (item.pairedItem as { item: number }).item === 0)).toBe(true);
		expect((await leads({ limit: 2 })).json).toEqual(all.json.slice(0, 2));
		expect((await leads({ limit: 501 })).json).toEqual(all.json.slice(0, 501));
	});

	it('are summed up by workflow, while it runs and when it is done', async () => {
		const { json: started } = await bench.run(start, { items: people(3) });
		const { workflow_id } = started[0]!;
		const get = {
			resource: 'enrichment',
			operation: 'get',
			getBy: 'workflow',
			workflowId: '={{ $json.id }}',
		};
		const status = async () => (await bench.run(get, { items: [{ id: ` ${workflow_id as string} ` }] })).json;
		expect(await status()).toEqual([
			expect.objectContaining({ workflow_id, status: 'processing', finished: false, credits_used: null }),
		]);
		await bench.clock.advance(5_000);
		expect(await status()).toEqual([
			expect.objectContaining({ workflow_id, status: 'completed', finished: true, total: 3, processed: 3 }),
		]);
	});

	it('are had one by one by task', async () => {
		const { json: started } = await bench.run(start, { items: people(30) });
		const get = { resource: 'enrichment', operation: 'get', getBy: 'task', taskId: '={{ $json.task_id }}' };
		const before = await bench.run(get, { items: started.slice(0, 1) });
		expect(before.json).toEqual([
			expect.objectContaining({ found: false, email: null, task_id: started[0]!.task_id }),
		]);
		await bench.clock.advance(5_000);
		const { json, items } = await bench.run(get, { items: started });
		expect(json.map(({ task_id }) => task_id)).toEqual(started.map(({ task_id }) => task_id));
		expect(items.map((item) => item.pairedItem)).toEqual(started.map((_, item) => ({ item })));
		expect(json[0]).toMatchObject({ full_name: 'Zoë 🚀 Last', workflow_id: started[0]!.workflow_id });
		const found = json.filter((entry) => entry.found);
		expect(found.length).toBeGreaterThan(0);
		expect(found.length).toBeLessThan(30);
		for (const entry of json) expect(Boolean(entry.email)).toBe(entry.found);

		const raw = await bench.run({ ...get, output: 'raw' }, { items: started.slice(0, 1) });
		expect(raw.json[0]).toMatchObject({
			task_id: started[0]!.task_id,
			result: { prospect: { first_name: 'Zoë 🚀' } },
		});
	});

	it.each([
		['workflow', { getBy: 'workflow', workflowId: '={{ $json.id }}' }, 'Workflow ID'],
		['task', { getBy: 'task', taskId: '={{ $json.id }}' }, 'Task ID'],
	])('of an unknown or empty %s are an error that names it', async (noun, parameters, parameter) => {
		const get = { resource: 'enrichment', operation: 'get', ...parameters };
		const { json } = await bench.run(get, {
			items: [{ id: 'nope' }, { id: '' }],
			onError: 'continueRegularOutput',
		});
		expect(json).toEqual([
			expect.objectContaining({
				error: `The ${noun} was not found`,
				details: expect.objectContaining({ parameter, http_status: 404 }),
			}),
			expect.objectContaining({ error: `The ID of the ${noun} is empty`, details: { parameter } }),
		]);
	});
});
