import fc from 'fast-check';
import { startReference, walk } from './harness.ts';
import type { Client, Harness, Json } from './harness.ts';

/**
 * Random sequences of list and lead operations, each answer and the state after it held against a model that is
 * a few lines of plain JavaScript. The model knows order and duplicates, so it also says what a walk finds.
 */

const LISTS = '/api/v2/lead-lists';
const POOL = 12;

let harness: Harness;
beforeAll(async () => {
	harness = await startReference();
});
afterAll(() => harness.close());

interface ModelList {
	listId: string;
	name: string;
	owner: number;
	open: boolean;
	leads: string[];
}
interface World {
	clients: Client[];
	/** Leads that everybody here can get at. */
	pool: string[];
	/** In order of creation. */
	lists: ModelList[];
}

/** Two users of one organization, and an open list of the first that holds the pool. */
async function newWorld(): Promise<World> {
	const first = await harness.client();
	const second = await harness.client({ organizationId: first.organizationId });
	const { listId } = await harness.reference.createList({
		ownerId: first.userId,
		name: 'Pool',
		visibility: 'organization',
		leads: Array.from({ length: POOL }, (_, n) => ({ email: `p${n}@example.com` })),
	});
	const pool = (await walk(first, `${LISTS}/${listId}/leads`, 'leads')).map((lead) => lead.lead_id as string);
	return {
		clients: [first, second],
		pool,
		lists: [{ listId, name: 'Pool', owner: 0, open: true, leads: [...pool] }],
	};
}

