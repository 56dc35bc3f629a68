import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import * as contract from '../../relay/src/contract/index.ts';
import { csvRecord } from '../../relay/src/reference/domain/csv-file.ts';
import { contacts, startReference, walk } from './harness.ts';
import type { Client, Harness, Json, Reply } from './harness.ts';
import { PREFIXES, expectError, expectIssue, finish, leadsOf, listOf, personsWith, quote } from './paid.ts';

const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';
const HITS = personsWith({ email: true, phone: true }, 3);

const read = (text: string | Buffer) =>
	parse<Record<string, string>>(text, { columns: true, record_delimiter: '\r\n' });

let harness: Harness;
let client: Client;
let listId: string;
let leadIds: string[];
beforeEach(async () => {
	harness = await startReference();
	client = await harness.client();
	({ listId, leadIds } = await listOf(client, HITS));
});
afterEach(() => harness.close());

/** Finds out all there is to know about the list. */
async function enriched() {
	const quote_id = await quote(client, { tool: 'enrich_list', list_id: listId, scope: 'full' });
	await client.call('POST', '/api/v2/enrichment/bulk', { list_id: listId, scope: 'full', quote_id });
	await finish(harness);
}

async function withColumn(column_name: string) {
	const quote_id = await quote(client, {
		tool: 'run_smart_agent',
		list_id: listId,
		agent_type: 'cold_intro_email',
	});
	const body = { list_id: listId, column_name, agent_type: 'cold_intro_email', quote_id };
	const reply = await client.call('POST', '/api/v2/smart-agents/run', body);
	expect(reply.status).toBe(200);
	await finish(harness);
}

