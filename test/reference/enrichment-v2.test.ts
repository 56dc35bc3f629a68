import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as contract from '../../relay/src/contract/index.ts';
import { startReference } from './harness.ts';
import type { Client, Harness, Json, Reply } from './harness.ts';
import {
	PREFIXES,
	balance,
	expectError,
	expectIssue,
	finish,
	leadsOf,
	listOf,
	personsWith,
	quote,
} from './paid.ts';

const HIT = personsWith({ email: true, phone: true }, 1)[0]!;
const EMAIL_ONLY = personsWith({ email: true, phone: false }, 1)[0]!;
const PHONE_ONLY = personsWith({ email: false, phone: true }, 1)[0]!;
const MISS = personsWith({ email: false, phone: false }, 1)[0]!;

let harness: Harness;
let client: Client;
let listId: string;
beforeEach(async () => {
	harness = await startReference();
	client = await harness.client({ credits: 1_000 });
	listId = (await listOf(client, [])).listId;
});
afterEach(() => harness.close());

const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';

describe.each(PREFIXES)('under %s', (prefix) => {
	const person = (body: object, as = client) =>
		as.call('POST', `${prefix}/enrichment/person`, { lead_list_id: listId, ...body });
	const company = (body: object, as = client) => as.call('POST', `${prefix}/enrichment/company`, body);
	const byTask = (body: object, as = client) => as.call('POST', `${prefix}/enrichment/by-task`, body);
	const bulk = (body: object, as = client) => as.call('POST', `${prefix}/enrichment/bulk`, body);
	const status = async (workflowId: string, as = client) => {
		const reply = await as.get(`${prefix}/enrichment/status/${workflowId}`);
		if (reply.status === 200) expect(contract.EnrichmentStatusResponse.parse(reply.body)).toEqual(reply.body);
		return reply;
	};

	describe('person', () => {
		it.each([
			[{ ...HIT, enrichment_type: 'partial' }, 1, 1, 'partial'],
			[{ ...HIT, enrichment_type: 'phone_only' }, 10, 10, 'phone_only'],
			[{ ...HIT, enrichment_type: 'full' }, 11, 11, 'full'],
			[{ ...EMAIL_ONLY, enrichment_type: 'full' }, 11, 1, 'full'],
			[{ ...PHONE_ONLY, enrichment_type: 'full' }, 11, 10, 'full'],
			[{ ...MISS, enrichment_type: 'full' }, 11, 0, 'full'],
			[{ ...HIT }, 1, 1, 'partial'],
			[{ ...HIT, include_phone: true }, 10, 10, 'phone_only'],
			[{ ...HIT, include_phone: false }, 1, 1, 'partial'],
			[{ ...HIT, include_phone: true, enrichment_type: 'partial' }, 1, 1, 'partial'],
			[{ ...HIT, include_phone: true, enrichment_type: null }, 10, 10, 'phone_only'],
		])('%j reserves %i and charges %i', async (body, reserved, charged, type) => {
			const reply = await person(body);
			expect(reply.status).toBe(200);
			expect(contract.EnrichPersonResponse.parse(reply.body)).toEqual(reply.body);
			expect(reply.body).toMatchObject({
				status: 'pending',
				credits_reserved: reserved,
				lead_list_id: listId,
				timestamp_ms: harness.clock.now(),
			});
			const id = reply.body.workflow_id as string;
			expect(id).toMatch(/^enrich-[0-9a-f-]{36}$/);
			expect(reply.body.poll_url).toBe(`${harness.baseUrl}/api/v1/public/enrichment/status/${id}`);
			expect(await balance(client)).toBe(1_000 - reserved);
			expect((await status(id)).body).toMatchObject({
				status: 'pending',
				progress: 0,
				processed: 0,
				credits_charged: null,
				credits_refunded: null,
				result: null,
				refund_status: null,
			});

			await finish(harness);
			expect((await status(id)).body).toMatchObject({
				workflow_id: id,
				status: 'completed',
				progress: 100,
				total: 1,
				processed: 1,
				completed: charged > 0 ? 1 : 0,
				failed: charged > 0 ? 0 : 1,
				enrichment_type: type,
				lead_list_id: listId,
				refund_status: 'not_applicable',
				credits_charged: charged,
				credits_refunded: reserved - charged,
				result: { status: charged > 0 ? 'completed' : 'failed', enrichment_type: type },
			});
			expect(await balance(client)).toBe(1_000 - charged);
		});

		it('goes from pending over running to completed', async () => {
			const { workflow_id: id } = (await person(HIT)).body;
			const seen = [];
			for (let n = 0; n < 4; n++) {
				seen.push((await status(id)).body.status);
				await harness.clock.advance(500);
			}
			expect(seen).toEqual(['pending', 'pending', 'running', 'completed']);
		});

		it('is cancelled with its list, and has a result that says that nothing was found', async () => {
			const { workflow_id: id } = (await person(HIT)).body;
			await client.call('DELETE', `/api/v2/lead-lists/${listId}`);
			await finish(harness);
			expect((await status(id)).body).toMatchObject({
				status: 'cancelled',
				credits_charged: 0,
				message: expect.stringContaining('deleted'),
				result: { lead_id: '', status: 'failed', first_name: HIT.first_name, email: null },
			});
			expect(await balance(client)).toBe(1_000);
		});

		it('puts whom it found into the list, and gives the findings with the status', async () => {
			const { workflow_id: id } = (await person({ ...HIT, enrichment_type: 'full' })).body;
			expect(await leadsOf(client, listId)).toEqual([]);
			await finish(harness);
			const [lead] = await leadsOf(client, listId);
			const { result, summary } = (await status(id)).body;
			expect(summary).toEqual({ emails_found: 1, phones_found: 1 });
			expect(result).toEqual({
				lead_id: lead.lead_id,
				status: 'completed',
				full_name: `${HIT.first_name} Last`,
				first_name: HIT.first_name,
				last_name: 'Last',
				email: lead.email,
				email_status: expect.stringMatching(/^(verified|likely_valid|risky|invalid|unknown)$/),
				phone: lead.phone,
				linkedin_url: null,
				title: lead.title,
				company: 'Acme',
				enrichment_type: 'full',
				provider: 'reference',
			});
			expect(lead.email).toMatch(/\.example$/);
			const list = await client.get(`${prefix}/lead-lists/${listId}`);
			expect(list.body).toMatchObject({ lead_count: 1, enriched_count: 1 });
		});

		it('adds nobody when nothing was found', async () => {
			const { workflow_id: id } = (await person(MISS)).body;
			await finish(harness);
			expect((await status(id)).body.result).toMatchObject({ lead_id: '', status: 'failed', email: null });
			expect(await leadsOf(client, listId)).toEqual([]);
		});

		it('finds what the legacy endpoint finds for the same person, and is the same lead', async () => {
			await client.submit([HIT], { enrichment_type: 'full' });
			await person({ ...HIT, enrichment_type: 'full' });
			await finish(harness);
			const [mine] = await leadsOf(client, listId);
			const lists = await client.get('/api/v2/lead-lists');
			const extension = lists.body.lists.find((list: Json) => list.name === 'Extension Leads');
			expect(await leadsOf(client, extension.list_id)).toEqual([mine]);
		});

		it.each([
			'https://www.linkedin.com/in/joan-doe',
			'http://uk.linkedin.com/in/Joan-Doe/',
			'linkedin.com/in/joan-doe?trk=x#top',
			'https://m.linkedin.com/in/joan-doe/en',
			'www.linkedin.com/in/joan-doe/details/experience/',
			' /in/joan-doe ',
			'in/joan-doe',
			'JOAN-DOE',
			'https://www.linkedin.com/in/joan%2Ddoe',
		])('takes the profile %j and writes it one way', async (linkedin_url) => {
			const reply = await person({ linkedin_url, enrichment_type: 'full' });
			expect(reply.status).toBe(200);
			await finish(harness);
			const { result } = (await status(reply.body.workflow_id)).body;
			expect(result.linkedin_url).toBe('https://www.linkedin.com/in/joan-doe');
			const [lead] = await leadsOf(client, listId);
			expect(lead).toMatchObject({ linkedin_url: 'https://www.linkedin.com/in/joan-doe', last_name: 'Doe' });
		});

		it.each([
			'https://example.com/in/jane-doe',
			'https://www.linkedin.com/company/acme',
			'https://www.linkedin.com/',
			'https://www.linkedin.com/in/',
			'https://evil-linkedin.com/in/jane',
			'https://www.linkedin.com.example.com/in/jane',
			'https://www.linkedin.com/in/%2e%2e%2f',
			'https://www.linkedin.com/in/%ff',
			'jane doe',
			'x'.repeat(101),
		])('refuses the profile %j: 422', async (linkedin_url) => {
			expectIssue(await person({ ...HIT, linkedin_url }), 'body', 'linkedin_url');
		});

		it.each([
			[{}],
			[{ phone: '+12025550100' }],
			[{ first_name: 'Jane', last_name: 'Doe' }],
			[{ first_name: 'Jane', company_name: 'Acme' }],
			[{ last_name: 'Doe', domain: 'acme.example' }],
			[{ email: '  ' }],
			[{ email: null, linkedin_url: null, person_id: null }],
		])('refuses %j, which names nobody, in words: 422', async (body) => {
			const reply = await person(body);
			expectIssue(reply, 'body');
			expect(reply.body.detail[0].msg).toBe(contract.PERSON_RULE);
		});

		it.each([
			[{ email: 'jane@acme.example' }],
			[{ first_name: 'Jane', last_name: 'Doe', domain: 'acme.example' }],
			[{ first_name: 'Jane', last_name: 'Doe', company_name: 'Acme' }],
			[{ first_name: '小明', last_name: '👩‍💻', company_name: 'Ünïcode GmbH 🚀', phone: '+12025550100' }],
			[{ person_id: UNKNOWN_ID }],
		])('takes %j', async (body) => {
			expect((await person(body)).status).toBe(200);
		});

		it('checks an address it was given instead of making one up', async () => {
			for (const email of ['a.b@acme.example', 'c.d@acme.example', 'e.f@acme.example']) {
				await person({ email });
			}
			await finish(harness);
			const leads = await leadsOf(client, listId);
			expect(leads.length).toBeGreaterThan(0);
			for (const lead of leads) expect(lead.email).toMatch(/^[ace]\.[bdf]@acme\.example$/);
		});

		it('finds nobody by an id nobody has, for nothing', async () => {
			const { workflow_id: id } = (await person({ person_id: UNKNOWN_ID, enrichment_type: 'full' })).body;
			await finish(harness);
			expect((await status(id)).body).toMatchObject({
				result: { lead_id: '', status: 'failed' },
				credits_charged: 0,
				credits_refunded: 11,
			});
		});

		it('takes the id of a lead for the person, and keeps to that lead', async () => {
			const { leadIds } = await listOf(client, [HIT]);
			const { workflow_id: id } = (await person({ person_id: leadIds[0] })).body;
			await finish(harness);
			expect((await status(id)).body.result).toMatchObject({ lead_id: leadIds[0], status: 'completed' });
			expect((await leadsOf(client, listId)).map((lead) => lead.lead_id)).toEqual(leadIds);
		});

		it('knows no lead of another organization by its id', async () => {
			const stranger = await harness.client();
			const { leadIds } = await listOf(stranger, [HIT]);
			const { workflow_id: id } = (await person({ person_id: leadIds[0] })).body;
			await finish(harness);
			expect((await status(id)).body.result).toMatchObject({ lead_id: '', first_name: null });
		});

		it('needs a list of one’s own: 422 without, 404 for one out of reach', async () => {
			expectIssue(await client.call('POST', `${prefix}/enrichment/person`, HIT), 'body', 'lead_list_id');
			expectIssue(await person({ ...HIT, lead_list_id: null }), 'body', 'lead_list_id');
			expectError(await person({ ...HIT, lead_list_id: UNKNOWN_ID }), 404, 'not_found');
			expectError(await person(HIT, await harness.client()), 404, 'not_found');
			const teammate = await harness.client({ organizationId: client.organizationId });
			expectError(await person(HIT, teammate), 404, 'not_found');
			expect(await balance(client)).toBe(1_000);
		});

		it('refuses keys it does not know, a webhook_url among them, and types it does not know: 422', async () => {
			expectIssue(await person({ ...HIT, webhook_url: 'https://example.com' }), 'body', 'webhook_url');
			expectIssue(await person({ ...HIT, enrichment_type: 'none' }), 'body', 'enrichment_type');
			expectIssue(await person({ ...HIT, enrichment_type: 'phone-only' }), 'body', 'enrichment_type');
			expectIssue(await person({ ...HIT, include_phone: null }), 'body', 'include_phone');
		});

		it('redeems a quote when there is one, and only once: 409', async () => {
			const quote_id = await quote(client, { tool: 'enrich_person', enrichment_type: 'full' });
			const body = { ...HIT, enrichment_type: 'full', quote_id };
			expect((await person(body)).status).toBe(200);
			expectError(await person(body), 409, 'quote_used');
			const other = await quote(client, { tool: 'enrich_person' });
			expectError(await person({ ...body, quote_id: other }), 400, 'quote_mismatch');
			expectError(await person({ ...body, quote_id: 'qte_x' }), 400, 'quote_invalid');
			expect(await balance(client)).toBe(1_000 - 11);
		});
	});

	it.each([
		['partial', 1],
		['phone_only', 10],
		['full', 11],
	])('%s needs %i credits at hand: 400 with what is missing', async (enrichment_type, cost) => {
		const poor = await harness.client({ credits: cost - 1 });
		const list = await listOf(poor, []);
		const body = { ...HIT, lead_list_id: list.listId, enrichment_type };
		const error = expectError(await person(body, poor), 400, 'insufficient_credits');
		expect(error).toMatchObject({
			estimated_cost_credits: cost,
			available_credits: cost - 1,
			shortfall_credits: 1,
			retryable: false,
		});
		const rich = await harness.client({ credits: cost });
		const ownList = await listOf(rich, []);
		const enough = { ...body, lead_list_id: ownList.listId };
		expect((await person(enough, rich)).status).toBe(200);
		expectError(await person(enough, rich), 400, 'insufficient_credits');
		expect(await balance(rich)).toBe(0);
	});

	it('counts what legacy workflows may yet cost as gone, though the balance still shows it', async () => {
		const one = await harness.client({ credits: 12 });
		const list = await listOf(one, []);
		await one.submit([HIT], { enrichment_type: 'full' });
		expect(await balance(one)).toBe(12);
		const body = { ...HIT, lead_list_id: list.listId };
		const error = expectError(
			await person({ ...body, enrichment_type: 'phone_only' }, one),
			400,
			'insufficient_credits',
		);
		expect(error.available_credits).toBe(1);
		expect((await person(body, one)).status).toBe(200);
		await finish(harness);
		expect(await balance(one)).toBe(0);
	});

	describe('company', () => {
		const known = { domain: 'acme.example' };

		it('answers at once, for one credit, and always the same', async () => {
			const reply = await company(known);
			expect(reply.status).toBe(200);
			expect(contract.EnrichCompanyResponse.parse(reply.body)).toEqual(reply.body);
			expect(reply.body).toMatchObject({
				credits_charged: 1,
				company: { domain: 'acme.example', name: 'Acme', employee_count: expect.any(Number) },
			});
			expect(reply.body.company.linkedin_url).toMatch(/^https:\/\/linkedin\.example\//);
			expect(await balance(client)).toBe(999);
			for (const domain of ['ACME.example', 'https://www.acme.example/about?x=1']) {
				expect((await company({ domain })).body.company).toEqual(reply.body.company);
			}
			expect(await balance(client)).toBe(997);
		});

		it('finds a company again by the id it gave it', async () => {
			const first = (await company(known)).body.company;
			expect((await company({ company_id: first.company_id })).body.company).toEqual(first);
		});

		it('charges nothing for a miss, and says so', async () => {
			for (let n = 0; ; n++) {
				const before = await balance(client);
				const reply = await company({ company_name: `Nobody ${n}` });
				if (reply.body.credits_charged === 1) continue;
				expect(reply.body).toMatchObject({
					company: {},
					credits_charged: 0,
					message: 'Nothing is known about this company; nothing was charged.',
				});
				expect(await balance(client)).toBe(before);
				return;
			}
		});

		it('knows nothing by an id it did not give out', async () => {
			const reply = await company({ company_id: UNKNOWN_ID });
			expect(reply.body).toMatchObject({ company: {}, credits_charged: 0 });
		});

		it.each([
			[{ company_name: 'Blue Kettle 🫖' }],
			[{ company_ticker: 'acme' }],
			[{ domain: '例え.example' }],
			[{ domain: 'x'.repeat(10_000) }],
			[{ company_name: 'é'.repeat(500), domain: null }],
		])('takes %j', async (body) => {
			const reply = await company(body);
			expect(reply.status).toBe(200);
			expect(contract.EnrichCompanyResponse.parse(reply.body)).toEqual(reply.body);
		});

		it.each([[{}], [{ domain: null, company_name: ' ' }], [{ quote_id: 'x' }], [{ domain: '' }]])(
			'refuses %j, which names none: 422',
			async (body) => {
				expectIssue(await company(body), 'body');
			},
		);

		it('refuses a key it does not know, and a number: 422', async () => {
			expectIssue(await company({ ...known, name: 'x' }), 'body', 'name');
			expectIssue(await company({ domain: 5 }), 'body', 'domain');
		});

		it('needs one credit at hand, hit or miss: 400', async () => {
			const poor = await harness.client({ credits: 0 });
			const error = expectError(await company(known, poor), 400, 'insufficient_credits');
			expect(error).toMatchObject({ estimated_cost_credits: 1, available_credits: 0, shortfall_credits: 1 });
		});

		it('redeems a quote when there is one, and only once: 409', async () => {
			const quote_id = await quote(client, { tool: 'add_company_enrichments', row_count: 1 });
			expect((await company({ ...known, quote_id })).status).toBe(200);
			expectError(await company({ ...known, quote_id }), 409, 'quote_used');
		});
	});

	describe('bulk', () => {
		const quoted = async (list: string, scope?: string, as = client) => ({
			list_id: list,
			...(scope ? { scope } : {}),
			quote_id: await quote(as, { tool: 'enrich_list', list_id: list, scope }),
		});

		it.each([
			[undefined, 'partial', 3, 2],
			['partial', 'partial', 3, 2],
			['phone-only', 'phone_only', 30, 20],
			['full', 'full', 33, 22],
		])('of scope %s looks up the whole list', async (scope, type, reserved, charged) => {
			const { listId: list } = await listOf(client, [
				HIT,
				MISS,
				...personsWith({ email: true, phone: true }, 2, 'B').slice(1),
			]);
			const reply = await bulk(await quoted(list, scope));
			expect(reply.status).toBe(200);
			expect(contract.EnrichListResponse.parse(reply.body)).toEqual(reply.body);
			const id = reply.body.workflow_id as string;
			expect(reply.body).toMatchObject({
				workflow_id: expect.stringMatching(/^bulk-enrich-[0-9a-f-]{36}$/),
				status: 'pending',
				total_leads: 3,
				estimated_cost: reserved,
				credits_reserved: reserved,
				poll_url: `${harness.baseUrl}/api/v1/public/enrichment/status/${id}`,
			});
			expect(await balance(client)).toBe(1_000 - reserved);

			await finish(harness);
			expect((await status(id)).body).toMatchObject({
				status: 'completed',
				progress: 100,
				total: 3,
				processed: 3,
				completed: 2,
				failed: 1,
				enrichment_type: type,
				lead_list_id: list,
				result: null,
				credits_charged: charged,
				credits_refunded: reserved - charged,
				refund_message: `${reserved - charged} reserved credits were not needed and given back.`,
			});
			expect(await balance(client)).toBe(1_000 - charged);
			const leads = await leadsOf(client, list);
			expect(leads.map((lead) => Boolean(lead.email))).toEqual(
				type === 'phone_only' ? [false, false, false] : [true, false, true],
			);
			expect(leads.map((lead) => Boolean(lead.phone))).toEqual(
				type === 'partial' ? [false, false, false] : [true, false, true],
			);
		});

		it('makes progress step by step, and never backwards', async () => {
			const { listId: list } = await listOf(client, personsWith({ email: true, phone: false }, 25));
			const { workflow_id: id } = (await bulk(await quoted(list))).body;
			const seen: Reply['body'][] = [];
			for (let n = 0; n < 16; n++) {
				seen.push((await status(id)).body);
				await harness.clock.advance(100);
			}
			expect([...new Set(seen.map((view) => view.status))]).toEqual(['pending', 'running', 'completed']);
			const progress = seen.map((view) => view.progress as number);
			expect(progress).toEqual([...progress].sort((a, b) => a - b));
			expect(new Set(progress).size).toBeGreaterThan(5);
			for (const view of seen) {
				expect(view.progress).toBe(Math.floor((view.processed * 100) / 25));
				expect(view.completed + view.failed).toBe(view.processed);
				const ended = view.status === 'completed';
				expect([view.credits_charged, view.credits_refunded]).toEqual(ended ? [25, 0] : [null, null]);
			}
		});

		it('refuses an empty list: 400, and leaves the quote unused', async () => {
			const body = await quoted(listId);
			expectError(await bulk(body), 400, 'validation_error');
			const { workflow_id } = await client.submit([HIT], { enrichment_type: 'none' });
			const { lead_list_id } = (await client.get(`/api/v1/public/enrich/status?workflow_id=${workflow_id}`))
				.body;
			const [lead] = await leadsOf(client, lead_list_id);
			await client.call('POST', `/api/v2/lead-lists/${listId}/leads`, { lead_ids: [lead.lead_id] });
			// One lead more than was quoted: the cap holds, and the quote is still unused.
			expectError(await bulk(body), 400, 'spend_cap_exceeded');
			expectError(await bulk(body), 400, 'spend_cap_exceeded');
		});

		it('needs a quote for this very list and scope, fresh and unused', async () => {
			const { listId: list } = await listOf(client, [HIT]);
			expectIssue(await bulk({ list_id: list }), 'body', 'quote_id');
			expectIssue(await bulk({ list_id: list, quote_id: null }), 'body', 'quote_id');
			expectError(await bulk({ list_id: list, quote_id: '' }), 400, 'quote_required');
			expectError(await bulk({ list_id: list, quote_id: 'x' }), 400, 'quote_invalid');
			expectError(await bulk({ ...(await quoted(list, 'full')), scope: 'partial' }), 400, 'quote_mismatch');
			expectError(await bulk({ ...(await quoted(listId)), list_id: list }), 400, 'quote_mismatch');
			const stale = await quoted(list);
			await harness.clock.advance(contract.QUOTE_TTL_S * 1000);
			expectError(await bulk(stale), 400, 'quote_expired');
			const fresh = await quoted(list);
			expect((await bulk(fresh)).status).toBe(200);
			expectError(await bulk(fresh), 409, 'quote_used');
		});

		it('refuses the underscore in phone-only, and keys it does not know: 422', async () => {
			expectIssue(await bulk({ list_id: listId, quote_id: 'x', scope: 'phone_only' }), 'body', 'scope');
			expectIssue(await bulk({ list_id: listId, quote_id: 'x', contacts: [] }), 'body', 'contacts');
			expectIssue(await bulk({ quote_id: 'x' }), 'body', 'list_id');
		});

		it('knows only lists of one’s own: 404', async () => {
			const { listId: list } = await listOf(client, [HIT]);
			const teammate = await harness.client({ organizationId: client.organizationId });
			for (const as of [teammate, await harness.client()]) {
				expectError(await bulk({ list_id: list, quote_id: 'x' }, as), 404, 'not_found');
			}
			expectError(await bulk({ list_id: UNKNOWN_ID, quote_id: 'x' }), 404, 'not_found');
		});

		it('needs the most it can cost: 400 with one credit less, and keeps the quote for later', async () => {
			const poor = await harness.client({ credits: 21 });
			const { listId: list } = await listOf(poor, personsWith({ email: true, phone: true }, 2));
			const body = await quoted(list, 'full', poor);
			const error = expectError(await bulk(body, poor), 400, 'insufficient_credits');
			expect(error).toMatchObject({
				estimated_cost_credits: 22,
				available_credits: 21,
				shortfall_credits: 1,
			});
			expectError(await bulk(body, poor), 400, 'insufficient_credits');
		});

		it('looks up who is in the list when it starts, and nobody who comes later', async () => {
			const { listId: list } = await listOf(client, [EMAIL_ONLY]);
			const { leadIds } = await listOf(client, [HIT]);
			const { workflow_id: id } = (await bulk(await quoted(list))).body;
			await client.call('POST', `/api/v2/lead-lists/${list}/leads`, { lead_ids: leadIds });
			await finish(harness);
			expect((await status(id)).body).toMatchObject({ total: 1, credits_charged: 1 });
			expect((await leadsOf(client, list)).map((lead) => Boolean(lead.email))).toEqual([true, false]);
		});

		it('is cancelled with its list: what was found is charged, the rest given back', async () => {
			const { listId: list } = await listOf(client, personsWith({ email: true, phone: false }, 10));
			const { workflow_id: id } = (await bulk(await quoted(list))).body;
			await harness.clock.advance(500);
			const before = (await status(id)).body;
			expect(before.status).toBe('running');
			expect(before.processed).toBeGreaterThan(0);
			await client.call('DELETE', `/api/v2/lead-lists/${list}`);
			await finish(harness);
			expect((await status(id)).body).toMatchObject({
				status: 'cancelled',
				processed: before.processed,
				credits_charged: before.processed,
				credits_refunded: 10 - before.processed,
				message: expect.stringContaining('deleted'),
			});
			expect(await balance(client)).toBe(1_000 - before.processed);
		});
	});

	describe('by-task', () => {
		let cohort: string;
		let leadIds: string[];
		const persons = [HIT, EMAIL_ONLY, MISS];
		beforeEach(async () => {
			const list = await listOf(client, persons);
			leadIds = list.leadIds;
			cohort = (await client.get(`/api/v2/lead-lists/${list.listId}/leads`)).body.task_id;
		});
		const personQuote = (data_points: string[]) =>
			quote(client, { tool: 'add_person_enrichments', task_id: cohort, data_points });
		const companyQuote = () =>
			quote(client, { tool: 'add_company_enrichments', task_id: cohort, data_points: ['Industry'] });

		it.each([
			[['Email'], 'partial', 3, 2],
			[['LinkedIn'], 'partial', 3, 2],
			[['Phone'], 'phone_only', 30, 10],
			[['Phone', 'LinkedIn'], 'phone_only', 30, 10],
			[['Email', 'Phone', 'LinkedIn'], 'full', 33, 12],
		])('looks %j up for every person', async (data_points, type, reserved, charged) => {
			const reply = await byTask({ task_id: cohort, data_points, quote_id: await personQuote(data_points) });
			expect(reply.status).toBe(200);
			expect(contract.EnrichByTaskResponse.parse(reply.body)).toEqual(reply.body);
			expect(reply.body).toMatchObject({
				entity_kind: 'person',
				workflow_id: expect.stringMatching(/^bulk-enrich-/),
				status: 'pending',
				total_entities: 3,
				credits_reserved: reserved,
				results: leadIds.map((entity_id) => ({ entity_id, status: 'queued' })),
			});
			await finish(harness);
			const view = (await status(reply.body.workflow_id)).body;
			expect(view).toMatchObject({
				status: 'completed',
				enrichment_type: type,
				credits_charged: charged,
				credits_refunded: reserved - charged,
			});
			expect((await status(cohort)).body).toEqual({ ...view, workflow_id: cohort });
		});

		it('puts the persons into a hidden list, or into the one it was given', async () => {
			const data_points = ['Email'];
			const first = await byTask({ task_id: cohort, data_points, quote_id: await personQuote(data_points) });
			const hidden = (await status(first.body.workflow_id)).body.lead_list_id;
			expect((await leadsOf(client, hidden)).map((lead) => lead.lead_id)).toEqual(leadIds);
			expect((await client.get(`/api/v2/lead-lists/${hidden}`)).body.name).toBe('MCP Results');
			const listed = (await client.get('/api/v2/lead-lists')).body;
			expect(listed.lists.map((list: Json) => list.list_id)).not.toContain(hidden);
			expect(listed.total).toBe(listed.lists.length);
			const created = await client.call('POST', '/api/v2/lead-lists', { name: 'MCP Results' });
			expect([created.status, created.body.list_id === hidden]).toEqual([201, false]);

			const again = await byTask({ task_id: cohort, data_points, quote_id: await personQuote(data_points) });
			expect((await status(again.body.workflow_id)).body.lead_list_id).toBe(hidden);

			const quote_id = await personQuote(data_points);
			const given = await byTask({ task_id: cohort, data_points, lead_list_id: listId, quote_id });
			expect((await status(given.body.workflow_id)).body.lead_list_id).toBe(listId);
			expect((await leadsOf(client, listId)).map((lead) => lead.lead_id)).toEqual(leadIds);
		});

		it('takes a part of the cohort, and skips ids that are not in it', async () => {
			const data_points = ['Email'];
			const entity_ids = [leadIds[2], UNKNOWN_ID, leadIds[0], leadIds[0]];
			const quote_id = await personQuote(data_points);
			const reply = await byTask({ task_id: cohort, data_points, entity_ids, quote_id });
			expect(reply.body).toMatchObject({
				total_entities: 3,
				credits_reserved: 2,
				results: [
					{ entity_id: leadIds[2], status: 'queued' },
					{ entity_id: leadIds[0], status: 'queued' },
					{ entity_id: UNKNOWN_ID, status: 'skipped', error: expect.stringContaining('not in the cohort') },
				],
			});
		});

		it.each([[[]], [[UNKNOWN_ID]]])('refuses %j of it, which is nobody: 400', async (entity_ids) => {
			const reply = await byTask({ task_id: cohort, data_points: ['Email'], entity_ids, quote_id: 'x' });
			expectError(reply, 400, 'validation_error');
		});

		it('answers for companies at once: a credit for up to ten that are found', async () => {
			const reply = await byTask({
				task_id: cohort,
				data_points: ['Industry', 'Funding'],
				quote_id: await companyQuote(),
			});
			expect(reply.status).toBe(200);
			expect(contract.EnrichByTaskResponse.parse(reply.body)).toEqual(reply.body);
			const found = (await company({ company_name: 'Acme' })).body.company;
			expect(reply.body).toMatchObject({
				entity_kind: 'company',
				workflow_id: null,
				status: 'completed',
				total_entities: 3,
				credits_reserved: 1,
				results: leadIds.map((entity_id) => ({ entity_id, status: 'enriched', company: found })),
			});
			// One for the cohort, one for the company alone.
			expect(await balance(client)).toBe(998);
		});

		it('needs a quote: 400, and for this very cohort and kind', async () => {
			const body = { task_id: cohort, data_points: ['Email'] };
			for (const quote_id of [undefined, null, '']) {
				expectError(await byTask({ ...body, quote_id }), 400, 'quote_required');
				const companies = { ...body, data_points: ['Industry'], quote_id };
				expectError(await byTask(companies), 400, 'quote_required');
			}
			expectError(await byTask({ ...body, quote_id: await personQuote(['Phone']) }), 400, 'quote_mismatch');
			expectError(await byTask({ ...body, quote_id: await companyQuote() }), 400, 'quote_mismatch');
			const used = await personQuote(['Email']);
			expect((await byTask({ ...body, quote_id: used })).status).toBe(200);
			expectError(await byTask({ ...body, quote_id: used }), 409, 'quote_used');
			expectError(await byTask({ ...body, data_points: ['Industry'], quote_id: used }), 409, 'quote_used');
		});

		it.each([[['Shoe size']], [['email']], [['Email', 'Industry']]])(
			'refuses the data points %j: 400',
			async (data_points) => {
				const reply = await byTask({ task_id: cohort, data_points, quote_id: 'x' });
				expect(expectError(reply, 400, 'validation_error').fix).toContain('Email, Phone, LinkedIn');
			},
		);

		it('refuses no data points, and keys it does not know: 422', async () => {
			expectIssue(await byTask({ task_id: cohort, data_points: [] }), 'body', 'data_points');
			expectIssue(await byTask({ task_id: cohort }), 'body', 'data_points');
			expectIssue(await byTask({ data_points: ['Email'] }), 'body', 'task_id');
			expectIssue(await byTask({ task_id: cohort, data_points: ['Email'], scope: 'x' }), 'body', 'scope');
		});

		it('knows only cohorts and lists in reach: 404', async () => {
			const body = { task_id: cohort, data_points: ['Email'] };
			expectError(await byTask({ ...body, task_id: 'cl-task_x' }), 404, 'not_found');
			expectError(await byTask(body, await harness.client()), 404, 'not_found');
			const quote_id = await personQuote(['Email']);
			expectError(await byTask({ ...body, quote_id, lead_list_id: UNKNOWN_ID }), 404, 'not_found');
			const companies = { ...body, data_points: ['Industry'], quote_id: await companyQuote() };
			expectError(await byTask({ ...companies, lead_list_id: UNKNOWN_ID }), 404, 'not_found');
			expect(await balance(client)).toBe(1_000);
		});

		it('needs credits: 400, for either kind', async () => {
			const poor = await harness.client({ credits: 0 });
			const list = await listOf(poor, [HIT]);
			const task_id = (await poor.get(`/api/v2/lead-lists/${list.listId}/leads`)).body.task_id;
			for (const [tool, data_points] of [
				['add_person_enrichments', ['Email']],
				['add_company_enrichments', ['Industry']],
			] as const) {
				const quote_id = await quote(poor, { tool, task_id, data_points });
				const reply = await byTask({ task_id, data_points, quote_id }, poor);
				expectError(reply, 400, 'insufficient_credits');
			}
			const lists = await poor.get('/api/v2/lead-lists');
			expect(lists.body.total).toBe(2);
		});
	});

	describe('status', () => {
		it('knows a legacy workflow: its counts, and no credits, for it is not prepaid', async () => {
			const { workflow_id: id } = await client.submit([HIT, MISS], { enrichment_type: 'full' });
			expect((await status(id)).body).toMatchObject({
				workflow_id: id,
				status: 'running',
				progress: 0,
				total: 2,
				processed: 0,
			});
			await finish(harness);
			expect((await status(id)).body).toMatchObject({
				status: 'completed',
				progress: 100,
				total: 2,
				processed: 2,
				completed: 1,
				failed: 1,
				enrichment_type: 'full',
				summary: { emails_found: 1, phones_found: 1 },
				refund_status: 'not_applicable',
				result: null,
				credits_charged: null,
				credits_refunded: null,
			});
		});

		it('knows a cohort that nothing was run on', async () => {
			const list = await listOf(client, [HIT, MISS]);
			const { task_id } = (await client.get(`/api/v2/lead-lists/${list.listId}/leads`)).body;
			expect((await status(task_id)).body).toMatchObject({
				workflow_id: task_id,
				status: 'completed',
				total: 2,
				enrichment_type: null,
				message: expect.stringContaining('not enriched yet'),
			});
		});

		it.each(['enrich-x', `bulk-enrich-${UNKNOWN_ID}`, 'cl-task_x', 'public_bulk_x', 'x', '%F0%9F%98%80'])(
			'knows nothing of %s: 404',
			async (id) => {
				expectError(await status(id), 404, 'not_found');
			},
		);

		it('is the organization’s: a teammate sees it, a stranger does not', async () => {
			const { workflow_id: id } = (await person(HIT)).body;
			const legacy = (await client.submit([HIT])).workflow_id as string;
			const teammate = await harness.client({ organizationId: client.organizationId });
			const stranger = await harness.client();
			for (const workflow of [id, legacy]) {
				expect((await status(workflow, teammate)).status).toBe(200);
				expectError(await status(workflow, stranger), 404, 'not_found');
			}
		});
	});
});

it('takes a name of one prefix on the other: it is one API', async () => {
	const reply = await client.call('POST', '/api/v2/enrichment/person', { lead_list_id: listId, ...HIT });
	const { workflow_id: id, poll_url } = reply.body;
	await finish(harness);
	const [v2, legacy] = await Promise.all(
		PREFIXES.map((prefix) => client.get(`${prefix}/enrichment/status/${id}`)),
	);
	expect(v2!.body).toEqual(legacy!.body);
	expect((await client.get(new URL(poll_url as string).pathname)).body).toEqual(v2!.body);
});

it('ends with the same answers when it is stopped halfway, and with every reservation settled', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'reference-'));
	const path = join(folder, 'reference.db');
	const first = await startReference({ path });
	try {
		const one = await first.client({ credits: 100 });
		const list = await listOf(one, personsWith({ email: true, phone: false }, 20));
		const quote_id = await quote(one, { tool: 'enrich_list', list_id: list.listId });
		const bulk = await one.call('POST', '/api/v2/enrichment/bulk', { list_id: list.listId, quote_id });
		const single = await one.call('POST', '/api/v2/enrichment/person', {
			lead_list_id: list.listId,
			...MISS,
			enrichment_type: 'full',
		});
		await first.clock.advance(700);
		const before = (await one.get(`/api/v2/enrichment/status/${bulk.body.workflow_id}`)).body;
		expect(before.processed).toBeGreaterThan(0);
		expect(before.processed).toBeLessThan(20);
		expect(await balance(one)).toBe(100 - 20 - 11);
		await first.close();

		const second = await startReference({ path, clock: first.clock });
		const again = second.withKey(one);
		expect((await again.get(`/api/v2/enrichment/status/${bulk.body.workflow_id}`)).body).toMatchObject({
			status: 'running',
			processed: before.processed,
		});
		expect(await balance(again)).toBe(100 - 20 - 11);
		await finish(second);
		expect((await again.get(`/api/v2/enrichment/status/${bulk.body.workflow_id}`)).body).toMatchObject({
			status: 'completed',
			completed: 20,
			credits_charged: 20,
			credits_refunded: 0,
		});
		expect((await again.get(`/api/v2/enrichment/status/${single.body.workflow_id}`)).body).toMatchObject({
			status: 'completed',
			credits_charged: 0,
			credits_refunded: 11,
		});
		expect(await balance(again)).toBe(80);
		await second.close();
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
});

it('needs not be told to go on after it was off for long: what was due is done, in order', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'reference-'));
	const path = join(folder, 'reference.db');
	const first = await startReference({ path });
	try {
		const one = await first.client({ credits: 100 });
		const list = await listOf(one, personsWith({ email: true, phone: false }, 20));
		const quote_id = await quote(one, { tool: 'enrich_list', list_id: list.listId });
		const bulk = await one.call('POST', '/api/v2/enrichment/bulk', { list_id: list.listId, quote_id });
		await first.close();
		await first.clock.advance(86_400_000);
		const second = await startReference({ path, clock: first.clock });
		// Every step is overdue: no time has to pass for them.
		await second.clock.advance(0);
		const view = await second.withKey(one).get(`/api/v2/enrichment/status/${bulk.body.workflow_id}`);
		expect(view.body).toMatchObject({ status: 'completed', completed: 20 });
		await second.close();
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
});
