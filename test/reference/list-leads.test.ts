import {
	AddLeadsResponse,
	LeadsPageResponse,
	RemoveLeadsResponse,
	V2Error,
} from '../../relay/src/contract/index.ts';
import { encodeCohort } from '../../relay/src/reference/domain/cohort.ts';
import { startReference, walk } from './harness.ts';
import type { Client, Harness, Json } from './harness.ts';

const people = (count: number, name = 'p') =>
	Array.from({ length: count }, (_, n) => ({ email: `${name}${n}@example.com` }));

describe.each(['/api/v2', '/api/v1/public'])('leads in lists under %s', (prefix) => {
	let harness: Harness;
	let client: Client;
	beforeEach(async () => {
		harness = await startReference();
		client = await harness.client();
	});
	afterEach(() => harness.close());

	const LISTS = `${prefix}/lead-lists`;
	const make = async (name: string, count: number, by = client) => {
		const { reference } = harness;
		const leads = people(count, name);
		const { listId } = await reference.createList({ ownerId: by.userId, name, leads });
		return listId;
	};
	const page = async (listId: string, query = '') => {
		const reply = await client.get(`${LISTS}/${listId}/leads${query}`);
		return LeadsPageResponse.parse(reply.body);
	};
	const idsOf = async (listId: string) =>
		(await walk(client, `${LISTS}/${listId}/leads?limit=500`, 'leads')).map((lead) => lead.lead_id as string);
	const count = async (listId: string) => (await client.get(`${LISTS}/${listId}`)).body.lead_count as number;
	const add = (listId: string, body: unknown, by = client) =>
		by.call('POST', `${LISTS}/${listId}/leads`, body);
	const added = async (listId: string, body: unknown) => {
		const reply = await add(listId, body);
		expect([reply.status, reply.body.error]).toEqual([200, undefined]);
		return AddLeadsResponse.parse(reply.body);
	};
	const remove = (listId: string, body: unknown, by = client) =>
		by.call('DELETE', `${LISTS}/${listId}/leads`, body);
	const refusal = (reply: { status: number; body: unknown }) => {
		const { error } = V2Error.parse(reply.body);
		return [reply.status, error.code];
	};

	describe('adding by id', () => {
		it('puts them at the end, in the order given', async () => {
			const [from, to] = [await make('a', 3), await make('b', 1)];
			const [first, second, third] = await idsOf(from);
			const there = await idsOf(to);
			expect(await added(to, { lead_ids: [third, first] })).toEqual({
				list_id: to,
				added: 2,
				skipped_duplicates: 0,
				credits_charged: 0,
			});
			expect(await idsOf(to)).toEqual([...there, third, first]);
			expect(await count(to)).toBe(3);
			// Where they came from, they stay.
			expect(await idsOf(from)).toEqual([first, second, third]);
		});

		it('skips those already there, and those named twice', async () => {
			const [from, to] = [await make('a', 3), await make('b', 0)];
			const [first, second] = await idsOf(from);
			await added(to, { lead_ids: [first] });
			expect(await added(to, { lead_ids: [first, second, second] })).toMatchObject({
				added: 1,
				skipped_duplicates: 2,
			});
			expect(await count(to)).toBe(2);
		});

		it('leaves out ids that nobody knows, or that the caller can’t get at', async () => {
			const stranger = await harness.client();
			const mate = await harness.client({ organizationId: client.organizationId });
			const hidden = await harness.reference.createList({
				ownerId: mate.userId,
				name: 'hidden',
				leads: people(1, 'h'),
			});
			const open = await harness.reference.createList({
				ownerId: mate.userId,
				name: 'open',
				visibility: 'organization',
				leads: people(1, 'o'),
			});
			const idOf = async (by: Client, listId: string) =>
				(await by.get(`${LISTS}/${listId}/leads`)).body.leads[0].lead_id as string;
			const strangers = await idOf(stranger, await make('s', 1, stranger));
			const lead_ids = [
				strangers,
				await idOf(mate, hidden.listId),
				await idOf(mate, open.listId),
				'00000000-0000-4000-8000-000000000000',
				'',
			];
			const to = await make('b', 0);
			expect(await added(to, { lead_ids })).toMatchObject({ added: 1, skipped_duplicates: 0 });
			expect(await idsOf(to)).toEqual([lead_ids[2]]);
		});

		it('adds a lead of one’s own that is in no list any more', async () => {
			const [from, to] = [await make('a', 1), await make('b', 0)];
			const lead_ids = await idsOf(from);
			await client.call('DELETE', `${LISTS}/${from}`);
			expect(await added(to, { lead_ids })).toMatchObject({ added: 1 });
		});

		it('takes 1,000 and refuses 1,001', async () => {
			const [from, to] = [await make('a', 1_001), await make('b', 0)];
			const lead_ids = await idsOf(from);
			const over = await add(to, { lead_ids });
			expect([over.status, over.body.detail[0].loc]).toEqual([422, ['body', 'lead_ids']]);
			expect(await count(to)).toBe(0);
			expect(await added(to, { lead_ids: lead_ids.slice(1) })).toMatchObject({ added: 1_000 });
		});

		it('counts those enriched in the list they come into', async () => {
			const submitted = await client.submit(
				Array.from({ length: 5 }, (_, n) => ({
					first_name: `F${n}`,
					last_name: 'Last',
					company_name: 'Acme',
				})),
			);
			await harness.clock.advance(1_500);
			const { lead_list_id, summary } = (
				await client.get(`/api/v1/public/enrich/status?workflow_id=${submitted.workflow_id}`)
			).body;
			expect(summary.successful).toBeGreaterThan(0);
			const to = await make('b', 1);
			await added(to, { lead_ids: await idsOf(lead_list_id as string) });
			const enriched = async () => (await client.get(`${LISTS}/${to}`)).body.enriched_count as number;
			expect(await enriched()).toBe(summary.successful);
			await remove(to, { lead_ids: await idsOf(to) });
			expect([await enriched(), await count(to)]).toEqual([0, 0]);
		});
	});

	describe('adding a cohort', () => {
		it('adds the leads of the page that gave the handle out', async () => {
			const [from, to] = [await make('a', 5), await make('b', 0)];
			const first = await page(from, '?limit=2');
			const second = await page(from, `?limit=2&cursor=${first.cursor}`);
			expect(second.task_id).toMatch(/^cl-task_/);
			expect(second.task_id).not.toBe(first.task_id);
			expect(await added(to, { task_id: second.task_id })).toEqual({
				list_id: to,
				added: 2,
				skipped_duplicates: 0,
				created: 0,
				credits_charged: 0,
			});
			expect(await idsOf(to)).toEqual(second.leads.map((lead) => lead.lead_id));
			expect(await added(to, { task_id: second.task_id })).toMatchObject({ added: 0, skipped_duplicates: 2 });
		});

		it('is one page to the row: the same page again is the same handle', async () => {
			const from = await make('a', 3);
			const { task_id } = await page(from);
			expect((await page(from)).task_id).toBe(task_id);
			expect((await page(from, '?limit=2')).task_id).not.toBe(task_id);
			expect((await page(await make('empty', 0))).task_id).toBeNull();
		});

		it('adds a part of it, and leaves out ids that are not in it', async () => {
			const [from, to] = [await make('a', 3), await make('b', 0)];
			const { task_id, leads } = await page(from, '?limit=2');
			const [one, , outside] = await idsOf(from);
			expect(outside).not.toBe(leads[1]!.lead_id);
			const entity_ids = [one, one, outside, 'nobody'];
			expect(await added(to, { task_id, entity_ids })).toMatchObject({ added: 1, skipped_duplicates: 0 });
			expect(await added(to, { task_id, entity_ids: [] })).toMatchObject({ added: 0 });
			expect(await added(to, { task_id, entity_ids: null })).toMatchObject({ added: 1 });
		});

		it('takes 2,000 entity ids and refuses 2,001', async () => {
			const [from, to] = [await make('a', 1), await make('b', 0)];
			const { task_id, leads } = await page(from);
			const ids = [leads[0]!.lead_id, ...Array.from({ length: 2_000 }, (_, n) => `x${n}`)];
			const over = await add(to, { task_id, entity_ids: ids });
			expect([over.status, over.body.detail[0].loc]).toEqual([422, ['body', 'entity_ids']]);
			expect(await added(to, { task_id, entity_ids: ids.slice(0, 2_000) })).toMatchObject({ added: 1 });
		});

		it('no longer holds what was taken out of the list since', async () => {
			const [from, to] = [await make('a', 3), await make('b', 0)];
			const { task_id, leads } = await page(from);
			await remove(from, { lead_ids: [leads[1]!.lead_id] });
			expect(await added(to, { task_id })).toMatchObject({ added: 2 });
		});

		it('ends with its list, or when that is hidden: 404', async () => {
			const mate = await harness.client({ organizationId: client.organizationId });
			const { listId } = await harness.reference.createList({
				ownerId: mate.userId,
				name: 'open',
				visibility: 'organization',
				leads: people(1, 'o'),
			});
			const to = await make('b', 0);
			const { task_id } = await page(listId);
			expect(await added(to, { task_id })).toMatchObject({ added: 1 });
			await harness.reference.shareList(listId, 'private');
			expect(refusal(await add(to, { task_id }))).toEqual([404, 'not_found']);
			const from = await make('a', 1);
			const gone = await page(from);
			await client.call('DELETE', `${LISTS}/${from}`);
			expect(refusal(await add(to, { task_id: gone.task_id }))).toEqual([404, 'not_found']);
		});

		it.each(['', 'cl-task_', 'cl-task_nope', 'x', `cl-task_${'A'.repeat(100_000)}`])(
			'knows no cohort %.20j: 404',
			async (task_id) => {
				expect(refusal(await add(await make('b', 0), { task_id }))).toEqual([404, 'not_found']);
			},
		);

		it('is at most a page long, whatever a made-up handle claims', async () => {
			const [from, to] = [await make('a', 501), await make('b', 0)];
			const task_id = encodeCohort({ listId: from, after: 0, upTo: 999_999_999 });
			expect(await added(to, { task_id })).toMatchObject({ added: 500 });
		});
	});

	describe('a repeated idempotency key', () => {
		it('gets the first answer again, and adds nothing, for 24 hours', async () => {
			const [from, to] = [await make('a', 3), await make('b', 0)];
			const [one, two, three] = await idsOf(from);
			const first = await added(to, { lead_ids: [one], idempotency_key: 'k' });
			expect(await added(to, { lead_ids: [one, two], idempotency_key: 'k' })).toEqual(first);
			expect(await count(to)).toBe(1);
			await harness.clock.advance(24 * 60 * 60 * 1000 - 1);
			expect(await added(to, { lead_ids: [three], idempotency_key: 'k' })).toEqual(first);
			await harness.clock.advance(1);
			expect(await added(to, { lead_ids: [three], idempotency_key: 'k' })).toMatchObject({ added: 1 });
			expect(await count(to)).toBe(2);
		});

		it('counts for one list, and one key', async () => {
			const [from, to, other] = [await make('a', 1), await make('b', 0), await make('c', 0)];
			const lead_ids = await idsOf(from);
			await added(to, { lead_ids, idempotency_key: 'k' });
			expect(await added(other, { lead_ids, idempotency_key: 'k' })).toMatchObject({
				list_id: other,
				added: 1,
			});
			expect(await added(to, { lead_ids, idempotency_key: 'K' })).toMatchObject({ skipped_duplicates: 1 });
		});

		it('is not spent on a request that failed', async () => {
			const [from, to] = [await make('a', 1), await make('b', 0)];
			expect((await add(to, { task_id: 'nope', idempotency_key: 'k' })).status).toBe(404);
			const lead_ids = await idsOf(from);
			expect(await added(to, { lead_ids, idempotency_key: 'k' })).toMatchObject({ added: 1 });
		});

		it('has at most 128 characters', async () => {
			const [from, to] = [await make('a', 1), await make('b', 0)];
			const lead_ids = await idsOf(from);
			await added(to, { lead_ids, idempotency_key: 'k'.repeat(128) });
			const over = await add(to, { lead_ids, idempotency_key: 'k'.repeat(129) });
			expect([over.status, over.body.detail[0].loc]).toEqual([422, ['body', 'idempotency_key']]);
		});
	});

	it.each([
		['both modes', { lead_ids: ['a'], task_id: 'b' }],
		['both modes, one of them null', { lead_ids: null, task_id: 'b' }],
		['neither mode', { idempotency_key: 'k' }],
		['an empty body', {}],
		['no body', undefined],
		['a body that is a list', ['a']],
		['no lead ids', { lead_ids: [] }],
		['a lead id that is no string', { lead_ids: [1] }],
		['entity ids without a cohort', { lead_ids: ['a'], entity_ids: ['b'] }],
		['a new contact', { leads: [{ email: 'a@example.com' }] }],
		['an unknown field', { lead_ids: ['a'], force: true }],
	])('refuses to add %s: 422', async (_, body) => {
		const reply = await add(await make('b', 0), body);
		expect(reply.status).toBe(422);
		expect(reply.body.detail[0].loc[0]).toBe('body');
	});

	describe('removing', () => {
		it('takes leads out of one list and leaves them everywhere else', async () => {
			const [one, other] = [await make('a', 3), await make('b', 0)];
			const [first, second, third] = await idsOf(one);
			await added(other, { lead_ids: [first, second] });
			const reply = await remove(one, { lead_ids: [first, third, first, 'nobody'] });
			expect(reply.status).toBe(200);
			expect(RemoveLeadsResponse.parse(reply.body)).toEqual({ list_id: one, removed: 2 });
			expect([await idsOf(one), await count(one)]).toEqual([[second], 1]);
			expect(await idsOf(other)).toEqual([first, second]);
			expect(await added(one, { lead_ids: [first] })).toMatchObject({ added: 1 });
			expect(await idsOf(one)).toEqual([second, first]);
		});

		it('takes nothing out that is in another list only', async () => {
			const [one, other] = [await make('a', 1), await make('b', 1)];
			const { body } = await remove(one, { lead_ids: await idsOf(other) });
			expect(body.removed).toBe(0);
			expect(await count(other)).toBe(1);
		});

		it('takes 100 and refuses 101', async () => {
			const list = await make('a', 101);
			const lead_ids = await idsOf(list);
			const over = await remove(list, { lead_ids });
			expect([over.status, over.body.detail[0].loc]).toEqual([422, ['body', 'lead_ids']]);
			expect(await count(list)).toBe(101);
			expect((await remove(list, { lead_ids: lead_ids.slice(1) })).body.removed).toBe(100);
		});

		it.each([
			['no body', undefined],
			['no ids', { lead_ids: [] }],
			['an unknown field', { lead_ids: ['a'], all: true }],
			['ids that are no strings', { lead_ids: [null] }],
		])('refuses %s: 422', async (_, body) => {
			expect((await remove(await make('a', 0), body)).status).toBe(422);
		});

		it('lets leads out of the protected list, which itself stays', async () => {
			await client.submit([{ linkedin_url: 'https://www.linkedin.com/in/a-example' }]);
			const { lists } = (await client.get(LISTS)).body;
			const { list_id } = lists.find((list: Json) => list.name === 'Extension Leads');
			const lead_ids = await idsOf(list_id as string);
			expect((await remove(list_id as string, { lead_ids })).body.removed).toBe(1);
			expect(await added(list_id as string, { lead_ids })).toMatchObject({ added: 1 });
		});
	});

	it('answers 404 for a list that is unknown, a stranger’s, or a teammate’s, however open', async () => {
		const mate = await harness.client({ organizationId: client.organizationId });
		const stranger = await harness.client();
		const list = await make('a', 1);
		const lead_ids = await idsOf(list);
		await harness.reference.shareList(list, 'organization');
		for (const [by, listId] of [
			[client, 'unknown'],
			[stranger, list],
			[mate, list],
		] as const) {
			expect(refusal(await add(listId, { lead_ids }, by))).toEqual([404, 'not_found']);
			expect(refusal(await remove(listId, { lead_ids }, by))).toEqual([404, 'not_found']);
		}
		expect(await count(list)).toBe(1);
	});
});
