import type { IDataObject } from 'n8n-workflow';
import { likelyDelimiter, parseCsv, writeCsv } from '../../nodes/Cleanlist/helpers/csv.ts';
import { cleanlistCredential, engineWith, runCleanlist, startBench } from './support/bench.ts';
import type { Bench, RunOptions } from './support/bench.ts';
import { json as answerJson, reset, startServer } from './support/scripted-server.ts';
import type { Answer } from './support/scripted-server.ts';

const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const file = (content: string | Buffer, name = 'leads.csv') => ({
	data: { data: Buffer.from(content).toString('base64'), mimeType: 'text/csv', fileName: name },
});
const IMPORT = { resource: 'lead', operation: 'importCsv', binaryPropertyName: 'data' };
const PEOPLE = 'Email,First Name,lastName,Shoe Size\r\nada@example.com,Ada,Lovelace,37\r\n';

describe('Lead → Import CSV', () => {
	let bench: Bench;
	let list: string;
	beforeEach(async () => {
		bench = await startBench({
			reader: { scopes: ['lists:read'] },
			writer: { scopes: ['lists:write'] },
			poor: { credits: 0 },
		});
		const { body } = await bench.accounts.api!.call('POST', '/api/v2/lead-lists', { name: 'L' });
		list = body.list_id;
	});
	afterEach(() => bench.close());
	const run = (csv: string | Buffer, parameters: IDataObject = {}, options: RunOptions = {}) =>
		bench.run({ ...IMPORT, leadList: byId(list), ...parameters }, { binaries: [file(csv)], ...options });
	const leads = async () => (await bench.accounts.api!.get(`/api/v2/lead-lists/${list}/leads`)).body.leads;

	it('imports the columns it recognises, for free, and says which it left out', async () => {
		const { json } = await run(PEOPLE);
		expect(json).toEqual([
			{
				list_id: list,
				rows_parsed: 1,
				rows_imported: 1,
				rows_skipped: 0,
				skip_reasons: {},
				sample_skip_rows: [],
				workflow_id: null,
				idempotency_replayed: false,
				column_mapping: { email: 'Email', first_name: 'First Name', last_name: 'lastName' },
				columns_ignored: ['Shoe Size'],
			},
		]);
		expect(await leads()).toEqual([
			expect.objectContaining({ email: 'ada@example.com', first_name: 'Ada', last_name: 'Lovelace' }),
		]);
		expect((await bench.accounts.api!.get('/api/v2/credits/balance')).body.credits).toBe(100_000);
	});

	it('imports the columns that each item names', async () => {
		const { json, items } = await run(
			'',
			{
				columnMode: 'define',
				columns: { values: [{ field: 'email', header: '={{ $json.mail }}' }] },
			},
			{
				items: [{ mail: 'Adresse' }, { mail: ' B ' }],
				binaries: [file('Adresse,Email\nzoë@example.com,x\n'), file('A,B\n1,b@example.com')],
			},
		);
		expect(json.map(({ column_mapping }) => column_mapping)).toEqual([{ email: 'Adresse' }, { email: 'B' }]);
		expect(items.map((item) => item.pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
		expect((await leads()).map(({ email }: { email: string }) => email)).toEqual([
			'zoë@example.com',
			'b@example.com',
		]);
	});

	it('says why rows were skipped, and which', async () => {
		const { json } = await run('Email,Name\nA@example.com,A B\n\n,Nobody\na@example.com,A B\n');
		expect(json[0]).toMatchObject({
			rows_imported: 1,
			rows_skipped: 2,
			skip_reasons: { missing_required: 1, duplicate_email: 1 },
			sample_skip_rows: [4, 5],
		});
	});

	it('imports nothing twice, unless told to', async () => {
		await run(PEOPLE);
		const { json } = await run(PEOPLE);
		expect(json[0]).toMatchObject({ idempotency_replayed: true });
		expect(await leads()).toHaveLength(1);
		const again = await run(PEOPLE, { options: { idempotencyKey: 'again' } });
		expect(again.json[0]).toMatchObject({ idempotency_replayed: false });
	});

	it('has the leads enriched on request', async () => {
		const { json } = await run(PEOPLE, { dispatchEnrichment: true, enrichmentType: 'full' });
		expect(json[0]).toMatchObject({ workflow_id: expect.any(String) });
		const poor = await bench.accounts.poor!.call('POST', '/api/v2/lead-lists', { name: 'L' });
		const { error } = await run(
			PEOPLE,
			{ leadList: byId(poor.body.list_id), dispatchEnrichment: true, enrichmentType: 'full' },
			{ api: 'poor' },
		);
		expect(error.message).toBe('Not enough Cleanlist credits: 11 are missing');
	});

	it.each([
		['semicolons', Buffer.from('Name;Email\n"Last; Zoë";zoe@example.com\n'), {}],
		['tabs', Buffer.from('Name\tEmail\nLast; Zoë\tzoe@example.com\n'), {}],
		['pipes', Buffer.from('Name|Email\nLast; Zoë|zoe@example.com\n'), { delimiter: '|' }],
		['a BOM', Buffer.from('\uFEFFName,Email\nLast; Zoë,zoe@example.com\n'), {}],
		[
			'Windows-1252',
			Buffer.from('Name;Email\r"Last; Zo\xEB";zoe@example.com\r', 'latin1'),
			{ encoding: 'windows-1252' },
		],
		[
			'UTF-16',
			Buffer.from('\uFEFFName,Email\r\nLast; Zoë,zoe@example.com\r\n', 'utf16le'),
			{ encoding: 'utf-16le' },
		],
	])('takes files with %s', async (_, content, options) => {
		const { json } = await run(content, { options });
		expect(json[0]).toMatchObject({ rows_imported: 1, columns_ignored: [] });
		expect(await leads()).toEqual([
			expect.objectContaining({ email: 'zoe@example.com', first_name: 'Last;', last_name: 'Zoë' }),
		]);
	});

	it.each([
		['commas', 'Name, Email ,"Shoe ""Size"""\nLast Zoë,zoe@example.com,37\n'],
		['semicolons', 'Name; Email ;"Shoe ""Size"""\nLast Zoë;zoe@example.com;37\n'],
	])('names the columns as the file has them, with blanks around them and %s', async (_, csv) => {
		const { json } = await run(csv);
		const { requests } = bench.reference.recorder.page(1_000, null);
		const { path, requestBody } = requests.find((each) => each.path.endsWith('/csv-import'))!;
		expect(path).toContain(list);
		const { csv_content_base64: sent } = JSON.parse(requestBody!.text) as Record<string, string>;
		expect(Buffer.from(sent!, 'base64').toString().split('\r\n').slice(0, 2)).toEqual([
			'Name,Email,"Shoe ""Size"""',
			'Last Zoë,zoe@example.com,37',
		]);
		expect(json[0]).toMatchObject({
			rows_imported: 1,
			column_mapping: { full_name: 'Name', email: 'Email' },
			columns_ignored: ['Shoe "Size"'],
		});
	});

	const cells = (bytes: number) => `Email\n${'a@example.com\n'.repeat(bytes / 14 + 1)}`.slice(0, bytes);
	it('takes 150 KB, counts the rows beyond 600, and refuses one byte more before it is sent', async () => {
		const { json } = await run(cells(150 * 1024));
		expect(json[0]).toMatchObject({
			rows_imported: 1,
			skip_reasons: { row_cap_exceeded: expect.any(Number) },
		});
		const { error } = await run(cells(150 * 1024 + 1));
		expect(error).toMatchObject({ name: 'NodeOperationError', context: { itemIndex: 0 } });
		expect(error.message).toContain('151 KB, and Cleanlist imports up to 150 KB');
		expect(error.description).toContain('Nothing was sent');
	});

	it.each([
		['with no column it knows', 'Foo,Bar\n1,2\n', {}, 'None of the columns could be recognised'],
		['that is empty', '', {}, 'has no column names'],
		['of blank lines', '\n , \n', {}, 'has no column names'],
		['that is not UTF-8', Buffer.from('Email\nZo\xEB', 'latin1'), {}, 'not encoded in UTF-8'],
		[
			'without the column that was named',
			PEOPLE,
			{ columnMode: 'define', columns: { values: [{ field: 'email', header: 'Mail' }] } },
			'The file has no column "Mail"',
		],
		['of which no column was named', PEOPLE, { columnMode: 'define', columns: {} }, 'No column is chosen'],
		['from a field that is not there', PEOPLE, { binaryPropertyName: 'file' }, 'file'],
		['into an unknown list', PEOPLE, { leadList: byId('nope') }, 'The lead list was not found'],
		['into no list', PEOPLE, { leadList: byId('={{ $json.nothing }}') }, 'No lead list is chosen'],
	])('refuses a file %s, on its item only', async (_, content, parameters, message) => {
		const { error } = await run(content, parameters);
		expect(error.message).toContain(message);
		expect(error.context.itemIndex).toBe(0);
		const { json, items } = await run(content, parameters, {
			items: [{}, {}],
			binaries: [file(content), file(content)],
			onError: 'continueRegularOutput',
		});
		expect(json.map((entry) => entry.error)).toEqual(Array(2).fill(expect.stringContaining(message)));
		expect(items.map((item) => item.pairedItem)).toEqual([{ item: 0 }, { item: 1 }]);
		expect(await leads()).toEqual([]);
	});

	it('names the scope that is missing', async () => {
		const { error } = await run(PEOPLE, {}, { api: 'reader' });
		expect(error.message).toBe('The API key lacks the scope lists:write');
		const enriching = await run(PEOPLE, { dispatchEnrichment: true }, { api: 'writer' });
		expect(enriching.error.message).toBe('The API key lacks the scope enrich:write');
	});

	it('does nothing with no items', async () => {
		const { run: whole, items } = await run(PEOPLE, {}, { items: [] });
		expect([whole.status, items]).toEqual(['success', []]);
	});

	it.each([
		['a broken connection', reset],
		['a server error', answerJson(500, {})],
	])('is not repeated after %s, and says that doing so is safe', async (_, answer: Answer) => {
		const api = await startServer(answer);
		const engine = engineWith({ api: cleanlistCredential('clapi_x', api.url) });
		const { error } = await runCleanlist(
			engine,
			{ ...IMPORT, leadList: byId('l'), dispatchEnrichment: true, enrichmentType: 'partial' },
			{ binaries: [file(PEOPLE)] },
		);
		expect(api.seen).toHaveLength(1);
		expect(api.seen[0]!.body).toMatchObject({ dispatch_enrichment: true, enrichment_type: 'partial' });
		expect(error.description).toContain('within 24 hours is safe');
		await engine.close();
		await api.close();
	});
});

describe('CSV', () => {
	it.each([
		[
			'a,b\n1,2',
			',',
			[
				['a', 'b'],
				['1', '2'],
			],
		],
		['"a;""b""";c\r\n\r\n"1\n2";', ';', [['a;"b"', 'c'], [''], ['1\n2', '']]],
		[
			'a\tb"c\r1\t"2\r\n"',
			'\t',
			[
				['a', 'b"c'],
				['1', '2\r\n'],
			],
		],
		['', ',', []],
		['\n', ',', [['']]],
	])('%j is read as its records, and written so that it reads the same', (text, delimiter, records) => {
		expect(parseCsv(text, delimiter)).toEqual(records);
		expect(parseCsv(writeCsv(records), ',')).toEqual(records);
	});

	it.each([
		['Email', ','],
		['a,b;c', ','],
		['"a,b,c";d;e', ';'],
		['a\tb\nc,d,e,f', '\t'],
		['', ','],
	])('%j is taken to be separated by %j', (text, delimiter) => {
		expect(likelyDelimiter(text)).toBe(delimiter);
	});
});