describe.each(PREFIXES)('under %s', (prefix) => {
	const sign = async (body: object = {}, as = client): Promise<Reply> => {
		const reply = await as.call('POST', `${prefix}/export/csv/signed-url`, { list_id: listId, ...body });
		if (reply.status === 200) expect(contract.ExportCsvResponse.parse(reply.body)).toEqual(reply.body);
		return reply;
	};
	const csv = async (body: object = {}) => {
		const { download_url } = (await sign(body)).body;
		return (await fetch(download_url as string)).text();
	};
	const json = async (query = '', as = client): Promise<Reply> => {
		const reply = await as.get(`${prefix}/export/json?list_id=${listId}${query}`);
		if (reply.status === 200) expect(contract.ExportJsonResponse.parse(reply.body)).toEqual(reply.body);
		return reply;
	};

	describe('CSV', () => {
		it('is behind a link that needs no key', async () => {
			await enriched();
			const reply = await sign();
			expect(reply.status).toBe(200);
			expect(reply.body).toMatchObject({
				list_id: listId,
				row_count: 3,
				expires_at: new Date(harness.clock.now() + 24 * 3_600_000).toISOString(),
			});
			expect(reply.body).not.toHaveProperty('timestamp_ms');
			const file = await fetch(reply.body.download_url as string);
			expect(file.status).toBe(200);
			expect(file.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
			expect(file.headers.get('content-disposition')).toBe(`attachment; filename="leads-${listId}.csv"`);
			expect(file.headers.get('x-content-type-options')).toBe('nosniff');
			const bytes = Buffer.from(await file.arrayBuffer());
			expect(bytes.length).toBe(reply.body.file_size_bytes);
			expect(bytes.subarray(0, 3)).not.toEqual(Buffer.from([0xef, 0xbb, 0xbf]));

			const records = read(bytes);
			const leads = await leadsOf(client, listId);
			expect(records).toEqual(
				leads.map((lead, index) => ({
					lead_id: leadIds[index],
					first_name: lead.first_name,
					last_name: lead.last_name,
					email: lead.email,
					title: lead.title,
					company: lead.company,
					domain: 'acme.example',
					linkedin_url: '',
					phone: lead.phone,
					location: lead.location,
				})),
			);
			expect(Object.keys(records[0]!)).toEqual([...contract.EXPORT_COLUMNS]);
			expect(records[0]!.phone).toMatch(/^\+\d+$/);
		});

		it('stays as it was when the link was made', async () => {
			const { download_url, file_size_bytes } = (await sign()).body;
			await enriched();
			await client.call('DELETE', `/api/v2/lead-lists/${listId}`);
			const text = await (await fetch(download_url as string)).text();
			expect(Buffer.byteLength(text)).toBe(file_size_bytes);
			expect(text).toContain(leadIds[0]);
		});

		it('works until 24 hours are over, and not a moment longer: 410', async () => {
			const { download_url } = (await sign()).body;
			await harness.clock.advance(24 * 3_600_000 - 1);
			expect((await fetch(download_url as string)).status).toBe(200);
			await harness.clock.advance(1);
			for (let n = 0; n < 2; n++) {
				const late = await fetch(download_url as string);
				expect(late.status).toBe(410);
				const body = contract.V2Error.parse(await late.json());
				expect(body.error.code).toBe('link_expired');
				// The next export clears the file away; the link still says what became of it.
				await sign();
			}
		});

		it('refuses a link that was changed in any part: 403', async () => {
			const url = new URL((await sign()).body.download_url as string);
			const other = new URL((await sign()).body.download_url as string);
			const changed = (change: (link: URL) => void) => {
				const link = new URL(url);
				change(link);
				return link;
			};
			const links = [
				changed((link) => link.searchParams.delete('signature')),
				changed((link) => link.searchParams.delete('expires')),
				changed((link) => link.searchParams.set('expires', '9999999999')),
				changed((link) => link.searchParams.set('expires', `${url.searchParams.get('expires')} `)),
				changed((link) => link.searchParams.set('expires', `0${url.searchParams.get('expires')}`)),
				changed((link) => link.searchParams.append('expires', '1')),
				changed((link) => link.searchParams.set('signature', 'é'.repeat(64))),
				changed((link) => link.searchParams.set('signature', '0'.repeat(64))),
				changed((link) => (link.pathname = other.pathname)),
				changed((link) => (link.pathname = `/api/downloads/${UNKNOWN_ID}.csv`)),
			];
			for (const link of links) {
				const reply = await fetch(link);
				expect([link.search, reply.status]).toEqual([link.search, 403]);
				expect(contract.V2Error.parse(await reply.json()).error.code).toBe('link_invalid');
			}
		});

		it('has columns as asked, each once, and smart columns at the end', async () => {
			await withColumn('Intro');
			const header = async (body: object) => (await csv(body)).split('\r\n', 1)[0];
			expect(await header({})).toBe([...contract.EXPORT_COLUMNS, 'Intro'].join(','));
			expect(await header({ include_smart_agents: false })).toBe(contract.EXPORT_COLUMNS.join(','));
			expect(await header({ columns: null })).toBe([...contract.EXPORT_COLUMNS, 'Intro'].join(','));
			expect(await header({ columns: [] })).toBe([...contract.EXPORT_COLUMNS, 'Intro'].join(','));
			expect(await header({ columns: ['phone', 'email', 'phone'] })).toBe('phone,email,Intro');
			const none = { include_smart_agents: false };
			expect(await header({ columns: ['phone'], ...none })).toBe('phone');
			expect(await header({ columns: ['Intro', 'full_name', 'provider'], ...none })).toBe(
				'Intro,full_name,provider',
			);
			const records = read(await csv({ columns: ['lead_id'] }));
			expect(records.map((record) => record.lead_id)).toEqual(leadIds);
			for (const { Intro } of records) expect(Intro).toMatch(/^\[Synthetic\] Hi P\d+, /);
		});

		it('keeps the columns of one list out of another', async () => {
			await withColumn('Intro');
			const { listId: other } = await listOf(client, HITS);
			expectError(await sign({ list_id: other, columns: ['Intro'] }), 400, 'validation_error');
		});

		it('of an empty list is a header', async () => {
			const empty = await listOf(client, []);
			const reply = await sign({ list_id: empty.listId });
			expect(reply.body.row_count).toBe(0);
			const text = await (await fetch(reply.body.download_url as string)).text();
			expect(text).toBe(`${contract.EXPORT_COLUMNS.join(',')}\r\n`);
		});

		it('carries any name through, and none of them as a formula', async () => {
			const names = [
				'=1+1',
				'@SUM(A1)',
				'+1-2+cmd|x',
				'a,b',
				'say "hi"',
				'two\nlines',
				'小明 👩‍💻',
				' x ',
				'-5',
				'＝1',
			];
			const own = await listOf(
				client,
				names.map((first_name, index) => ({ first_name, last_name: 'L', company_name: `C${index}` })),
			);
			const records = read(await csv({ list_id: own.listId, columns: ['first_name'] }));
			const trimmed = names.map((name) => name.trim());
			const formulas = [0, 1, 2, 9];
			expect(records.map((record) => record.first_name)).toEqual(
				trimmed.map((name, index) => (formulas.includes(index) ? `'${name}` : name)),
			);
			const page = await client.get(`${prefix}/export/json?list_id=${own.listId}&columns=first_name`);
			expect(page.body.leads.map((lead: Json) => lead.first_name)).toEqual(trimmed);
		});
	});

	describe('JSON', () => {
		it('gives the default columns, domain among them, with null for what is not known', async () => {
			const before = await json();
			expect(before.body).toMatchObject({ list_id: listId, total: 3, cursor: null });
			expect(before.body.leads[0]).toEqual({
				lead_id: leadIds[0],
				first_name: HITS[0]!.first_name,
				last_name: 'Last',
				email: null,
				title: null,
				company: 'Acme',
				domain: null,
				linkedin_url: null,
				phone: null,
				location: null,
			});
			await enriched();
			expect((await json()).body.leads[0]).toMatchObject({
				domain: 'acme.example',
				email: expect.any(String),
			});
		});

		it('gives the columns asked for, and smart columns by name', async () => {
			await withColumn('Intro & more');
			const reply = await json(`&columns=email&columns=${encodeURIComponent('Intro & more')}&columns=email`);
			expect(Object.keys(reply.body.leads[0])).toEqual(['email', 'Intro & more']);
			expect(reply.body.leads[0]['Intro & more']).toMatch(/^\[Synthetic\]/);
			expect(Object.keys((await json('&columns=full_name')).body.leads[0])).toEqual(['full_name']);
			expect(Object.keys((await json()).body.leads[0])).toEqual([...contract.EXPORT_COLUMNS]);
		});

		it('goes through the list page by page, each lead once, although leads come and go', async () => {
			const own = await listOf(client, contacts(25));
			const spare = await listOf(client, contacts(1, 500));
			let round = 0;
			const leads = await walk(
				client,
				`${prefix}/export/json?list_id=${own.listId}&limit=10`,
				'leads',
				async () => {
					if (round++ !== 0) return;
					await client.call('DELETE', `/api/v2/lead-lists/${own.listId}/leads`, {
						lead_ids: [own.leadIds[0], own.leadIds[24]],
					});
					await client.call('POST', `/api/v2/lead-lists/${own.listId}/leads`, { lead_ids: spare.leadIds });
				},
			);
			expect(leads.map((lead) => lead.lead_id)).toEqual([...own.leadIds.slice(0, 24), ...spare.leadIds]);
		});

		it('has pages of 100 unless told otherwise, and of 500 at most', async () => {
			const own = await listOf(client, contacts(101));
			const page = async (query: string) =>
				(await client.get(`${prefix}/export/json?list_id=${own.listId}${query}`)).body;
			expect((await page('')).leads).toHaveLength(100);
			expect(await page('&limit=101')).toMatchObject({ cursor: null, total: 101 });
			expect((await page('&limit=1')).leads).toHaveLength(1);
			expect((await page('&limit=500')).leads).toHaveLength(101);
			for (const limit of ['0', '501', '-1', 'x', '']) {
				expectIssue(await json(`&limit=${limit}`), 'query', 'limit');
			}
		});

		it('refuses a cursor it did not give out: 400', async () => {
			const other = await client.get(`${prefix}/lead-lists/${listId}/leads?limit=1`);
			for (const cursor of ['x', '1', 'é', other.body.cursor]) {
				expectError(await json(`&cursor=${encodeURIComponent(cursor)}`), 400, 'validation_error');
			}
			expect((await json('&cursor=')).status).toBe(200);
		});

		it('needs a list: 422', async () => {
			expectIssue(await client.get(`${prefix}/export/json`), 'query', 'list_id');
		});
	});

	it.each([[['nope']], [['email', 'Email']], [['']], [['__proto__']], [['constructor']]])(
		'refuses the columns %j, naming the ones there are: 400',
		async (columns) => {
			const query = columns.map((name) => `&columns=${name}`).join('');
			for (const reply of [await sign({ columns }), await json(query)]) {
				const error = expectError(reply, 400, 'validation_error');
				expect(error.fix).toContain('lead_id, first_name');
			}
		},
	);

	it('refuses what is no export request: 422', async () => {
		expectIssue(await sign({ list_id: undefined }), 'body', 'list_id');
		expectIssue(await sign({ columns: 'email' }), 'body', 'columns');
		expectIssue(await sign({ include_smart_agents: null }), 'body', 'include_smart_agents');
		expectIssue(await sign({ format: 'xlsx' }), 'body', 'format');
	});

	it('knows lists in reach only: 404; a teammate may export one that is opened to them', async () => {
		const teammate = await harness.client({ organizationId: client.organizationId });
		for (const as of [teammate, await harness.client()]) {
			expectError(await sign({}, as), 404, 'not_found');
			expectError(await json('', as), 404, 'not_found');
		}
		expectError(await sign({ list_id: UNKNOWN_ID }), 404, 'not_found');
		await harness.reference.shareList(listId, 'organization');
		expect((await sign({}, teammate)).status).toBe(200);
		expect((await json('', teammate)).status).toBe(200);
	});

	it('is free', async () => {
		const poor = await harness.client({ credits: 0 });
		const own = await listOf(poor, HITS);
		expect((await sign({ list_id: own.listId }, poor)).status).toBe(200);
		expect((await poor.get(`${prefix}/export/json?list_id=${own.listId}`)).status).toBe(200);
	});
});

it('keeps links over a restart', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'reference-'));
	const path = join(folder, 'reference.db');
	const first = await startReference({ path });
	try {
		const one = await first.client();
		const own = await listOf(one, HITS);
		const signed = await one.call('POST', '/api/v2/export/csv/signed-url', { list_id: own.listId });
		await first.close();
		const second = await startReference({ path, clock: first.clock });
		const { pathname, search } = new URL(signed.body.download_url as string);
		const file = await fetch(second.baseUrl + pathname + search);
		expect(file.status).toBe(200);
		expect(Buffer.byteLength(await file.text())).toBe(signed.body.file_size_bytes);
		await second.close();
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
});

it('refuses every link before it has made one', async () => {
	const reply = await fetch(`${harness.baseUrl}/api/downloads/${UNKNOWN_ID}.csv?expires=1&signature=x`);
	expect(reply.status).toBe(403);
});

it('writes records that any reader of RFC 4180 reads back, but for formulas', () => {
	const cell = fc.option(fc.string({ unit: 'binary', maxLength: 30 }), { nil: null });
	fc.assert(
		fc.property(fc.array(cell, { minLength: 2, maxLength: 6 }), (cells) => {
			const [record] = parse(csvRecord(cells), { record_delimiter: '\r\n' });
			expect(record).toEqual(
				cells.map((value) => {
					const text = value ?? '';
					const formula = /^[=+\-@\t\r＝＋－＠]/.test(text) && !/^[+-][\d ().-]*$/.test(text);
					return formula ? `'${text}` : text;
				}),
			);
		}),
	);
});

it.each(['+12025550100', '-5', '+44 7700 900000', '+1 (202) 555-0100', '-1.5'])(
	'leaves the number %s as it is',
	(number) => {
		expect(csvRecord([number])).toBe(`${number}\r\n`);
	},
);
