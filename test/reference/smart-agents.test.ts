import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import * as contract from '../../relay/src/contract/index.ts';
import { SYNTHETIC, answer } from '../../relay/src/reference/domain/smart-agent.ts';
import type { AgentLead } from '../../relay/src/reference/domain/smart-agent.ts';
import { contacts, startReference } from './harness.ts';
import type { Client, Harness, Json, Reply } from './harness.ts';
import { PREFIXES, balance, expectError, expectIssue, finish, listOf, quote } from './paid.ts';

const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';

let harness: Harness;
let client: Client;
let listId: string;
let leadIds: string[];
beforeEach(async () => {
	harness = await startReference();
	client = await harness.client({ credits: 1_000 });
	({ listId, leadIds } = await listOf(client, contacts(3)));
});
afterEach(() => harness.close());

const agentQuote = (agent_type?: string, list_id = listId, as = client) =>
	quote(as, { tool: 'run_smart_agent', list_id, agent_type });

describe.each(PREFIXES)('under %s', (prefix) => {
	const run = (body: object, as = client) =>
		as.call('POST', `${prefix}/smart-agents/run`, {
			list_id: listId,
			column_name: 'Intro',
			agent_type: 'cold_intro_email',
			...body,
		});
	/** Starts with a quote of its own and returns the id. */
	const start = async (body: { agent_type?: string; list_id?: string; [key: string]: unknown } = {}) => {
		const agent_type = body.agent_type ?? 'cold_intro_email';
		const reply = await run({ ...body, quote_id: await agentQuote(agent_type, body.list_id) });
		expect(reply.status).toBe(200);
		return reply.body.smart_agent_task_id as string;
	};
	const results = async (taskId: string, as = client): Promise<Reply> => {
		const reply = await as.get(`${prefix}/smart-agents/${taskId}`);
		if (reply.status === 200)
			expect(contract.SmartAgentResultsResponse.parse(reply.body)).toEqual(reply.body);
		return reply;
	};
	const list = async (query = '', as = client): Promise<Reply> => {
		const reply = await as.get(`${prefix}/smart-agents${query}`);
		if (reply.status === 200) expect(contract.SmartAgentRunsResponse.parse(reply.body)).toEqual(reply.body);
		return reply;
	};

	it('fills a column lead by lead, and charges per lead', async () => {
		const reply = await run({ quote_id: await agentQuote('cold_intro_email') });
		expect(reply.status).toBe(200);
		expect(contract.RunSmartAgentResponse.parse(reply.body)).toEqual(reply.body);
		const taskId = reply.body.smart_agent_task_id as string;
		expect(reply.body).toMatchObject({
			smart_agent_task_ids: { Intro: taskId },
			status: 'pending',
			list_id: listId,
			column_name: 'Intro',
			estimated_cost: 9,
			message: expect.stringContaining('synthetic'),
			timestamp_ms: harness.clock.now(),
		});
		expect(await balance(client)).toBe(991);

		const seen: Reply['body'][] = [];
		for (let n = 0; n < 16; n++) {
			seen.push((await results(taskId)).body);
			await harness.clock.advance(100);
		}
		expect([...new Set(seen.map((view) => view.status))]).toEqual(['pending', 'processing', 'completed']);
		expect([...new Set(seen.map((view) => view.progress))]).toEqual([0, 33, 66, 100]);
		for (const view of seen) {
			expect(view.results).toHaveLength(view.succeeded + view.failed);
			expect(view.progress).toBe(Math.floor(((view.succeeded + view.failed) * 100) / 3));
		}
		const last = seen.at(-1)!;
		expect(last).toMatchObject({ smart_agent_task_id: taskId, total: 3, succeeded: 3, failed: 0 });
		expect(last.results.map((result: Json) => result.lead_id)).toEqual(leadIds);
		for (const [index, { value, error }] of last.results.entries()) {
			expect(value).toMatch(new RegExp(`^\\[Synthetic\\] Hi First${index}, .* at Acme\\. `));
			expect(error).toBeNull();
		}
		expect(await balance(client)).toBe(991);
	});

	it('gives back what failed leads would have cost', async () => {
		// None of the leads has a title yet.
		const taskId = await start({ agent_type: 'title_normalizer' });
		expect(await balance(client)).toBe(997);
		await finish(harness);
		expect((await results(taskId)).body).toMatchObject({
			status: 'completed',
			progress: 100,
			succeeded: 0,
			failed: 3,
			results: leadIds.map((lead_id) => ({ lead_id, value: null, error: 'The lead has no title.' })),
		});
		expect(await balance(client)).toBe(1_000);
	});

	it('leaves filled cells alone, unless told to overwrite', async () => {
		const first = await start({ max_rows: 2 });
		await finish(harness);
		expect((await results(first)).body.results.map((result: Json) => result.lead_id)).toEqual(
			leadIds.slice(0, 2),
		);
		const second = await start();
		await finish(harness);
		expect((await results(second)).body).toMatchObject({ total: 1, results: [{ lead_id: leadIds[2] }] });
		const third = await start();
		await finish(harness);
		expect((await results(third)).body).toMatchObject({ status: 'completed', total: 0, progress: 100 });
		expect(await balance(client)).toBe(1_000 - 9);
		const fourth = await start({ overwrite: true });
		await finish(harness);
		expect((await results(fourth)).body.total).toBe(3);
		const fifth = await start({ column_name: 'Another' });
		await finish(harness);
		expect((await results(fifth)).body.total).toBe(3);
		expect(await balance(client)).toBe(1_000 - 27);
	});

	it('overwrites with the newer text', async () => {
		const body = { agent_type: 'custom_ai', column_name: 'Note' };
		await start({ ...body, prompt: 'the older question' });
		await finish(harness);
		await start({ ...body, prompt: 'the newer question', overwrite: true });
		await finish(harness);
		const page = await client.get(`${prefix}/export/json?list_id=${listId}&columns=Note`);
		for (const { Note } of page.body.leads) expect(Note).toContain('the newer question');
	});

	it.each([
		['custom_ai', 1],
		['cold_intro_email', 3],
		['title_normalizer', 1],
		['company_intel', 1],
		['pain_point_hypothesis', 1],
	])('runs %s, for %i a lead', async (agent_type, price) => {
		const quote_id = await agentQuote(agent_type);
		const reply = await run({ agent_type, prompt: 'What do they sell?', quote_id });
		expect([reply.status, reply.body.estimated_cost]).toEqual([200, 3 * price]);
	});

	it.each([[{}], [{ prompt: null }], [{ prompt: ' \n' }]])(
		'refuses custom_ai with %j, for it needs a prompt: 400',
		async (body) => {
			for (const agent_type of ['custom_ai', undefined]) {
				const reply = await run({ agent_type, quote_id: 'x', ...body });
				expectError(reply, 400, 'validation_error');
			}
		},
	);

	it('takes 500 leads as all of them, and refuses 501: 400', async () => {
		const long = await listOf(client, contacts(250));
		const more = await listOf(client, contacts(250, 250));
		await client.call('POST', `/api/v2/lead-lists/${long.listId}/leads`, { lead_ids: more.leadIds });
		const body = { list_id: long.listId, agent_type: 'title_normalizer', lead_scope: 'all', max_rows: 1 };
		const taskId = await start(body);
		await finish(harness);
		expect((await results(taskId)).body.total).toBe(500);

		await client.call('POST', `/api/v2/lead-lists/${long.listId}/leads`, {
			lead_ids: (await listOf(client, contacts(1, 900))).leadIds,
		});
		const quote_id = await agentQuote('title_normalizer', long.listId);
		const error = expectError(await run({ ...body, quote_id }), 400, 'approval_required');
		expect(error.details).toEqual({ lead_count: 501, limit: 500 });
		expect((await run({ ...body, lead_scope: 'subset', max_rows: 501, quote_id })).status).toBe(200);
	});

	it.each([
		[{ column_name: '' }, 'column_name'],
		[{ column_name: '   ' }, 'column_name'],
		[{ column_name: 'x'.repeat(101) }, 'column_name'],
		[{ column_name: '😀'.repeat(101) }, 'column_name'],
		[{ column_name: null }, 'column_name'],
		[{ max_rows: 0 }, 'max_rows'],
		[{ max_rows: 10_001 }, 'max_rows'],
		[{ max_rows: 1.5 }, 'max_rows'],
		[{ agent_type: 'poet' }, 'agent_type'],
		[{ lead_scope: 'some' }, 'lead_scope'],
		[{ overwrite: 'yes' }, 'overwrite'],
		[{ quote_id: undefined }, 'quote_id'],
		[{ quote_id: null }, 'quote_id'],
		[{ list_id: undefined }, 'list_id'],
		[{ model: 'x' }, 'model'],
	])('refuses %j: 422', async (body, field) => {
		expectIssue(await run({ quote_id: 'x', ...body }), 'body', field);
	});

	it.each([
		[{ column_name: 'x' }],
		[{ column_name: 'x'.repeat(100) }],
		[{ column_name: '😀'.repeat(100) }],
		[{ column_name: ` ${'x'.repeat(100)} ` }],
		[{ column_name: '"; DROP TABLE leads; --' }],
		[{ max_rows: 1 }],
		[{ max_rows: 10_000 }],
		[{ lead_scope: 'all' }],
	])('takes %j', async (body) => {
		const reply = await run({ ...body, quote_id: await agentQuote('cold_intro_email') });
		expect(reply.status).toBe(200);
	});

	it.each(['email', 'Email', 'lead_id', 'full_name', 'domain'])(
		'refuses the column %s, which every list has: 400',
		async (column_name) => {
			expectError(await run({ column_name, quote_id: 'x' }), 400, 'validation_error');
		},
	);

	it('needs a quote for this very list and agent, fresh and unused', async () => {
		expectError(await run({ quote_id: '' }), 400, 'quote_required');
		expectError(await run({ quote_id: 'x' }), 400, 'quote_invalid');
		expectError(await run({ quote_id: await agentQuote('title_normalizer') }), 400, 'quote_mismatch');
		const other = await listOf(client, contacts(1));
		const foreign = await agentQuote('cold_intro_email', other.listId);
		expectError(await run({ quote_id: foreign }), 400, 'quote_mismatch');
		const small = await quote(client, {
			tool: 'run_smart_agent',
			list_id: listId,
			agent_type: 'cold_intro_email',
			extra: { max_rows: 2 },
		});
		const error = expectError(await run({ quote_id: small }), 400, 'spend_cap_exceeded');
		expect(error.estimated_cost_credits).toBe(9);
		expect((await run({ quote_id: small, max_rows: 2 })).status).toBe(200);
		expectError(await run({ quote_id: small, max_rows: 2 }), 409, 'quote_used');
		const stale = await agentQuote('cold_intro_email');
		await harness.clock.advance(contract.QUOTE_TTL_S * 1000);
		expectError(await run({ quote_id: stale }), 400, 'quote_expired');
	});

	it('needs credits: 400, and leaves no column behind', async () => {
		const poor = await harness.client({ credits: 8 });
		const own = await listOf(poor, contacts(3));
		const quote_id = await agentQuote('cold_intro_email', own.listId, poor);
		const reply = await run({ list_id: own.listId, quote_id }, poor);
		expect(expectError(reply, 400, 'insufficient_credits')).toMatchObject({
			estimated_cost_credits: 9,
			available_credits: 8,
			shortfall_credits: 1,
		});
		expect((await list('', poor)).body.total).toBe(0);
		const columns = await poor.get(`${prefix}/export/json?list_id=${own.listId}&columns=Intro`);
		expectError(columns, 400, 'validation_error');
	});

	it('refuses an empty list: 400', async () => {
		const empty = await listOf(client, []);
		expectError(await run({ list_id: empty.listId, quote_id: 'x' }), 400, 'validation_error');
	});

	it('writes into lists of one’s own only: 404', async () => {
		const teammate = await harness.client({ organizationId: client.organizationId });
		for (const as of [teammate, await harness.client()]) {
			expectError(await run({ quote_id: 'x' }, as), 404, 'not_found');
		}
		expectError(await run({ list_id: UNKNOWN_ID, quote_id: 'x' }), 404, 'not_found');
	});

	it('lists runs, newest first, of one list or of all, as many as asked for', async () => {
		const other = await listOf(client, contacts(2));
		const ids = [];
		for (let n = 0; n < 21; n++) ids.unshift(await start({ column_name: `C${n}`, max_rows: 1 }));
		const elsewhere = await start({ list_id: other.listId });
		const all = await list();
		expect(all.body.runs.map((entry: Json) => entry.task_id)).toEqual([elsewhere, ...ids.slice(0, 19)]);
		expect(all.body.total).toBe(20);
		expect(all.body.runs[0]).toEqual({
			task_id: elsewhere,
			list_id: other.listId,
			column_name: 'Intro',
			agent_type: 'cold_intro_email',
			status: 'pending',
			total: 2,
			processed: 0,
			failed: 0,
			created_at: new Date(harness.clock.now()).toISOString(),
		});
		expect((await list(`?list_id=${other.listId}`)).body).toMatchObject({
			runs: [{ task_id: elsewhere }],
			total: 1,
		});
		expect((await list('?limit=1')).body.total).toBe(1);
		expect((await list('?limit=100')).body.total).toBe(22);
		await finish(harness);
		expect((await list('?limit=1')).body.runs[0]).toMatchObject({
			status: 'completed',
			processed: 2,
			failed: 0,
		});
	});

	it.each(['0', '101', '-1', 'x', ''])('refuses limit=%s: 422', async (limit) => {
		expectIssue(await list(`?limit=${limit}`), 'query', 'limit');
	});

	it('shows runs to those who see the list: others get 404', async () => {
		const taskId = await start();
		const teammate = await harness.client({ organizationId: client.organizationId });
		const stranger = await harness.client();
		for (const as of [teammate, stranger]) {
			expectError(await results(taskId, as), 404, 'not_found');
			expect((await list('', as)).body).toMatchObject({ runs: [], total: 0 });
			expectError(await list(`?list_id=${listId}`, as), 404, 'not_found');
		}
		await harness.reference.shareList(listId, 'organization');
		expect((await results(taskId, teammate)).status).toBe(200);
		expect((await list(`?list_id=${listId}`, teammate)).body.total).toBe(1);
		expectError(await results(taskId, stranger), 404, 'not_found');
	});

	it.each([UNKNOWN_ID, 'x', '%F0%9F%98%80', 'run'])('knows no run %s: 404', async (id) => {
		expectError(await results(id), 404, 'not_found');
	});

	it('writes nothing for a lead that was removed meanwhile, and charges nothing for it', async () => {
		const taskId = await start();
		await client.call('DELETE', `/api/v2/lead-lists/${listId}/leads`, { lead_ids: [leadIds[1]] });
		await finish(harness);
		expect((await results(taskId)).body).toMatchObject({
			succeeded: 2,
			failed: 1,
			results: [{}, { value: null, error: 'The lead is no longer in the list.' }, {}],
		});
		expect(await balance(client)).toBe(1_000 - 6);
	});

	it('fails with its list: what was written is charged, the rest given back', async () => {
		const taskId = await start();
		await harness.clock.advance(800);
		const { succeeded } = (await results(taskId)).body;
		expect(succeeded).toBe(1);
		await client.call('DELETE', `/api/v2/lead-lists/${listId}`);
		await finish(harness);
		expect((await results(taskId)).body).toMatchObject({ status: 'failed', succeeded: 1, total: 3 });
		expect(await balance(client)).toBe(1_000 - 3);
	});
});

