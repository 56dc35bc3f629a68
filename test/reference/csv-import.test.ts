import {
	CSV_MAX_BYTES,
	CSV_MAX_ROWS,
	CsvImportResponse,
	EnrichmentStatusResponse,
	LeadsPageResponse,
	V2Error,
} from '../../relay/src/contract/index.ts';
import { startReference } from './harness.ts';
import type { Client, Harness } from './harness.ts';

const base64 = (csv: string | Buffer) => Buffer.from(csv as string).toString('base64');
const rows = (count: number, from = 0) =>
	`email\n${Array.from({ length: count }, (_, n) => `p${from + n}@example.com\n`).join('')}`;

describe.each(['/api/v2', '/api/v1/public'])('CSV import under %s', (prefix) => {
	let harness: Harness;
	let client: Client;
	let listId: string;
	beforeEach(async () => {
		harness = await startReference();
		client = await harness.client({ credits: 1_000 });
		({ listId } = await harness.reference.createList({ ownerId: client.userId, name: 'List' }));
	});
	afterEach(() => harness.close());

	const post = (body: object, { by = client, list = listId } = {}) =>
		by.call('POST', `${prefix}/lead-lists/${list}/csv-import`, {
			column_mapping: { email: 'email' },
			dispatch_enrichment: false,
			...body,
		});
	const upload = (csv: string | Buffer, more: object = {}, at = {}) =>
		post({ csv_content_base64: base64(csv), ...more }, at);
	const imported = async (csv: string | Buffer, more: object = {}, at = {}) => {
		const reply = await upload(csv, more, at);
		expect([reply.status, reply.body.error]).toEqual([201, undefined]);
		return CsvImportResponse.parse(reply.body);
	};
	const leads = async () =>
		LeadsPageResponse.parse((await client.get(`${prefix}/lead-lists/${listId}/leads?limit=500`)).body).leads;
	const refusal = (reply: { status: number; body: unknown }) => {
		const { error } = V2Error.parse(reply.body);
		return [reply.status, error.code];
	};
	const balance = async () => (await client.get('/api/v2/credits/balance')).body.credits as number;

	it('puts every mapped field where it belongs', async () => {
		const csv =
			'First,Last,Mail,Tel,Profile,Firm,Web,Role,Town,Region,Land,Notes\n' +
			'Zoë,van Dœ,zoe@example.com,+12025550142,https://www.linkedin.com/in/zoe-example,Acme,acme.example,CEO,Graz,Styria,Austria,x\n';
		const reply = await imported(csv, {
			column_mapping: {
				first_name: 'First',
				last_name: 'Last',
				email: 'Mail',
				phone: 'Tel',
				linkedin_url: 'Profile',
				company_name: 'Firm',
				company_domain: 'Web',
				job_title: 'Role',
				city: 'Town',
				state: 'Region',
				country: 'Land',
			},
		});
		expect(reply).toEqual({
			task_id: null,
			timestamp_ms: harness.clock.now(),
			agent_instructions: null,
			usage: null,
			message: null,
			list_id: listId,
			rows_parsed: 1,
			rows_imported: 1,
			rows_skipped: 0,
			skip_reasons: {},
			sample_skip_rows: [],
			workflow_id: null,
			enrichment_status_url: null,
			idempotency_replayed: false,
		});
		expect(await leads()).toEqual([
			{
				lead_id: expect.any(String),
				first_name: 'Zoë',
				last_name: 'van Dœ',
				full_name: 'Zoë van Dœ',
				email: 'zoe@example.com',
				phone: '+12025550142',
				title: 'CEO',
				company: 'Acme',
				location: 'Graz, Styria, Austria',
				linkedin_url: 'https://www.linkedin.com/in/zoe-example',
				provider: null,
			},
		]);
	});

	it('splits a full name, takes the first number there is, and joins what there is of a place', async () => {
		await imported(
			'name,mobile,work,firm,town,land\nJane van Doe,,+12025550143,Acme,,Austria\nJo Li,+12025550144,+12025550145,Acme,Linz,\n',
			{
				column_mapping: {
					full_name: 'name',
					mobile_phone: 'mobile',
					work_phone: 'work',
					company_name: 'firm',
					city: 'town',
					country: 'land',
				},
			},
		);
		expect(
			(await leads()).map(({ first_name, last_name, phone, location }) => [
				first_name,
				last_name,
				phone,
				location,
			]),
		).toEqual([
			['Jane', 'van Doe', '+12025550143', 'Austria'],
			['Jo', 'Li', '+12025550144', 'Linz'],
		]);
	});

	it.each([
		['a BOM', '\uFEFFemail\na@example.com\n'],
		['CRLF', 'email\r\na@example.com\r\n'],
		['CR alone', 'email\ra@example.com\r'],
		['no newline at the end', 'email\na@example.com'],
		['quotes', '"email"\n"a@example.com"\n'],
		['spaces around', ' email \n  a@example.com  \n'],
		['blank lines', '\n\nemail\n\na@example.com\n\n\n'.trimStart()],
		['rows of different lengths', 'email,name\na@example.com\n'],
		['more cells than columns', 'email\na@example.com,b,c\n'],
	])('reads a file with %s', async (_, csv) => {
		expect(await imported(csv)).toMatchObject({ rows_parsed: 1, rows_imported: 1 });
		expect((await leads())[0]!.email).toBe('a@example.com');
	});

	it.each([
		['CRLF, then LF', '\r\n', '\n'],
		['LF, then CRLF', '\n', '\r\n'],
		['CRLF, then CR', '\r\n', '\r'],
	])('reads every row of a file put together from two: lines end with %s', async (_, first, then) => {
		const csv = `email,name${first}a@example.com,A${first}b@example.com,B${then}c@example.com,C${then}`;
		expect(await imported(csv)).toMatchObject({ rows_parsed: 3, rows_imported: 3, rows_skipped: 0 });
		expect((await leads()).map(({ email }) => email)).toEqual([
			'a@example.com',
			'b@example.com',
			'c@example.com',
		]);
	});

	it('reads quotes within quotes, commas and line ends within cells, and any script', async () => {
		const csv = 'email,first,last,firm\na@example.com,"Ann ""A.""","Doe,\r\nPhD",株式会社🎉\n';
		await imported(csv, {
			column_mapping: { email: 'email', first_name: 'first', last_name: 'last', company_name: 'firm' },
		});
		expect((await leads())[0]).toMatchObject({
			first_name: 'Ann "A."',
			last_name: 'Doe,\r\nPhD',
			company: '株式会社🎉',
		});
	});

	it('says why it left rows out, and which, as a spreadsheet numbers them', async () => {
		const csv =
			'email,profile,first,last,firm\n' +
			'a@example.com,,,,\n' + // 2
			'\n' + // 3: blank, not a row
			' A@EXAMPLE.com ,,,,\n' + // 4: duplicate
			',https://linkedin.com/in/x-example/,,,\n' + // 5
			',http://www.LinkedIn.com/in/x-example?a=b,,,\n' + // 6: duplicate
			',,Ann,Doe,\n' + // 7: whom?
			',,Ann,Doe,Acme\n' + // 8
			',,Ann,,Acme\n'; // 9: whom?
		const reply = await imported(csv, {
			column_mapping: {
				email: 'email',
				linkedin_url: 'profile',
				first_name: 'first',
				last_name: 'last',
				company_name: 'firm',
			},
		});
		expect(reply).toMatchObject({
			rows_parsed: 7,
			rows_imported: 3,
			rows_skipped: 4,
			skip_reasons: { duplicate_email: 1, duplicate_linkedin: 1, missing_required: 2 },
			sample_skip_rows: [4, 6, 7, 9],
		});
		expect(await leads()).toHaveLength(3);
	});

	it('gives ten examples of rows left out, and counts them all', async () => {
		const reply = await imported(`email,x\n${',x\n'.repeat(11)}`);
		expect(reply).toMatchObject({ rows_imported: 0, skip_reasons: { missing_required: 11 } });
		expect(reply.sample_skip_rows).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
	});

	it('stops at 600 rows, and says what it left out', async () => {
		expect(await imported(rows(CSV_MAX_ROWS))).toMatchObject({ rows_imported: 600, rows_skipped: 0 });
		const { listId: other } = await harness.reference.createList({ ownerId: client.userId, name: 'Other' });
		expect(await imported(rows(CSV_MAX_ROWS + 1), {}, { list: other })).toMatchObject({
			rows_parsed: 601,
			rows_imported: 600,
			rows_skipped: 1,
			skip_reasons: { row_cap_exceeded: 1 },
			sample_skip_rows: [602],
		});
	});

	it('takes 150 KB and not a byte more: 413', async () => {
		const head = 'email,notes\na@example.com,';
		const filler = (bytes: number) => head + 'x'.repeat(bytes - head.length);
		expect(await imported(filler(CSV_MAX_BYTES))).toMatchObject({ rows_imported: 1 });
		const over = await upload(filler(CSV_MAX_BYTES + 1));
		expect(refusal(over)).toEqual([413, 'csv_too_large']);
		const huge = await upload('x'.repeat(1024 * 1024));
		expect(refusal(huge)).toEqual([413, 'payload_too_large']);
	});

	it('imports the same person twice into one lead, which gains what it lacked', async () => {
		await imported('profile,first\nhttps://linkedin.com/in/x-example,Ann\n', {
			column_mapping: { linkedin_url: 'profile', first_name: 'first' },
		});
		const again = await imported('profile,first,last\nhttps://linkedin.com/in/x-example,Anna,Doe\n', {
			column_mapping: { linkedin_url: 'profile', first_name: 'first', last_name: 'last' },
		});
		expect(again).toMatchObject({ rows_imported: 1, rows_skipped: 0 });
		expect((await leads()).map(({ full_name }) => full_name)).toEqual(['Ann Doe']);
	});

	it.each([
		['a header and no rows', 'email\n'],
		['a header without a line end', 'email'],
	])('imports nothing from %s', async (_, csv) => {
		expect(await imported(csv)).toMatchObject({ rows_parsed: 0, rows_imported: 0 });
	});

	describe('refuses', () => {
		it('a column with a long name: 400 missing_column, with no half of an emoji where it is cut', async () => {
			const header = `${'x'.repeat(99)}😀😀`;
			const reply = await upload('email\na@example.com\n', { column_mapping: { email: header } });
			expect(reply.body.error.details.header).toBe(`${'x'.repeat(99)}…`);
			expect(reply.body.error.problem.isWellFormed()).toBe(true);
		});

		it('a column that is not there: 400 missing_column, with its name', async () => {
			const reply = await upload('E-Mail;Name\na@example.com;x\n', { column_mapping: { email: 'email' } });
			expect(reply.status).toBe(400);
			const { error } = V2Error.parse(reply.body);
			expect(error).toMatchObject({
				code: 'missing_column',
				details: { header: 'email', available_headers: ['E-Mail;Name'] },
			});
			expect(await leads()).toEqual([]);
		});

		it.each([
			['an empty file', ''],
			['blank lines only', '\n \n\n'],
			['an open quote', 'email\n"a@example.com\n'],
			['a quote astray', 'email\na"b@example.com\n'],
			['Latin-1', Buffer.from('email\nm\xfcller@example.com\n', 'latin1')],
			['UTF-16', Buffer.from('\uFEFFemail\na@example.com\n', 'utf16le')],
		])('%s: 400', async (_, csv) => {
			const reply = await upload(csv);
			expect(refusal(reply)).toEqual([400, 'validation_error']);
			expect(await leads()).toEqual([]);
		});

		it.each([
			['no file', { csv_content_base64: undefined }, ['csv_content_base64']],
			['a file that is not base64', { csv_content_base64: 'a,b\n' }, ['csv_content_base64']],
			['no mapping', { column_mapping: undefined }, ['column_mapping']],
			['an empty mapping', { column_mapping: {} }, ['column_mapping']],
			[
				'a mapping of an unknown field',
				{ column_mapping: { shoe_size: 'x' } },
				['column_mapping', 'shoe_size'],
			],
			['a mapping to no string', { column_mapping: { email: 1 } }, ['column_mapping', 'email']],
			['an unknown field', { webhook_url: 'https://example.com' }, ['webhook_url']],
			['an unknown type', { dispatch_enrichment: true, enrichment_type: 'phone-only' }, ['enrichment_type']],
			['enriching without a type', { dispatch_enrichment: true }, ['enrichment_type']],
			['enriching by default without a type', { dispatch_enrichment: undefined }, ['enrichment_type']],
			[
				'enriching with a type of null',
				{ dispatch_enrichment: true, enrichment_type: null },
				['enrichment_type'],
			],
		])('%s: 422', async (_, body, at) => {
			const reply = await post({ csv_content_base64: base64(rows(1)), ...body });
			expect(reply.status).toBe(422);
			expect(reply.body.detail[0].loc).toEqual(['body', ...at]);
			expect(await leads()).toEqual([]);
		});

		it('enriching without the scope for it: 403', async () => {
			const { organizationId } = client;
			const writer = await harness.client({ organizationId, scopes: ['lists:write', 'lists:read'] });
			const { listId: list } = await harness.reference.createList({ ownerId: writer.userId, name: 'Mine' });
			const body = { dispatch_enrichment: true, enrichment_type: 'partial' };
			const reply = await upload(rows(1), body, { by: writer, list });
			expect(refusal(reply)).toEqual([403, 'insufficient_scope']);
			expect(reply.body.error.details.required).toEqual(['enrich:write']);
			await imported(rows(1), {}, { by: writer, list });
		});

		it('a list that is unknown, a stranger’s or a teammate’s: 404', async () => {
			const mate = await harness.client({ organizationId: client.organizationId });
			await harness.reference.shareList(listId, 'organization');
			const stranger = await harness.client();
			for (const at of [{ list: 'unknown' }, { by: stranger }, { by: mate }]) {
				expect(refusal(await upload(rows(1), {}, at))).toEqual([404, 'not_found']);
			}
		});

		it('everything while it is switched off: 503', async () => {
			harness.reference.behaviours.csvImport = false;
			const reply = await upload(rows(1));
			expect(refusal(reply)).toEqual([503, 'feature_disabled']);
			expect(reply.headers.get('retry-after')).toBe('60');
			harness.reference.behaviours.csvImport = true;
			await imported(rows(1));
		});
	});

	describe('enriching what was imported', () => {
		const dispatch = { dispatch_enrichment: true, enrichment_type: 'full' };

		it('starts a run over the rows of this file, which can be followed and is paid for', async () => {
			await imported(rows(2, 100));
			const reply = await imported(rows(5), dispatch);
			expect(reply.enrichment_status_url).toBe(`/api/v1/public/enrichment/status/${reply.workflow_id}`);
			expect(await balance()).toBe(1_000 - 55);
			await harness.clock.advance(60_000);
			const status = await client.get(reply.enrichment_status_url!);
			const run = EnrichmentStatusResponse.parse(status.body);
			expect(run).toMatchObject({
				status: 'completed',
				total: 5,
				enrichment_type: 'full',
				lead_list_id: listId,
			});
			expect(await balance()).toBe(1_000 - run.credits_charged!);
			expect(run.credits_charged! + run.credits_refunded!).toBe(55);
			const enriched = (await leads()).filter(({ provider }) => provider !== null);
			expect(enriched.length).toBeGreaterThan(0);
			for (const lead of enriched) expect(lead.email).toMatch(/^p[0-4]@example\.com$|\.example$|@example\./);
		});

		it('starts none when there is nobody to enrich', async () => {
			const reply = await imported('email\n', dispatch);
			expect([reply.workflow_id, reply.enrichment_status_url]).toEqual([null, null]);
			expect(await balance()).toBe(1_000);
		});

		it('imports nothing when the credits do not suffice: 400, to the credit', async () => {
			const over = await upload(rows(91), dispatch);
			expect(refusal(over)).toEqual([400, 'insufficient_credits']);
			expect(over.body.error).toMatchObject({
				estimated_cost_credits: 1_001,
				available_credits: 1_000,
				shortfall_credits: 1,
			});
			expect([await leads(), await balance()]).toEqual([[], 1_000]);
			await imported(rows(90), dispatch);
			expect(await balance()).toBe(10);
		});

		const quote = async (body: object) => {
			const reply = await client.call('POST', '/api/v2/credits/estimate', {
				tool: 'bulk_import_csv',
				enrichment_type: 'full',
				row_count: 5,
				...body,
			});
			return reply.body.quote_id as string;
		};

		it('redeems a quote, once', async () => {
			const quote_id = await quote({ list_id: listId });
			await imported(rows(5), { ...dispatch, quote_id });
			const again = await upload(rows(5, 5), { ...dispatch, quote_id });
			expect(refusal(again)).toEqual([409, 'quote_used']);
			expect(await leads()).toHaveLength(5);
		});

		it('refuses a quote for fewer rows, another list, type or tool', async () => {
			const { listId: other } = await harness.reference.createList({ ownerId: client.userId, name: 'Other' });
			for (const [body, code] of [
				[{ row_count: 4 }, 'spend_cap_exceeded'],
				[{ list_id: other }, 'quote_mismatch'],
				[{ enrichment_type: 'partial' }, 'quote_mismatch'],
				[{ tool: 'enrich_list' }, 'quote_mismatch'],
			] as const) {
				const reply = await upload(rows(5), { ...dispatch, quote_id: await quote(body) });
				expect(refusal(reply)).toEqual([400, code]);
			}
			expect([await leads(), await balance()]).toEqual([[], 1_000]);
		});
	});

	describe('a repeated idempotency key', () => {
		it('gets the first answer again, and imports nothing, in the whole organization for 24 hours', async () => {
			const key = { idempotency_key: `k${'x'.repeat(1_000)}` };
			const first = await imported(rows(3), {
				...key,
				dispatch_enrichment: true,
				enrichment_type: 'partial',
			});
			await harness.clock.advance(24 * 60 * 60 * 1000 - 1);
			const spent = await balance();
			const again = await imported(rows(5), {
				...key,
				dispatch_enrichment: true,
				enrichment_type: 'partial',
			});
			expect(again).toEqual({ ...first, timestamp_ms: harness.clock.now(), idempotency_replayed: true });
			const mate = await harness.client({ organizationId: client.organizationId });
			const { listId: list } = await harness.reference.createList({ ownerId: mate.userId, name: 'Mine' });
			expect(await imported(rows(1), key, { by: mate, list })).toMatchObject({
				list_id: listId,
				idempotency_replayed: true,
			});
			expect([(await leads()).length, await balance()]).toEqual([3, spent]);
			await harness.clock.advance(1);
			expect(await imported(rows(4), key)).toMatchObject({ rows_imported: 4, idempotency_replayed: false });
		});

		it('is no one else’s, and not spent on a request that failed', async () => {
			const key = { idempotency_key: 'k' };
			expect((await upload('name\n', key)).status).toBe(400);
			expect(await imported(rows(1), key)).toMatchObject({ idempotency_replayed: false });
			const stranger = await harness.client();
			const { listId: list } = await harness.reference.createList({ ownerId: stranger.userId, name: 'Mine' });
			expect(await imported(rows(1), key, { by: stranger, list })).toMatchObject({
				list_id: list,
				idempotency_replayed: false,
			});
		});
	});
});
