import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { contacts, startReference } from './harness.ts';
import type { Client, Harness } from './harness.ts';
import { balance, listOf, quote } from './paid.ts';

const START = 150;
/** Of `cold_intro_email`, per lead. */
const AGENT_PRICE = 3;

/** What a user may do, in any order; `n` picks the contacts, the list or the run it is about. */
const action = fc.record({
	do: fc.constantFrom(
		'legacy' as const,
		'person' as const,
		'company' as const,
		'list' as const,
		'cohort' as const,
		'agent' as const,
		'drop list' as const,
		'wait' as const,
		'restart' as const,
	),
	type: fc.constantFrom('partial' as const, 'phone_only' as const, 'full' as const),
	n: fc.nat({ max: 20 }),
});
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** The paid work that was started, and where to ask what it did cost. */
interface Started {
	legacy: string[];
	runs: string[];
	agents: string[];
	/** Charged on the spot. */
	inline: number;
}

async function perform(harness: Harness, client: Client, next: Action, started: Started): Promise<void> {
	const { body } = await client.get('/api/v2/lead-lists?limit=100');
	const lists = body.lists as { list_id: string }[];
	const listId = lists[next.n % lists.length]?.list_id;
	if (next.do === 'wait') await harness.clock.advance(next.n * 40);
	else if (next.do === 'legacy') await startLegacy(client, next, started);
	else if (next.do === 'company') await enrichCompany(client, next, started);
	else if (listId && next.do === 'drop list') await client.call('DELETE', `/api/v2/lead-lists/${listId}`);
	else if (listId) await startPrepaid(client, next, listId, started);
}

async function startLegacy(client: Client, { type, n }: Action, started: Started): Promise<void> {
	const request = { contacts: contacts(3, n), enrichment_type: type };
	const reply = await client.call('POST', '/api/v1/public/enrich/bulk', request);
	if (reply.status === 200) started.legacy.push(reply.body.workflow_id as string);
	else expect(reply.status).toBe(402);
}

async function enrichCompany(client: Client, { n }: Action, started: Started): Promise<void> {
	const reply = await client.call('POST', '/api/v2/enrichment/company', { company_name: `Company ${n}` });
	if (reply.status === 200) started.inline += reply.body.credits_charged as number;
	else expect(reply.body.error.code).toBe('insufficient_credits');
}

async function startPrepaid(client: Client, next: Action, listId: string, started: Started): Promise<void> {
	const request = await prepaid(client, next, listId);
	if (!request) return;
	const { body, status } = await client.call('POST', `/api/v2/${request.path}`, request.body);
	if (status !== 200) {
		// An empty list or too few credits; nothing else may go wrong.
		expect(['insufficient_credits', 'validation_error']).toContain(body.error?.code);
	} else if (next.do === 'agent') {
		started.agents.push(body.smart_agent_task_id as string);
	} else {
		started.runs.push(body.workflow_id as string);
	}
}

async function prepaid(client: Client, { do: what, type, n }: Action, listId: string) {
	switch (what) {
		case 'person':
			return {
				path: 'enrichment/person',
				body: { lead_list_id: listId, ...contacts(1, n)[0], enrichment_type: type },
			};
		case 'list': {
			const quote_id = await quote(client, { tool: 'enrich_list', list_id: listId, enrichment_type: type });
			return {
				path: 'enrichment/bulk',
				body: { list_id: listId, scope: type.replace('_', '-'), quote_id },
			};
		}
		case 'cohort': {
			const { task_id } = (await client.get(`/api/v2/lead-lists/${listId}/leads?limit=3`)).body;
			if (!task_id) return null;
			const data_points = { partial: ['Email'], phone_only: ['Phone'], full: ['Email', 'Phone'] }[type];
			const quote_id = await quote(client, { tool: 'add_person_enrichments', task_id, data_points });
			return { path: 'enrichment/by-task', body: { task_id, data_points, quote_id } };
		}
		case 'agent': {
			const agent = { list_id: listId, agent_type: 'cold_intro_email' };
			const quote_id = await quote(client, { tool: 'run_smart_agent', ...agent });
			const column = { column_name: `C${n % 3}`, overwrite: n % 2 === 0 };
			return { path: 'smart-agents/run', body: { ...agent, ...column, quote_id } };
		}
		default:
			return null;
	}
}

async function spent(client: Client, { legacy, runs, agents, inline }: Started): Promise<number> {
	let total = inline;
	for (const id of legacy) {
		const { body } = await client.get(`/api/v1/public/enrich/status?workflow_id=${id}`);
		expect(body.status).toBe('completed');
		total += body.summary.emails_found + 10 * body.summary.phones_found;
	}
	for (const id of runs) {
		const { body } = await client.get(`/api/v2/enrichment/status/${id}`);
		expect(['completed', 'cancelled']).toContain(body.status);
		total += body.credits_charged;
	}
	for (const id of agents) {
		const { body } = await client.get(`/api/v2/smart-agents/${id}`);
		expect(['completed', 'failed']).toContain(body.status);
		total += body.succeeded * AGENT_PRICE;
	}
	return total;
}

it('accounts for every credit, whatever is run at once, cancelled or cut off by a restart', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 20 }), async (actions) => {
			const folder = mkdtempSync(join(tmpdir(), 'reference-'));
			const path = join(folder, 'reference.db');
			let harness = await startReference({ path });
			try {
				let client = await harness.client({ credits: START });
				await listOf(client, contacts(4));
				await listOf(client, contacts(2, 10));
				const started: Started = { legacy: [], runs: [], agents: [], inline: 0 };
				for (const next of actions) {
					if (next.do === 'restart') {
						await harness.close();
						harness = await startReference({ path, clock: harness.clock });
						client = harness.withKey(client);
					} else {
						await perform(harness, client, next, started);
					}
					expect(await balance(client)).toBeGreaterThanOrEqual(0);
				}
				await harness.clock.advance(10_000);
				expect(await balance(client)).toBe(START - (await spent(client, started)));

				const raw = new DatabaseSync(path, { readOnly: true });
				const sums = raw
					.prepare(
						`SELECT sum(amount) AS amount, sum(reserved) AS reserved,
							(SELECT credits FROM organizations) AS credits,
							(SELECT reserved_credits FROM organizations) AS reservedCredits FROM credit_ledger`,
					)
					.get() as Record<string, number>;
				raw.close();
				expect(sums).toEqual({
					amount: await balance(client),
					reserved: 0,
					credits: sums.amount,
					reservedCredits: 0,
				});
			} finally {
				await harness.close();
				rmSync(folder, { recursive: true, force: true });
			}
		}),
		{ numRuns: 12 },
	);
}, 60_000);
