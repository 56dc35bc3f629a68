import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startReference } from './harness.ts';
import type { Client, Harness } from './harness.ts';
import { finish, quote } from './paid.ts';

/** More than are swept at once, and no multiple of it. */
const LEADS = 2_600;

let folder: string;
let path: string;
let harness: Harness;
let client: Client;
beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'reference-'));
	path = join(folder, 'reference.sqlite');
	harness = await startReference({ path, completionMs: 1_000 });
	client = await harness.client({ credits: 1_000_000 });
});
afterEach(async () => {
	await harness.close();
	rmSync(folder, { recursive: true });
});

const rows = () => {
	const db = new DatabaseSync(path, { readOnly: true });
	try {
		const count = (table: string) =>
			(db.prepare(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n;
		return {
			memberships: count('list_leads'),
			columns: count('smart_columns'),
			values: count('smart_values'),
			runLeads: count('enrichment_run_leads'),
			leftovers: count('leftovers'),
			leads: count('leads'),
		};
	} finally {
		db.close();
	}
};
const NOTHING_LEFT = { memberships: 0, columns: 0, values: 0, runLeads: 0, leftovers: 0 };

const longList = async (count = LEADS): Promise<string> => {
	const leads = Array.from({ length: count }, (_, n) => ({ email: `n${n}@acme.example`, first_name: 'Zoë' }));
	return (await harness.reference.createList({ ownerId: client.userId, name: `Fair ${count}`, leads }))
		.listId;
};
const remove = async (listId: string) => {
	const reply = await client.call('DELETE', `/api/v2/lead-lists/${listId}`);
	expect([reply.status, reply.body.deleted]).toEqual([200, true]);
};

it('what was in a deleted list goes bit by bit, after the answer; the leads stay', async () => {
	const listId = await longList();
	const other = await longList(10);
	const agent = await client.call('POST', '/api/v2/smart-agents/run', {
		...{ list_id: listId, column_name: 'Intro', agent_type: 'cold_intro_email', max_rows: 1_500 },
		quote_id: await quote(client, {
			tool: 'run_smart_agent',
			list_id: listId,
			agent_type: 'cold_intro_email',
		}),
	});
	expect(agent.status).toBe(200);
	await finish(harness);
	expect(rows()).toMatchObject({ memberships: LEADS + 10, columns: 1 });
	expect(rows().values).toBeGreaterThan(1_000);

	await remove(listId);

	// Gone for everybody, though nothing of it has been removed yet.
	expect(rows()).toMatchObject({ memberships: LEADS + 10, columns: 1, leftovers: 1 });
	expect((await client.get(`/api/v2/lead-lists/${listId}/leads`)).status).toBe(404);
	expect((await client.get('/api/v2/lead-lists')).body).toMatchObject({ total: 1 });

	await harness.clock.advance(0);
	expect(rows()).toMatchObject({ ...NOTHING_LEFT, memberships: 10, leads: LEADS });
	expect((await client.get(`/api/v2/lead-lists/${other}`)).body.lead_count).toBe(10);
});

it('a lead that only a deleted list showed to somebody is out of their reach at once', async () => {
	const mate = await harness.client({ name: 'Mats', organizationId: client.organizationId });
	const listId = await longList(1);
	await harness.reference.shareList(listId, 'organization');
	const [lead] = (await mate.get(`/api/v2/lead-lists/${listId}/leads`)).body.leads;
	await remove(listId);

	const own = (await mate.call('POST', '/api/v2/lead-lists', { name: 'Own' })).body.list_id;
	const body = { lead_ids: [lead.lead_id] };
	const added = await mate.call('POST', `/api/v2/lead-lists/${own}/leads`, body);

	expect(added.body).toMatchObject({ added: 0, skipped_duplicates: 0 });
});

it('what a stop left over goes after the next start', async () => {
	await remove(await longList());
	await harness.close();
	expect(rows()).toMatchObject({ memberships: LEADS, leftovers: 1 });

	harness = await startReference({ path, clock: harness.clock });
	await harness.clock.advance(0);

	expect(rows()).toMatchObject({ ...NOTHING_LEFT, leads: LEADS });
});

it('a run that its list was taken from forgets whom it was to look up', async () => {
	const listId = await longList();
	const run = await client.call('POST', '/api/v2/enrichment/bulk', {
		list_id: listId,
		quote_id: await quote(client, { tool: 'enrich_list', list_id: listId }),
	});
	expect(run.status).toBe(200);
	expect(rows().runLeads).toBe(LEADS);
	await remove(listId);

	await finish(harness);

	expect((await client.get(`/api/v2/enrichment/status/${run.body.workflow_id}`)).body.status).toBe(
		'cancelled',
	);
	expect(rows()).toMatchObject({ ...NOTHING_LEFT, leads: LEADS });
});

it('is part of a snapshot, and goes on after it was restored', async () => {
	const { control } = harness.reference;
	await remove(await longList());
	await control.snapshot('deleted');
	await harness.clock.advance(0);
	expect(rows()).toMatchObject(NOTHING_LEFT);

	await control.restore('deleted');
	expect(rows()).toMatchObject({ memberships: LEADS, leftovers: 1 });
	await harness.clock.advance(0);

	expect(rows()).toMatchObject({ ...NOTHING_LEFT, leads: LEADS });
});
