import * as contract from '../../relay/src/contract/index.ts';
import { contacts, startReference, walk } from './harness.ts';
import type { Client, Harness } from './harness.ts';

const BULK = '/api/v1/public/enrich/bulk';
const STATUS = '/api/v1/public/enrich/status';

let harness: Harness;
let client: Client;
beforeEach(async () => {
	harness = await startReference();
	client = await harness.client();
});
afterEach(() => harness.close());

const bulk = (body: unknown, by = client) => by.call('POST', BULK, body);
const status = async (workflowId: string, by = client) =>
	(await by.get(`${STATUS}?workflow_id=${workflowId}`)).body;
const task = async (taskId: string, by = client) => (await by.get(`${STATUS}?task_id=${taskId}`)).body;
const credits = async (by = client) => (await by.get('/api/v2/credits/balance')).body.credits as number;
const lists = async (by = client) => (await by.get('/api/v2/lead-lists')).body;

describe('enrich/bulk', () => {
	it('starts a workflow with one task per contact', async () => {
		const reply = await bulk({ contacts: contacts(3) });
		expect(reply.status).toBe(200);
		expect(reply.body).toEqual({
			workflow_id: expect.stringMatching(/^public_bulk_[0-9a-f-]{36}$/),
			status: 'processing',
			message: 'Bulk enrichment started',
			task_ids: [expect.any(String), expect.any(String), expect.any(String)],
			total_contacts: 3,
		});
		expect(new Set(reply.body.task_ids).size).toBe(3);
	});

	it('gives the tasks and leads of a request ids that stand side by side in an index', async () => {
		const families: string[] = [];
		for (const from of [0, 10]) {
			const { workflow_id, task_ids } = await client.submit(contacts(10, from));
			const listId = (await status(workflow_id)).lead_list_id as string;
			const { leads } = (await client.get(`/api/v2/lead-lists/${listId}/leads`)).body;
			const ids = [...task_ids, ...leads.slice(from).map((lead: { lead_id: string }) => lead.lead_id)];
			expect(new Set(ids).size).toBe(20);
			families.push(...new Set(ids.map((id: string) => id.slice(0, 13))));
		}
		expect(families).toHaveLength(2);
		expect(families[0]).not.toBe(families[1]);
	});

	it('takes 1 and 250 contacts, and refuses none and 251: 400', async () => {
		expect((await bulk({ contacts: contacts(1) })).status).toBe(200);
		const full = await bulk({ contacts: contacts(250) });
		expect([full.status, full.body.total_contacts]).toEqual([200, 250]);
		expect(await bulk({ contacts: contacts(251) })).toMatchObject({
			status: 400,
			body: { detail: 'Bulk enrichment supports up to 250 contacts per request' },
		});
		expect(await bulk({ contacts: [] })).toMatchObject({
			status: 400,
			body: { detail: 'At least one contact is required' },
		});
	});

	it.each([
		['a LinkedIn URL', { linkedin_url: 'https://www.linkedin.com/in/x' }],
		['a name and a domain', { first_name: 'A', last_name: 'B', company_domain: 'c.example' }],
		['a name and a company', { first_name: 'A', last_name: 'B', company_name: 'C' }],
		['nulls beside', { linkedin_url: 'x', first_name: null, email: null }],
		['a key it does not know', { linkedin_url: 'x', shoe_size: 43 }],
	])('takes a contact with %s', async (_, contact) => {
		expect((await bulk({ contacts: [contact] })).status).toBe(200);
	});

	it.each([
		['an e-mail only', { email: 'a@example.com' }],
		['no company', { first_name: 'A', last_name: 'B' }],
		['no last name', { first_name: 'A', company_name: 'C' }],
		['blanks', { linkedin_url: ' ', first_name: ' ', last_name: 'B', company_name: 'C' }],
		['nothing', {}],
	])('refuses a contact with %s in the vendor’s words: 422', async (_, contact) => {
		const reply = await bulk({ contacts: [contacts(1)[0], contact] });
		expect(reply.status).toBe(422);
		expect(reply.body).toEqual({
			detail: [
				{
					type: 'value_error',
					loc: ['body', 'contacts', 1],
					msg: 'Each contact must include linkedin_url OR first_name + last_name + (company_domain or company_name).',
					input: contact,
				},
			],
		});
		expect((await lists()).total).toBe(0);
	});

	it.each([
		['prospecting_only', { enrichment_type: 'prospecting_only' }, 'prospecting_only'],
		['an unknown type', { enrichment_type: 'phone-only' }, "'phone_only'"],
		['a null type', { enrichment_type: null }, "'partial'"],
		['a URL that is none', { webhook_url: 'not a url' }, 'Invalid URL'],
		['a URL of another scheme', { webhook_url: 'ftp://example.com' }, 'Invalid URL'],
		['contacts that are none', { contacts: 'Ada' }, 'valid list'],
		['a contact that is none', { contacts: ['Ada'] }, 'valid dictionary'],
		['a number for a name', { contacts: [{ linkedin_url: 'x', first_name: 5 }] }, 'valid string'],
	])('refuses %s: 422', async (_, change, words) => {
		const reply = await bulk({ contacts: contacts(1), ...change });
		expect(reply.status).toBe(422);
		expect(contract.DetailError.parse(reply.body).detail).toHaveLength(1);
		expect(reply.body.detail[0].msg).toContain(words);
		expect(reply.body.detail[0].loc.slice(0, 2)).toEqual(['body', Object.keys(change)[0]]);
	});

	it('counts a million entries before it looks at them, and lists no more than 100 faults', async () => {
		expect((await bulk({ contacts: Array(900_000).fill(1) })).status).toBe(400);
		expect((await bulk({ contacts: Array(250).fill(1) })).body.detail).toHaveLength(100);
	});

	it('refuses bytes that are not UTF-8 rather than store something else: 422', async () => {
		const json = JSON.stringify({
			contacts: [{ first_name: 'Zo\u00eb', last_name: 'B', company_name: 'C' }],
		});
		const reply = await fetch(harness.baseUrl + BULK, {
			method: 'POST',
			headers: { authorization: `Bearer ${client.key}`, 'content-type': 'application/json' },
			body: Buffer.from(json, 'latin1'),
		});
		expect(reply.status).toBe(422);
		expect(contract.DetailError.parse(await reply.json()).detail).toMatchObject([
			{ type: 'json_invalid', msg: 'JSON decode error: not valid UTF-8' },
		]);
	});

	it('takes a body of 2 MiB, and refuses one more byte: 413', async () => {
		const sized = (bytes: number) => {
			const body = (name: string) =>
				JSON.stringify({ contacts: [{ first_name: name, last_name: 'B', company_name: 'C' }] });
			return body('x'.repeat(bytes - body('').length));
		};
		expect((await bulk(sized(2 * 1024 * 1024))).status).toBe(200);
		const reply = await bulk(sized(2 * 1024 * 1024 + 1));
		expect(reply.status).toBe(413);
		expect(contract.DetailError.parse(reply.body).detail).toContain('2097152 bytes');
	});

	it('is quick with text made to make patterns slow', async () => {
		const linkedin_url = `https://x.example/in/${'/'.repeat(500_000)}x`;
		const company_domain = `${'a-'.repeat(250_000)}!`;
		await client.submit([{ linkedin_url, company_domain }]);
		await harness.clock.advance(1_500);
	});

	it('is not idempotent: the same request again is a second workflow on the same leads', async () => {
		const [first, second] = [await client.submit(contacts(2)), await client.submit(contacts(2))];
		expect(second.workflow_id).not.toBe(first.workflow_id);
		expect((await lists()).lists).toMatchObject([{ name: 'Extension Leads', lead_count: 2 }]);
	});

	it('attaches every contact to one protected list per user', async () => {
		const mate = await harness.client({ organizationId: client.organizationId });
		const one = await client.submit(contacts(2));
		const two = await client.submit(contacts(2, 2));
		const theirs = await mate.submit(contacts(1));
		const ids = await Promise.all(
			[one, two, theirs].map(async (run) => (await status(run.workflow_id)).lead_list_id),
		);
		expect(ids[0]).toBe(ids[1]);
		expect(ids[2]).not.toBe(ids[0]);
		const leads = await walk(client, `/api/v2/lead-lists/${ids[0]}/leads`, 'leads');
		expect(leads.map(({ first_name }) => first_name)).toEqual(['First0', 'First1', 'First2', 'First3']);
	});

	it('makes one lead of one person, however spelt, and a task for each time', async () => {
		const { task_ids } = await client.submit([
			{ linkedin_url: 'https://www.linkedin.com/in/Jane-Doe/' },
			{ linkedin_url: 'http://uk.linkedin.com/in/jane-doe?trk=x#y', first_name: 'Jane' },
			{ first_name: 'Ada', last_name: 'Byron', company_domain: 'https://www.Acme.example/about' },
			{ first_name: ' ADA ', last_name: 'byron', company_domain: 'acme.example/about' },
			{ first_name: 'Ada', last_name: 'Byron', company_domain: 'other.example' },
		]);
		expect(new Set(task_ids).size).toBe(5);
		const { list_id } = (await lists()).lists[0];
		const leads = await walk(client, `/api/v2/lead-lists/${list_id}/leads`, 'leads');
		expect(leads).toHaveLength(3);
		expect(leads[0]).toMatchObject({
			first_name: 'Jane',
			linkedin_url: 'https://www.linkedin.com/in/Jane-Doe/',
		});
	});

	it('only attaches contacts when the type is none: the leads stay as they were sent', async () => {
		await client.submit(contacts(30), { enrichment_type: 'none' });
		await harness.clock.advance(1_500);
		const { list_id } = (await lists()).lists[0];
		for (const lead of await walk(client, `/api/v2/lead-lists/${list_id}/leads`, 'leads')) {
			expect(lead).toMatchObject({ email: null, phone: null, title: null, location: null, provider: null });
		}
		expect((await client.get(`/api/v2/lead-lists/${list_id}`)).body.enriched_count).toBe(0);
	});

	it('counts a lead as enriched once, however often it is', async () => {
		const enriched = async () => {
			await client.submit(contacts(30), { enrichment_type: 'full' });
			await harness.clock.advance(1_500);
			const { list_id } = (await lists()).lists[0];
			return (await client.get(`/api/v2/lead-lists/${list_id}`)).body.enriched_count as number;
		};
		const first = await enriched();
		expect(first).toBeGreaterThan(10);
		expect(await enriched()).toBe(first);
	});

	it('loses nothing that an earlier run found when a later one looks for something else', async () => {
		await client.submit(contacts(30), { enrichment_type: 'partial' });
		await harness.clock.advance(1_500);
		const { list_id } = (await lists()).lists[0];
		const read = async () => walk(client, `/api/v2/lead-lists/${list_id}/leads`, 'leads');
		const before = await read();
		await client.submit(contacts(30), { enrichment_type: 'phone_only' });
		await harness.clock.advance(1_500);
		const after = await read();
		expect(after.map(({ email }) => email)).toEqual(before.map(({ email }) => email));
		expect(before.filter(({ phone }) => phone)).toHaveLength(0);
		expect(after.filter(({ phone }) => phone).length).toBeGreaterThan(3);
	});
});

