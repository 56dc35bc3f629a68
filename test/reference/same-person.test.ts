import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contacts, startReference } from './harness.ts';
import type { Client, Harness } from './harness.ts';

let folder: string;
let harness: Harness;
let client: Client;
beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'reference-'));
	harness = await startReference({ path: join(folder, 'reference.sqlite') });
	client = await harness.client({ credits: 0 });
});
afterEach(async () => {
	await harness.close();
	rmSync(folder, { recursive: true });
});

const attach = async (from: number, count = 1) => {
	const { workflow_id } = await client.submit(contacts(count, from), { enrichment_type: 'none' });
	const { body } = await client.get(`/api/v1/public/enrich/status?workflow_id=${workflow_id}`);
	return body.lead_list_id as string;
};
const leadIds = async (listId: string): Promise<string[]> =>
	(await client.get(`/api/v2/lead-lists/${listId}/leads`)).body.leads.map(
		(lead: { lead_id: string }) => lead.lead_id,
	);

it('is one lead after a restart, too', async () => {
	const before = await leadIds(await attach(0, 3));
	await harness.close();
	harness = await startReference({ path: join(folder, 'reference.sqlite') });
	client = harness.withKey(client);
	const after = await leadIds(await attach(0, 4));
	expect(after.slice(0, 3)).toEqual(before);
	expect(after).toHaveLength(4);
});

it('is unknown after a request that came to nothing', async () => {
	const { listId } = await harness.reference.createList({ ownerId: client.userId, name: 'Fair' });
	const upload = (more: object) =>
		client.call('POST', `/api/v2/lead-lists/${listId}/csv-import`, {
			csv_content_base64: Buffer.from('email\nzoe@acme.example\n').toString('base64'),
			column_mapping: { email: 'email' },
			...more,
		});
	const refused = await upload({ enrichment_type: 'full' });
	expect([refused.status, refused.body.error.code]).toEqual([400, 'insufficient_credits']);
	expect((await upload({ dispatch_enrichment: false })).status).toBe(201);
	expect(await leadIds(listId)).toHaveLength(1);
});

it('is who a snapshot says, once that is restored', async () => {
	const listId = await attach(0, 2);
	const kept = await leadIds(listId);
	await harness.reference.control.snapshot('two');
	await attach(2);
	await harness.reference.control.restore('two');
	expect(await leadIds(await attach(0, 2))).toEqual(kept);
	await attach(2);
	expect(await leadIds(listId)).toHaveLength(3);
});

it('is another lead for another user', async () => {
	const mine = await leadIds(await attach(0));
	client = await harness.client({ organizationId: client.organizationId, name: 'Bo' });
	const theirs = await leadIds(await attach(0));
	expect([mine.length, theirs.length]).toEqual([1, 1]);
	expect(theirs).not.toEqual(mine);
});
