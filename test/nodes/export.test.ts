import type { IDataObject } from 'n8n-workflow';
import { contacts } from '../reference/harness.ts';
import { itemsOf, SET_NODE } from '../support/n8n-engine.ts';
import { cleanlistCredential, engineWith, runCleanlist, startBench } from './support/bench.ts';
import type { Bench, RunOptions } from './support/bench.ts';
import { inTurn, json as answerJson, reset, startServer } from './support/scripted-server.ts';
import type { Answer } from './support/scripted-server.ts';

const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const DEFAULT_COLUMNS = [
	'lead_id',
	'first_name',
	'last_name',
	'email',
	'title',
	'company',
	'domain',
	'linkedin_url',
	'phone',
	'location',
];
const CSV = { resource: 'export', operation: 'getCsv', binaryPropertyName: 'data' };

describe('an export', () => {
	let bench: Bench;
	let list: string;
	beforeAll(async () => {
		bench = await startBench({ reader: { scopes: ['lists:read'] } });
		const api = bench.accounts.api!;
		for (const from of [0, 250, 500]) await api.submit(contacts(from === 500 ? 20 : 250, from));
		await api.submit([{ first_name: 'Zoë 🚀', last_name: 'Last, "quoted"', company_name: 'Acme' }]);
		list = (await api.get('/api/v2/lead-lists')).body.lists[0].list_id;
	});
	afterAll(() => bench.close());

	const csv = (parameters: IDataObject = {}, options?: RunOptions) =>
		bench.run({ ...CSV, leadList: byId(list), ...parameters }, options);
	const json = (parameters: IDataObject = {}, options?: RunOptions) =>
		bench.run({ resource: 'export', operation: 'getJson', leadList: byId(list), ...parameters }, options);

	it('as CSV is a file on the item that asked for it', async () => {
		const {
			json: out,
			items,
			run,
		} = await csv(
			{ leadList: byId('={{ $json.list }}') },
			{
				items: [
					{ list, n: 1 },
					{ list, n: 2 },
				],
				after: [
					{ name: 'Out', type: SET_NODE, parameters: { fields: { n: "={{ $('Items').item.json.n }}" } } },
				],
			},
		);
		const { data, ...meta } = items[0]!.binary!.data!;
		expect(meta).toMatchObject({ mimeType: 'text/csv', fileName: `leads-${list}.csv` });
		const text = Buffer.from(data, 'base64').toString();
		const [header, ...rows] = text.trimEnd().split('\r\n');
		expect(header).toBe(DEFAULT_COLUMNS.join(','));
		expect(rows).toHaveLength(521);
		expect(text).toContain('Zoë 🚀,"Last, ""quoted"""');
		expect(out[0]).toEqual({
			list_id: list,
			row_count: 521,
			file_name: `leads-${list}.csv`,
			file_size_bytes: Buffer.byteLength(text),
		});
		expect(items.map((item) => item.pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
		expect(itemsOf(run, 'Out').map((item) => item.json.n)).toEqual([1, 2]);
	});

	it('as CSV holds the columns that were chosen, in the field and under the name that were', async () => {
		const { items } = await csv({
			binaryPropertyName: 'leads',
			columns: ['email'],
			furtherColumns: ' full_name ,email, ',
			options: { fileName: 'Zoë.csv', includeSmartAgents: false },
		});
		const file = items[0]!.binary!.leads!;
		expect(file.fileName).toBe('Zoë.csv');
		expect(Buffer.from(file.data, 'base64').toString()).toMatch(/^email,full_name\r\n/);
	});

	it('as JSON is read page by page, up to the limit', async () => {
		const all = await json({ returnAll: true });
		expect(all.json).toHaveLength(521);
		expect(Object.keys(all.json[0]!)).toEqual(DEFAULT_COLUMNS);
		expect(all.items.every((item) => (item.pairedItem as { item: number }).item === 0)).toBe(true);
		expect((await json({ limit: 3 })).json).toEqual(all.json.slice(0, 3));
		expect((await json({})).json).toHaveLength(50);
		expect((await json({ limit: 501 })).json).toEqual(all.json.slice(0, 501));
	});

	it('as JSON holds the columns that were chosen, which each item may choose', async () => {
		const { json: rows } = await json(
			{ limit: 1, columns: ['email', 'company'], furtherColumns: '={{ $json.more }}' },
			{ items: [{ more: '' }, { more: 'full_name' }] },
		);
		expect(rows.map((row) => Object.keys(row))).toEqual([
			['email', 'company'],
			['email', 'company', 'full_name'],
		]);
	});

	describe.each([
		['CSV', csv],
		['JSON', json],
	])('as %s', (_, run) => {
		it.each([
			['of an unknown list', { leadList: byId('nope') }, 'The lead list was not found'],
			['of no list', { leadList: byId('={{ $json.nothing }}') }, 'No lead list is chosen'],
			['of a column it has not', { furtherColumns: 'Shoe size' }, 'Shoe size'],
		])('%s is an error, or an error item', async (__, parameters, message) => {
			const { error } = await run(parameters);
			expect(error.message).toContain(message);
			expect(error.context.itemIndex).toBe(0);
			const continued = await run(parameters, { items: [{}, {}], onError: 'continueRegularOutput' });
			expect(continued.json.map((entry) => entry.error)).toEqual(
				Array(2).fill(expect.stringContaining(message)),
			);
			expect(continued.items.map((item) => item.pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
		});

		it('without the scope is an error that names it', async () => {
			const { error } = await run({}, { api: 'reader' });
			expect(error.message).toBe('The API key lacks the scope export:read');
		});

		it('of nothing is nothing', async () => {
			const { run: whole, items } = await run({}, { items: [] });
			expect([whole.status, items]).toEqual(['success', []]);
		});
	});

	it('as JSON refuses 0 as the limit', async () => {
		expect((await json({ limit: 0 })).error.message).toContain('whole number from 1');
	});

	it('as CSV needs a field to go to', async () => {
		const { error } = await csv({ binaryPropertyName: '={{ " " }}' });
		expect(error.message).toBe('The name of the output field is empty');
	});
});

describe('the download of a CSV export', () => {
	const file: Answer = (response) => {
		response.writeHead(200, {
			'content-type': 'text/csv; charset=utf-8',
			'content-disposition': 'attachment; filename="../../etc/leads.csv"',
		});
		response.end('email\r\n');
	};
	async function exportFrom(answer: Answer, link?: (storage: string) => unknown) {
		const storage = await startServer(answer);
		const api = await startServer(
			answerJson(200, {
				list_id: 'l',
				download_url: link ? link(storage.url) : `${storage.url}/f.csv?signature=s`,
				row_count: 0,
			}),
		);
		const engine = engineWith({ api: cleanlistCredential('clapi_x', api.url) });
		const result = await runCleanlist(engine, { ...CSV, leadList: byId('l') });
		for (const each of [engine, api, storage]) await each.close();
		return { ...result, storage, api };
	}

	it('sends the key to Cleanlist only', async () => {
		const { storage, api, items } = await exportFrom(file);
		expect(api.seen[0]!.headers.authorization).toBe('Bearer clapi_x');
		expect(storage.seen).toHaveLength(1);
		expect(storage.seen[0]!.path).toBe('/f.csv?signature=s');
		expect(JSON.stringify(storage.seen[0])).not.toContain('clapi_');
		expect(items[0]!.binary!.data).toMatchObject({ fileName: 'leads.csv', mimeType: 'text/csv' });
	});

	it('that breaks off is tried again', async () => {
		const { storage, items } = await exportFrom(inTurn(reset, file));
		expect(storage.seen).toHaveLength(2);
		expect(items).toHaveLength(1);
	});

	it('through an expired link says so, and what to do', async () => {
		const { error } = await exportFrom(
			answerJson(410, { error: { code: 'link_expired', problem: 'Too old.' } }),
		);
		expect(error.message).toMatch(/^The exported file could not be downloaded: /);
		expect(error.description).toContain('a new run makes a new one');
	});

	it.each([undefined, null, '', 'file:///etc/passwd', 'ftp://example.com/f'])(
		'from %j is not tried',
		async (link) => {
			const { error, storage } = await exportFrom(file, () => link);
			expect(error.message).toBe('Cleanlist gave no link to the file');
			expect(storage.seen).toEqual([]);
		},
	);
});