describe('enrich/status', () => {
	it('gives counts while it runs and when it is done', async () => {
		const { workflow_id } = await client.submit(contacts(50), { enrichment_type: 'full' });
		await harness.clock.advance(1_499);
		const running = await status(workflow_id);
		expect(contract.WorkflowStatusResponse.parse(running)).toMatchObject({
			status: 'processing',
			enrichment_type: 'full',
			summary: {
				total: 50,
				completed: 0,
				successful: 0,
				failed: 0,
				pending: 50,
				emails_found: 0,
				phones_found: 0,
			},
			created_at: '2026-01-05T09:00:00.000Z',
			completed_at: null,
		});
		await harness.clock.advance(1);
		const done = contract.WorkflowStatusResponse.parse(await status(workflow_id));
		expect(done).toMatchObject({ status: 'completed', completed_at: '2026-01-05T09:00:01.500Z' });
		expect(done.summary).toMatchObject({ total: 50, completed: 50, pending: 0 });
		expect(done.summary.successful + done.summary.failed).toBe(50);
		expect(done.summary.failed).toBeGreaterThan(0);
	});

	it('gives each task’s result when it is done, and the counts add up', async () => {
		const { workflow_id, task_ids } = await client.submit(contacts(50), { enrichment_type: 'full' });
		expect(await task(task_ids[0])).toEqual({
			task_id: task_ids[0],
			workflow_id,
			status: 'processing',
			result: null,
		});
		await harness.clock.advance(1_500);
		const tasks = await Promise.all(task_ids.map((id: string) => task(id)));
		const results = tasks.map((body) => contract.TaskStatusResponse.parse(body).result!);
		expect(results.map(({ task_id }) => task_id)).toEqual(task_ids);
		expect(results.map(({ prospect }) => prospect.first_name)).toEqual(
			contacts(50).map(({ first_name }) => first_name),
		);
		const { summary } = await status(workflow_id);
		expect(summary).toMatchObject({
			successful: results.filter(({ status: state }) => state === 'completed').length,
			failed: results.filter(({ status: state }) => state === 'failed').length,
			emails_found: results.filter(({ primary_email }) => primary_email).length,
			phones_found: results.filter(({ personal_phone_numbers: phones }) => phones.length > 0).length,
		});
		for (const result of results) {
			const found = result.primary_email !== null || result.personal_phone_numbers.length > 0;
			expect(result.status).toBe(found ? 'completed' : 'failed');
		}
	});

	it.each([
		['both ids', 'workflow_id=a&task_id=b', 'either workflow_id or task_id'],
		['no id', '', 'Provide workflow_id or task_id'],
		['empty ids', 'workflow_id=&task_id=', 'Provide workflow_id or task_id'],
	])('refuses %s: 400', async (_, query, words) => {
		const reply = await client.get(`${STATUS}?${query}`);
		expect(reply.status).toBe(400);
		expect(contract.DetailError.parse(reply.body).detail).toContain(words);
	});

	it('refuses an id that is given twice: 422', async () => {
		expect((await client.get(`${STATUS}?task_id=a&task_id=b`)).status).toBe(422);
	});

	it('knows the organization’s own workflows and tasks only: 404', async () => {
		const { workflow_id, task_ids } = await client.submit(contacts(1));
		const mate = await harness.client({ organizationId: client.organizationId });
		const stranger = await harness.client();
		const paths = [`workflow_id=${workflow_id}`, `task_id=${task_ids[0]}`];
		for (const query of paths) {
			expect((await mate.get(`${STATUS}?${query}`)).status).toBe(200);
			expect((await stranger.get(`${STATUS}?${query}`)).status).toBe(404);
		}
		for (const query of [
			'workflow_id=x',
			'task_id=x',
			`task_id=${workflow_id}`,
			`workflow_id=${task_ids[0]}`,
		]) {
			const reply = await client.get(`${STATUS}?${query}`);
			expect(reply.status).toBe(404);
			expect(contract.DetailError.parse(reply.body).detail).toContain('There is no');
		}
	});
});