const user = fc.nat(1);
const name = fc.constantFrom('A', 'a', 'B', 'Ä', 'ä', 'C 🎉');
const list = fc.nat(9);
const leads = fc.array(fc.nat(POOL - 1), { minLength: 1, maxLength: POOL });
const operation = fc.oneof(
	fc.record({ do: fc.constant('create' as const), user, name }),
	fc.record({ do: fc.constant('rename' as const), user, list, name }),
	fc.record({ do: fc.constant('delete' as const), user, list }),
	fc.record({ do: fc.constant('open' as const), list, open: fc.boolean() }),
	fc.record({ do: fc.constant('add' as const), user, list, leads }),
	fc.record({ do: fc.constant('remove' as const), user, list, leads }),
	fc.record({
		do: fc.constant('addPage' as const),
		user,
		list,
		from: list,
		limit: fc.integer({ min: 1, max: 5 }),
	}),
	fc.record({ do: fc.constant('csv' as const), user, list, leads }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const sameName = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** Does the operation on both, and compares what was answered. */
async function perform(world: World, op: Operation): Promise<void> {
	const { clients, pool, lists } = world;
	if (op.do === 'create') {
		const reply = await clients[op.user]!.call('POST', LISTS, { name: op.name });
		const existing = lists.find((one) => one.owner === op.user && sameName(one.name, op.name));
		expect([reply.status, reply.body.reused]).toEqual(existing ? [200, true] : [201, false]);
		if (existing) expect(reply.body.list_id).toBe(existing.listId);
		else {
			const listId = reply.body.list_id as string;
			lists.push({ listId, name: op.name, owner: op.user, open: false, leads: [] });
		}
		return;
	}
	if (lists.length === 0) return;
	const target = lists[op.list % lists.length]!;
	if (op.do === 'open') {
		await harness.reference.shareList(target.listId, op.open ? 'organization' : 'private');
		target.open = op.open;
		return;
	}

	const client = clients[op.user]!;
	const owned = target.owner === op.user;
	const path = `${LISTS}/${target.listId}`;
	const attach = (ids: string[]) => {
		const fresh = [...new Set(ids)].filter((id) => !target.leads.includes(id));
		target.leads.push(...fresh);
		return { added: fresh.length, skipped_duplicates: ids.length - fresh.length };
	};
	const answered = (reply: { status: number; body: Json }, status: number, body: () => object) => {
		expect(reply.status).toBe(owned ? status : 404);
		if (owned) expect(reply.body).toMatchObject(body());
	};

	switch (op.do) {
		case 'rename':
			answered(await client.call('PATCH', path, { name: op.name }), 200, () => {
				target.name = op.name;
				return { name: op.name, lead_count: target.leads.length };
			});
			return;
		case 'delete':
			answered(await client.call('DELETE', path), 200, () => {
				lists.splice(lists.indexOf(target), 1);
				return { deleted: true };
			});
			return;
		case 'add': {
			const ids = op.leads.map((index) => pool[index]!);
			// The second user can only get at the pool through a list that shows it.
			const reachable = ids.filter(
				(id) => op.user === 0 || lists.some((one) => (one.open || one.owner === 1) && one.leads.includes(id)),
			);
			answered(await client.call('POST', `${path}/leads`, { lead_ids: ids }), 200, () => attach(reachable));
			return;
		}
		case 'remove': {
			const ids = op.leads.map((index) => pool[index]!);
			answered(await client.call('DELETE', `${path}/leads`, { lead_ids: ids }), 200, () => {
				const before = target.leads.length;
				target.leads = target.leads.filter((id) => !ids.includes(id));
				return { removed: before - target.leads.length };
			});
			return;
		}
		case 'addPage': {
			const source = lists[op.from % lists.length]!;
			const page = await client.get(`${LISTS}/${source.listId}/leads?limit=${op.limit}`);
			expect(page.status).toBe(source.open || source.owner === op.user ? 200 : 404);
			const task_id = page.body.task_id as string | null;
			if (page.status !== 200 || task_id === null) return;
			answered(await client.call('POST', `${path}/leads`, { task_id }), 200, () =>
				attach(source.leads.slice(0, op.limit)),
			);
			return;
		}
		case 'csv': {
			const emails = op.leads.map((index) => `p${index}@example.com`);
			const reply = await client.call('POST', `${path}/csv-import`, {
				csv_content_base64: Buffer.from(`e\n${emails.join('\n')}`).toString('base64'),
				column_mapping: { email: 'e' },
				dispatch_enrichment: false,
			});
			const distinct = new Set(emails).size;
			answered(reply, 201, () => ({
				rows_parsed: emails.length,
				rows_imported: distinct,
				rows_skipped: emails.length - distinct,
			}));
			if (owned) await adopt(world, target, op);
			return;
		}
	}
}

/** An import makes leads of the importer's own: for the first user those of the pool, for the second new ones. */
async function adopt({ clients, pool }: World, target: ModelList, op: { user: number; leads: number[] }) {
	if (op.user === 0) {
		const ids = [...new Set(op.leads)].map((index) => pool[index]!);
		target.leads.push(...ids.filter((id) => !target.leads.includes(id)));
		return;
	}
	const rows = await walk(clients[1]!, `${LISTS}/${target.listId}/leads`, 'leads');
	const ids = rows.map((lead) => lead.lead_id as string);
	// What was there is there still, in its place; what came in bears the addresses of the file.
	expect(ids.slice(0, target.leads.length)).toEqual(target.leads);
	const wanted = new Set(op.leads.map((index) => `p${index}@example.com`));
	for (const row of rows.slice(target.leads.length)) expect(wanted).toContain(row.email);
	target.leads = ids;
}

/** Everything both users can see is what the model says, and nothing else. */
async function compare({ clients, lists }: World): Promise<void> {
	for (const [index, client] of clients.entries()) {
		const visible = lists.filter((one) => one.owner === index || one.open);
		const rows = await walk(client, `${LISTS}?limit=2`, 'lists');
		expect(rows.map(({ list_id, name, lead_count }) => ({ list_id, name, lead_count }) as Json)).toEqual(
			[...visible].reverse().map((one) => ({
				list_id: one.listId,
				name: one.name,
				lead_count: one.leads.length,
			})),
		);
		for (const one of lists) {
			const path = `${LISTS}/${one.listId}/leads?limit=3`;
			if (!visible.includes(one)) {
				expect((await client.get(path)).status).toBe(404);
				continue;
			}
			const found = (await walk(client, path, 'leads')).map((lead) => lead.lead_id as string);
			expect(found).toEqual(one.leads);
		}
	}
}

it('any sequence of operations leaves what a simple model says', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 25 }), async (operations) => {
			const world = await newWorld();
			for (const op of operations) await perform(world, op);
			await compare(world);
		}),
		{ numRuns: 60 },
	);
}, 120_000);

