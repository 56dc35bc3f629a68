import * as contract from '../../relay/src/contract/index.ts';
import { identityOf } from '../../relay/src/reference/domain/contact.ts';
import { enrich } from '../../relay/src/reference/domain/generator.ts';
import type { Client, Harness, Json, Reply } from './harness.ts';

export const PREFIXES = ['/api/v2', '/api/v1/public'] as const;

/** The id of a fresh quote. */
export async function quote(client: Client, request: object): Promise<string> {
	const reply = await client.call('POST', '/api/v2/credits/estimate', request);
	if (reply.status !== 200) throw new Error(`${reply.status} ${JSON.stringify(reply.body)}`);
	return reply.body.quote_id as string;
}

export async function balance(client: Client): Promise<number> {
	return (await client.get('/api/v2/credits/balance')).body.credits as number;
}

let lists = 0;

/** A new list, holding one lead per person; nothing is known of them yet. */
export async function listOf(
	client: Client,
	persons: { first_name: string; last_name: string; company_name: string }[],
): Promise<{ listId: string; leadIds: string[] }> {
	const list = await client.call('POST', '/api/v2/lead-lists', { name: `Paid ${++lists}` });
	const listId = list.body.list_id as string;
	if (persons.length === 0) return { listId, leadIds: [] };
	const { workflow_id } = await client.submit(persons, { enrichment_type: 'none' });
	const status = await client.get(`/api/v1/public/enrich/status?workflow_id=${workflow_id}`);
	const all = await leadsOf(client, status.body.lead_list_id as string);
	const leadIds = persons.map(
		(person) =>
			all.find(
				(lead) => lead.first_name === person.first_name.trim() && lead.company === person.company_name,
			)!.lead_id as string,
	);
	for (let from = 0; from < leadIds.length; from += contract.ADD_LEADS_MAX) {
		const added = await client.call('POST', `/api/v2/lead-lists/${listId}/leads`, {
			lead_ids: leadIds.slice(from, from + contract.ADD_LEADS_MAX),
		});
		if (added.status !== 200) throw new Error(`${added.status} ${JSON.stringify(added.body)}`);
	}
	return { listId, leadIds };
}

export async function leadsOf(client: Client, listId: string): Promise<Json[]> {
	const leads: Json[] = [];
	let cursor: string | null = '';
	do {
		const page: Reply = await client.get(
			`/api/v2/lead-lists/${listId}/leads?limit=500${cursor && `&cursor=${cursor}`}`,
		);
		leads.push(...page.body.leads);
		cursor = page.body.cursor as string | null;
	} while (cursor);
	return leads;
}

/** Advances in small steps, so that steps of work in between have their turn. */
export async function finish(harness: Harness): Promise<void> {
	for (let n = 0; n < 15; n++) await harness.clock.advance(100);
}

export function expectError(reply: Reply, status: number, code: string): contract.V2Error['error'] {
	expect([reply.status, JSON.stringify(reply.body)]).toEqual([status, expect.stringContaining(code)]);
	const { error } = contract.V2Error.parse(reply.body);
	expect(error.code).toBe(code);
	return error;
}

export function expectIssue(reply: Reply, ...loc: (string | number)[]): void {
	expect([reply.status, JSON.stringify(reply.body)]).toEqual([422, expect.any(String)]);
	const { detail } = contract.DetailError.parse(reply.body);
	expect(detail).toContainEqual(expect.objectContaining({ loc }));
}

/** Persons of whom the generator knows an e-mail and a phone number, or not, in the seed all tests use. */
export function personsWith(wanted: { email: boolean; phone: boolean }, count: number, company = 'Acme') {
	const found: { first_name: string; last_name: string; company_name: string }[] = [];
	for (let n = 0; found.length < count; n++) {
		const person = { first_name: `P${n}`, last_name: 'Last', company_name: company };
		const known = enrich('cleanlist', person, { identity: identityOf(person) });
		if (Boolean(known.email) === wanted.email && Boolean(known.phone) === wanted.phone) found.push(person);
	}
	return found;
}