describe('credits', () => {
	const cost = { none: [0, 0], partial: [1, 0], phone_only: [0, 10], full: [1, 10] } as const;

	it.each(Object.entries(cost))(
		'%s costs its hits and nothing else',
		async (enrichment_type, [email, phone]) => {
			const { workflow_id } = await client.submit(contacts(100), { enrichment_type });
			expect(await credits()).toBe(100_000);
			await harness.clock.advance(1_500);
			const { summary } = await status(workflow_id);
			expect(summary.emails_found > 0).toBe(email > 0);
			expect(summary.phones_found > 0).toBe(phone > 0);
			expect(await credits()).toBe(100_000 - summary.emails_found * email - summary.phones_found * phone);
			if (enrichment_type === 'none') expect(summary).toMatchObject({ successful: 100, failed: 0 });
		},
	);

	it.each([
		['partial', 10],
		['phone_only', 100],
		['full', 110],
	])('%s needs the most it can cost: 402 with one credit less', async (enrichment_type, needed) => {
		const body = { contacts: contacts(10), enrichment_type };
		expect(await bulk(body, await harness.client({ credits: needed - 1 }))).toMatchObject({
			status: 402,
			body: { detail: 'Insufficient credits' },
		});
		const able = await harness.client({ credits: needed });
		expect((await bulk(body, able)).status).toBe(200);
		expect((await lists(able)).total).toBe(1);
	});

	it('refuses without a trace: no list, no workflow', async () => {
		const poor = await harness.client({ credits: 0 });
		expect((await bulk({ contacts: contacts(1) }, poor)).status).toBe(402);
		expect((await lists(poor)).total).toBe(0);
		await harness.clock.advance(1_500);
		expect(await credits(poor)).toBe(0);
	});

	it('lets an organization without any attach contacts', async () => {
		const poor = await harness.client({ credits: 0 });
		expect((await bulk({ contacts: contacts(5), enrichment_type: 'none' }, poor)).status).toBe(200);
	});

	it('are held for what runs, so that no runs together go below zero', async () => {
		const mate = await harness.client({ credits: 25 });
		const { organizationId } = mate;
		const other = await harness.client({ organizationId });
		const replies = await Promise.all(
			[mate, other, mate, other].map((by, n) => bulk({ contacts: contacts(10, n * 10) }, by)),
		);
		expect(replies.map((reply) => reply.status).sort()).toEqual([200, 200, 402, 402]);
		await harness.clock.advance(1_500);
		const left = await credits(mate);
		expect(left).toBeGreaterThanOrEqual(5);
		// What was held and not used is free again.
		expect((await bulk({ contacts: contacts(left, 100) }, mate)).status).toBe(200);
		expect((await bulk({ contacts: contacts(1, 200) }, mate)).status).toBe(402);
	});
});

it('logs neither keys nor addresses nor names', async () => {
	await client.submit([{ linkedin_url: 'https://linkedin.com/in/jane-doe', email: 'jane@example.com' }]);
	await harness.clock.advance(1_500);
	await bulk({ contacts: [{ email: 'jane@example.com' }] });
	expect(harness.logged()).not.toMatch(/jane|@|clapi_/i);
});