describe('a cursor walk while the list changes under it', () => {
	/** What happens between two pages: so many leads come, and of those in the list these (by place) go. */
	const change = fc.record({
		come: fc.nat(6),
		go: fc.array(fc.nat(60), { maxLength: 4 }),
	});

	it('finds each lead that was there throughout exactly once, in order', async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.integer({ min: 0, max: 30 }),
				fc.integer({ min: 1, max: 7 }),
				fc.array(change, { maxLength: 12 }),
				async (size, limit, changes) => {
					const client = await harness.client();
					const make = (name: string, from: number, count: number) =>
						harness.reference.createList({
							ownerId: client.userId,
							name,
							leads: Array.from({ length: count }, (_, n) => ({ email: `w${from + n}@example.com` })),
						});
					const { listId } = await make('walked', 0, size);
					const reserve = await make('reserve', 1_000, 72);
					const idsIn = async (id: string) =>
						(await walk(client, `${LISTS}/${id}/leads?limit=500`, 'leads')).map(
							(lead) => lead.lead_id as string,
						);
					const path = `${LISTS}/${listId}/leads`;
					const waiting = await idsIn(reserve.listId);
					const before = await idsIn(listId);
					const gone = new Set<string>();
					const pending = [...changes];

					const seen = (
						await walk(client, `${path}?limit=${limit}`, 'leads', async () => {
							const next = pending.shift();
							if (!next) return;
							const come = waiting.splice(0, next.come);
							if (come.length > 0) await client.call('POST', path, { lead_ids: come });
							const go = next.go.flatMap((place) => before[place] ?? []);
							for (const id of go) gone.add(id);
							if (go.length > 0) await client.call('DELETE', path, { lead_ids: go });
						})
					).map((lead) => lead.lead_id as string);

					expect(new Set(seen).size).toBe(seen.length);
					const throughout = before.filter((id) => !gone.has(id));
					expect(seen.filter((id) => throughout.includes(id))).toEqual(throughout);
				},
			),
			{ numRuns: 60 },
		);
	}, 120_000);

	it('finds each list that was there throughout exactly once', async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.integer({ min: 0, max: 12 }),
				fc.integer({ min: 1, max: 4 }),
				fc.array(fc.record({ come: fc.nat(3), go: fc.array(fc.nat(12), { maxLength: 2 }) }), {
					maxLength: 6,
				}),
				async (size, limit, changes) => {
					const client = await harness.client();
					const make = async (name: string) =>
						(await client.call('POST', LISTS, { name })).body.list_id as string;
					const before: string[] = [];
					for (let n = 0; n < size; n++) before.push(await make(`L${n}`));
					const gone = new Set<string>();
					const pending = [...changes];
					const seen = (
						await walk(client, `${LISTS}?limit=${limit}`, 'lists', async () => {
							const next = pending.shift();
							for (let n = 0; n < (next?.come ?? 0); n++) await make(`N${pending.length}.${n}`);
							for (const place of next?.go ?? []) {
								const listId = before[place];
								if (listId === undefined || gone.has(listId)) continue;
								gone.add(listId);
								await client.call('DELETE', `${LISTS}/${listId}`);
							}
						})
					).map((one) => one.list_id as string);
					expect(new Set(seen).size).toBe(seen.length);
					const throughout = before.filter((id) => !gone.has(id)).reverse();
					expect(seen.filter((id) => throughout.includes(id))).toEqual(throughout);
				},
			),
			{ numRuns: 40 },
		);
	}, 120_000);
});
