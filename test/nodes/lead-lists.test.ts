import { SET_NODE, itemsOf } from '../support/n8n-engine.ts';
import { LIST_URL } from '../../nodes/Cleanlist/helpers/listLocator.ts';
import { startBench } from './support/bench.ts';
import type { Bench } from './support/bench.ts';

const locator = (mode: string, value: unknown) => ({ __rl: true, mode, value });
const create = (name: string, more: object = {}) => ({
	resource: 'leadList',
	operation: 'create',
	name,
	additionalFields: more,
});
const getAll = (more: object = {}) => ({ resource: 'leadList', operation: 'getAll', ...more });
const onList = (operation: string, list: object, more: object = {}) => ({
	resource: 'leadList',
	operation,
	leadList: list,
	...more,
});

describe('lead lists', () => {
	let bench: Bench;
	beforeEach(async () => {
		bench = await startBench({ api: { scopes: ['lists:read', 'lists:write'] } });
	});
	afterEach(() => bench.close());

	const make = async (name: string) => (await bench.run(create(name))).json[0]!.list_id as string;

	it('are created once per item, trimmed, and linked to it', async () => {
		const { json, items, run } = await bench.run(create('={{ $json.name }}', { description: 'd' }), {
			items: [{ name: '  Berlin 🚀 ' }, { name: 'Paris' }],
			after: [
				{
					name: 'Out',
					type: SET_NODE,
					parameters: {
						fields: { list: '={{ $json.name }}', from: "={{ $('Items').item.json.name }}" },
					},
				},
			],
		});
		expect(json).toEqual([
			expect.objectContaining({ name: 'Berlin 🚀', description: 'd', reused: false, lead_count: 0 }),
			expect.objectContaining({ name: 'Paris', reused: false }),
		]);
		expect(items.map((item) => item.pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
		expect(itemsOf(run, 'Out').map((item) => item.json)).toEqual([
			{ list: 'Berlin 🚀', from: '  Berlin 🚀 ' },
			{ list: 'Paris', from: 'Paris' },
		]);
	});

	it('are returned as they are when one of the name exists', async () => {
		const first = await make('Berlin');
		const { json } = await bench.run(create('BERLIN', { description: 'other' }));
		expect(json).toEqual([expect.objectContaining({ list_id: first, name: 'Berlin', reused: true })]);
		expect(json[0]).toHaveProperty('description', null);
	});

	it('of an existing name are an error on request, on its item only', async () => {
		const first = await make('Berlin');
		const { json } = await bench.run(
			{ ...create('={{ $json.name }}'), whenNameExists: '={{ $json.when }}' },
			{
				items: [
					{ name: 'BERLIN', when: 'fail' },
					{ name: 'Bonn', when: 'fail' },
					{ name: 'bonn', when: 'reuse' },
				],
				onError: 'continueRegularOutput',
			},
		);
		expect(json).toEqual([
			{
				error: 'You have a lead list named "Berlin" already',
				message: expect.stringContaining(first),
				details: { parameter: 'Name' },
			},
			expect.objectContaining({ name: 'Bonn', reused: false }),
			expect.objectContaining({ name: 'Bonn', reused: true }),
		]);
	});

	it('come without the envelope that v2 puts around them', async () => {
		const id = await make('Berlin');
		for (const parameters of [create('Berlin'), onList('get', locator('id', id))]) {
			const { json } = await bench.run(parameters);
			expect(Object.keys(json[0]!).sort()).toEqual(
				[
					'created_at',
					'description',
					'enriched_count',
					'folder_id',
					'lead_count',
					'list_id',
					'name',
					'reused',
				].sort(),
			);
		}
	});

	it('take a name of 200 characters, an emoji counting once', async () => {
		const name = '🚀'.repeat(200);
		expect((await bench.run(create(name))).json).toEqual([expect.objectContaining({ name })]);
	});

	it.each([
		['of 201 characters', 'n'.repeat(201), '201 characters', 'Shorten'],
		['of 201 emoji', '🚀'.repeat(201), '201 characters', 'Shorten'],
		['that is empty', "={{ '' }}", 'empty', '1 to 200'],
		['of blanks', "={{ ' \\n\\t ' }}", 'empty', '1 to 200'],
		['that an expression leaves undefined', '={{ $json.nothing }}', 'empty', 'expression'],
	])('refuse a name %s before anything is sent', async (_, name, message, advice) => {
		const { error } = await bench.run(create(name), { items: [{}, {}] });
		expect(error).toMatchObject({ name: 'NodeOperationError', context: { itemIndex: 0 } });
		expect(error.message).toContain(message);
		expect(error.description).toContain(advice);
		expect(error.description).toContain("'Name'");
		expect((await bench.run(getAll())).json).toEqual([]);
	});

	it('refuse a bad name on its item, and go on with the others', async () => {
		const { json, items } = await bench.run(create('={{ $json.name }}'), {
			items: [{ name: 'One' }, { name: 'x'.repeat(201) }, { name: 'Three' }],
			onError: 'continueRegularOutput',
		});
		expect(json).toEqual([
			expect.objectContaining({ name: 'One' }),
			{
				error: expect.stringContaining('201 characters'),
				message: expect.stringContaining("'Name'"),
				details: { parameter: 'Name' },
			},
			expect.objectContaining({ name: 'Three' }),
		]);
		expect(items.map((item) => item.pairedItem)).toEqual([{ item: 0 }, { item: 1 }, { item: 2 }]);
	});

	it('go to the error output when the node has one, with the input and what was wrong', async () => {
		const { json, errorItems } = await bench.run(create('={{ $json.name }}'), {
			items: [{ name: 'One' }, { name: '' }],
			onError: 'continueErrorOutput',
		});
		expect(json).toEqual([expect.objectContaining({ name: 'One' })]);
		expect(errorItems).toEqual([
			expect.objectContaining({
				json: expect.objectContaining({ name: '', error: expect.stringContaining('empty') }),
			}),
		]);
	});

	it.each([
		['its id', (id: string) => locator('id', ` ${id} `)],
		['a portal URL', (id: string) => locator('url', `https://portal.cleanlist.ai/lists/${id}?tab=leads`)],
		['a portal URL with blanks', (id: string) => locator('url', ` https://portal.cleanlist.ai/lists/${id} `)],
		['a list to choose from', (id: string) => locator('list', id)],
		['an expression', () => locator('id', '={{ $json.id }}')],
	])('are found by %s', async (_, by) => {
		const id = await make('Berlin');
		const { json, error } = await bench.run(onList('get', by(id)), { items: [{ id }] });
		expect(error).toBeUndefined();
		expect(json).toEqual([expect.objectContaining({ list_id: id, name: 'Berlin' })]);
	});

	it.each([
		['={{ $json.nothing }}', 'No lead list is chosen'],
		['={{ 5 }}', 'There is no lead list in the URL "5"'],
		[
			'={{ "https://portal.cleanlist.ai/" }}',
			'There is no lead list in the URL "https://portal.cleanlist.ai/"',
		],
	])('say what is wrong with the URL that %s gives', async (value, message) => {
		const { error } = await bench.run({
			resource: 'leadList',
			operation: 'get',
			leadList: { __rl: true, mode: 'url', value },
		});
		expect(error.message).toBe(message);
		expect(error.description).toContain("'Lead List'");
		expect(error.context).toMatchObject({ itemIndex: 0, cleanlist: { parameter: 'Lead List' } });
	});

	it('say when none was chosen', async () => {
		const { error } = await bench.run(onList('get', locator('id', '={{ $json.nothing }}')));
		expect(error.message).toBe('No lead list is chosen');
		expect(error.description).toContain("'Lead List'");
	});

	it('are renamed, described and cleared, and keep what is not mentioned', async () => {
		const id = await make('Berlin');
		const change = (updateFields: object) => bench.run(onList('update', locator('id', id), { updateFields }));
		expect((await change({ name: 'Bonn', description: 'old' })).json).toEqual([
			expect.objectContaining({ list_id: id, name: 'Bonn', description: 'old' }),
		]);
		expect((await change({ description: '' })).json).toEqual([
			expect.objectContaining({ name: 'Bonn', description: null }),
		]);
	});

	it('are not changed by an update without fields, nor with an empty name', async () => {
		const id = await make('Berlin');
		const nothing = await bench.run(onList('update', locator('id', id), { updateFields: {} }));
		expect(nothing.error.message).toBe('There is nothing to change');
		const empty = await bench.run(onList('update', locator('id', id), { updateFields: { name: ' ' } }));
		expect(empty.error.message).toContain('is empty');
		expect((await bench.run(onList('get', locator('id', id)))).json[0]).toMatchObject({ name: 'Berlin' });
	});

	it('are deleted', async () => {
		const id = await make('Berlin');
		expect((await bench.run(onList('delete', locator('id', id)))).json).toEqual([{ deleted: true }]);
		const again = await bench.run(onList('delete', locator('id', id)));
		expect(again.error).toMatchObject({ message: 'The lead list was not found', httpCode: '404' });
	});

	it('are read page by page, in the given order, up to the limit', async () => {
		for (let i = 0; i < 120; i++) await make(`List ${i}`);
		const names = async (more: object) => (await bench.run(getAll(more))).json.map(({ name }) => name);
		const all = await names({ returnAll: true });
		expect(all).toHaveLength(120);
		expect(new Set(all).size).toBe(120);
		expect(await names({ limit: 3 })).toEqual(all.slice(0, 3));
		expect(await names({})).toEqual(all.slice(0, 50));
		expect(await names({ limit: 101 })).toEqual(all.slice(0, 101));
	});

	it('are made in a folder, moved out of it, and found by it', async () => {
		const folderOf = (ownerId: string) => bench.reference.createFolder({ ownerId, name: 'F' });
		const { folderId } = await folderOf(bench.accounts.api!.userId);
		const foreign = await folderOf((await bench.client()).userId);
		const { json } = await bench.run(create('In', { folderId }));
		await make('Out');
		const inFolder = async (id: string) =>
			(await bench.run(getAll({ returnAll: true, filters: { folderId: id } }))).json.map(({ name }) => name);
		expect(await inFolder(folderId)).toEqual(['In']);
		const list = locator('id', json[0]!.list_id);
		await bench.run(onList('update', list, { updateFields: { folderId: '' } }));
		expect(await inFolder(folderId)).toEqual([]);
		await bench.run(onList('update', list, { updateFields: { folderId } }));
		expect(await inFolder(folderId)).toEqual(['In']);
		const moved = await bench.run(onList('update', list, { updateFields: { folderId: foreign.folderId } }));
		expect(moved.error.httpCode).toBe('404');
	});

	it('are none in a new account, and that is no item', async () => {
		expect((await bench.run(getAll({ returnAll: true }))).items).toEqual([]);
	});

	it.each([0, -1, 1.5])('refuse %s as the limit', async (limit) => {
		const { error } = await bench.run(getAll({ limit }));
		expect(error.message).toContain('must be a whole number from 1');
		expect(error.context.cleanlist).toEqual({ parameter: 'Limit' });
	});

	it('can be searched in the node, page by page', async () => {
		for (let i = 0; i < 105; i++) await make(`List ${String(i).padStart(3, '0')}`);
		const workflow = {
			nodes: [
				{
					name: 'Cleanlist',
					type: 'n8n-nodes-cleanlist.cleanlist',
					credentials: { cleanlistApi: { id: 'api', name: 'api' } },
				},
			],
			connections: {},
		};
		const search = (query: object = {}) =>
			bench.engine.listSearch(workflow, 'Cleanlist', 'searchLeadLists', query);
		const first = await search();
		expect(first.results).toHaveLength(100);
		expect(first.paginationToken).toEqual(expect.any(String));
		const second = await search({ paginationToken: first.paginationToken });
		expect(second.results).toHaveLength(5);
		expect(second.paginationToken).toBeUndefined();
		const values = [...first.results, ...second.results].map(({ value }) => value);
		expect(new Set(values).size).toBe(105);

		// Newest first: the oldest list is on the second page, which a filter has to reach by itself.
		const filtered = await search({ filter: ' LIST 000' });
		expect(filtered.results.map(({ name }) => name)).toEqual(['List 000']);
		expect((await search({ filter: 'nothing like it' })).results).toEqual([]);
	});
});

describe('the lists a locator finds in URLs', () => {
	const id = '3f2b8c1e-7d4a-4b57-9a39-1f0c5f3d2e6a';
	it.each([
		[`https://portal.cleanlist.ai/lists/${id}`, id],
		[`https://app.cleanlist.ai/lead-lists/${id}/leads?page=2`, id],
		[`https://app.cleanlist.ai/list/ll_123`, 'll_123'],
		[`https://app.cleanlist.ai/leads?list_id=${id}&x=1`, id],
		[`https://app.cleanlist.ai/folders/11111111-1111-1111-1111-111111111111/lists/${id}`, id],
		[`https://app.cleanlist.ai/x/${id}`, id],
		[`https://app.cleanlist.ai/settings`, undefined],
		[`not a url`, undefined],
	])('%s', (url, expected) => {
		expect(new RegExp(LIST_URL).exec(url)?.slice(1)).toEqual(expected && [expected]);
	});
});