it('goes on after a stop halfway, and settles once', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'reference-'));
	const path = join(folder, 'reference.db');
	const first = await startReference({ path });
	try {
		const one = await first.client({ credits: 100 });
		const own = await listOf(one, contacts(10));
		const quote_id = await agentQuote('cold_intro_email', own.listId, one);
		const body = { list_id: own.listId, column_name: 'Intro', agent_type: 'cold_intro_email', quote_id };
		const started = await one.call('POST', '/api/v2/smart-agents/run', body);
		const path2 = `/api/v2/smart-agents/${started.body.smart_agent_task_id}`;
		await first.clock.advance(700);
		const before = (await one.get(path2)).body;
		expect(before.status).toBe('processing');
		await first.close();

		const second = await startReference({ path, clock: first.clock });
		const again = second.withKey(one);
		expect((await again.get(path2)).body.results).toEqual(before.results);
		expect(await balance(again)).toBe(70);
		await finish(second);
		expect((await again.get(path2)).body).toMatchObject({ status: 'completed', succeeded: 10 });
		expect(await balance(again)).toBe(70);
		await second.close();
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
});

describe('the templates', () => {
	const lead: AgentLead = {
		identity: 'a',
		firstName: 'Ada',
		lastName: 'Byron',
		title: 'Sr. VP of sales & it',
		company: 'Acme',
		companyDomain: 'acme.example',
	};
	const nobody: AgentLead = {
		identity: 'n',
		firstName: null,
		lastName: null,
		title: null,
		company: null,
		companyDomain: null,
	};
	const text = fc.option(fc.string({ unit: 'binary', maxLength: 50 }), { nil: null });
	const anyLead = fc.record({
		identity: fc.string(),
		firstName: text,
		lastName: text,
		title: text,
		company: text,
		companyDomain: text,
	});

	it('write the same text for the same lead, and say that it is synthetic', () => {
		fc.assert(
			fc.property(anyLead, fc.constantFrom(...contract.AGENT_TYPES), fc.string(), (any, type, prompt) => {
				const cell = answer('seed', { type, prompt }, any);
				expect(answer('seed', { type, prompt }, any)).toEqual(cell);
				expect([cell.value, cell.error].filter((part) => part === null)).toHaveLength(1);
				if (cell.value !== null && type !== 'title_normalizer') {
					expect(cell.value.startsWith(`${SYNTHETIC} `)).toBe(true);
				}
			}),
		);
	});

	it('normalize titles', () => {
		const titled = (title: string) =>
			answer('s', { type: 'title_normalizer', prompt: null }, { ...lead, title }).value;
		expect(titled('Sr. VP of sales & it')).toBe('Senior Vice President of Sales and IT');
		expect(titled('CEO/founder')).toBe('Chief Executive Officer Founder');
		expect(titled('constructor')).toBe('Constructor');
		expect(titled('ÉLÈVE ingénieur')).toBe('Élève Ingénieur');
	});

	it('quote a prompt, up to 120 characters of it', () => {
		const about = (prompt: string) => answer('s', { type: 'custom_ai', prompt }, lead).value;
		expect(about(' What\n do they  sell? ')).toBe(
			`${SYNTHETIC} About Ada Byron, Sr. VP of sales & it, Acme, in answer to “What do they sell?”.`,
		);
		expect(about('😀'.repeat(120))).toContain(`“${'😀'.repeat(120)}”`);
		expect(about('😀'.repeat(121))).toContain(`“${'😀'.repeat(120)}…”`);
	});

	it('fail for a lead that they know too little of', () => {
		const error = (type: contract.AgentType) => answer('s', { type, prompt: 'x' }, nobody).error;
		expect(error('custom_ai')).toBeNull();
		expect(error('cold_intro_email')).toBe('The lead has no first name to address.');
		expect(error('title_normalizer')).toBe('The lead has no title.');
		expect(error('company_intel')).toBe('The lead names no company.');
		expect(error('pain_point_hypothesis')).toBe('The lead has neither title nor company.');
	});
});
