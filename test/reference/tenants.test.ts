import { ListDetailResponse, ListsPageResponse } from '../../relay/src/contract/index.ts';
import { startReference, walk } from './harness.ts';
import type { Client, Harness } from './harness.ts';

let harness: Harness;
let owner: Client;
let mate: Client;
let other: Client;
let stranger: Client;
beforeEach(async () => {
	harness = await startReference();
	owner = await harness.client({ name: 'Olga' });
	const { organizationId } = owner;
	mate = await harness.client({ name: 'Mats', organizationId });
	other = await harness.client({ name: 'Otto', organizationId });
	stranger = await harness.client({ name: 'Stan' });
});
afterEach(() => harness.close());

const LEADS = [{ email: 'a@example.com' }];

describe.each(['/api/v2', '/api/v1/public'])('who sees a list under %s', (prefix) => {
	const LISTS = `${prefix}/lead-lists`;
	const make = async (visibility?: 'private' | 'organization' | 'shared', sharedWith?: string[]) =>
		(
			await harness.reference.createList({
				ownerId: owner.userId,
				name: 'Prospects',
				leads: LEADS,
				...(visibility && { visibility }),
				...(sharedWith && { sharedWith }),
			})
		).listId;
	const listed = async (by: Client) => {
		const page = ListsPageResponse.parse((await by.get(LISTS)).body);
		expect(page.total).toBe(page.lists.length);
		return page.lists.map(({ name, owner_name, visibility }) => [name, owner_name, visibility]);
	};
	/** What listing, getting and reading it answer: all three must agree. */
	const sees = async (by: Client, listId: string): Promise<boolean> => {
		const [detail, leads] = [await by.get(`${LISTS}/${listId}`), await by.get(`${LISTS}/${listId}/leads`)];
		const inPage = (await by.get(LISTS)).body.lists.some(
			(list: { list_id: string }) => list.list_id === listId,
		);
		expect([detail.status, leads.status]).toEqual(inPage ? [200, 200] : [404, 404]);
		if (inPage) expect(leads.body.total).toBe(1);
		return inPage;
	};
	const everybody = async (listId: string) => ({
		owner: await sees(owner, listId),
		mate: await sees(mate, listId),
		other: await sees(other, listId),
		stranger: await sees(stranger, listId),
	});

	it('a private one: its owner alone', async () => {
		const listId = await make();
		expect(await everybody(listId)).toEqual({ owner: true, mate: false, other: false, stranger: false });
		expect(await listed(owner)).toEqual([['Prospects', 'Olga', 'private']]);
	});

	it('an organization’s: everybody in it', async () => {
		const listId = await make('organization');
		expect(await everybody(listId)).toEqual({ owner: true, mate: true, other: true, stranger: false });
		expect(await listed(mate)).toEqual([['Prospects', 'Olga', 'organization']]);
	});

	it('a shared one: its owner and those it is shared with', async () => {
		const listId = await make('shared', [mate.userId]);
		expect(await everybody(listId)).toEqual({ owner: true, mate: true, other: false, stranger: false });
		expect(await listed(mate)).toEqual([['Prospects', 'Olga', 'shared']]);
		expect(await listed(owner)).toEqual([['Prospects', 'Olga', 'shared']]);
	});

	it('changes at once when sharing does, and only as the last setting says', async () => {
		const listId = await make();
		const { reference } = harness;
		await reference.shareList(listId, 'shared', [mate.userId, other.userId]);
		await reference.shareList(listId, 'shared', [other.userId]);
		expect(await everybody(listId)).toMatchObject({ mate: false, other: true });
		await reference.shareList(listId, 'organization');
		expect(await everybody(listId)).toMatchObject({ mate: true, other: true });
		await reference.shareList(listId, 'private');
		expect(await everybody(listId)).toEqual({ owner: true, mate: false, other: false, stranger: false });
	});

	it('a shared list can be deleted by its owner', async () => {
		const listId = await make('shared', [mate.userId]);
		expect((await owner.call('DELETE', `${LISTS}/${listId}`)).status).toBe(200);
		expect(await everybody(listId)).toEqual({ owner: false, mate: false, other: false, stranger: false });
	});

	it.each(['organization', 'shared'] as const)(
		'lets nobody else change a list that is %s: 404',
		async (visibility) => {
			const listId = await make(visibility, visibility === 'shared' ? [mate.userId] : undefined);
			const before = (await owner.get(`${LISTS}/${listId}`)).body;
			for (const by of [mate, stranger]) {
				for (const [method, body] of [
					['PATCH', { name: 'Mine' }],
					['DELETE', undefined],
				] as const) {
					const reply = await by.call(method, `${LISTS}/${listId}`, body);
					expect([reply.status, reply.body.error.code]).toEqual([404, 'not_found']);
				}
			}
			expect((await owner.get(`${LISTS}/${listId}`)).body).toEqual(before);
		},
	);

	it('a cursor walk holds what is visible and nothing else', async () => {
		const { reference } = harness;
		for (let n = 0; n < 12; n++) {
			await reference.createList({
				ownerId: owner.userId,
				name: `L${n}`,
				...(n % 3 === 1 && { visibility: 'organization' }),
				...(n % 3 === 2 && { visibility: 'shared', sharedWith: [mate.userId] }),
			});
		}
		const names = async (by: Client) =>
			(await walk(by, `${LISTS}?limit=2`, 'lists')).map(({ name }) => name as string);
		expect(await names(mate)).toEqual(['L11', 'L10', 'L8', 'L7', 'L5', 'L4', 'L2', 'L1']);
		expect(await names(other)).toEqual(['L10', 'L7', 'L4', 'L1']);
		expect(await names(stranger)).toEqual([]);
	});

	describe('folders', () => {
		const folder = async (name = 'Campaigns', by = owner) =>
			(await harness.reference.createFolder({ ownerId: by.userId, name })).folderId;
		const create = (body: object, by = owner) => by.call('POST', LISTS, body);
		const inFolder = async (folderId: string, by = owner, query = '') => {
			const reply = await by.get(`${LISTS}?folder_id=${folderId}${query}`);
			const page = ListsPageResponse.parse(reply.body);
			return { names: page.lists.map(({ name }) => name), total: page.total };
		};

		it('takes lists in at their making, moves and releases them', async () => {
			const [one, two] = [await folder('One'), await folder('Two')];
			const made = await create({ name: 'A', folder_id: one });
			expect([made.status, made.body.folder_id]).toEqual([201, one]);
			const path = `${LISTS}/${made.body.list_id}`;
			expect((await owner.get(path)).body.folder_id).toBe(one);
			expect(await inFolder(one)).toEqual({ names: ['A'], total: 1 });

			const moved = await owner.call('PATCH', path, { folder_id: two });
			expect(ListDetailResponse.parse(moved.body)).toMatchObject({ name: 'A', folder_id: two });
			expect([await inFolder(one), await inFolder(two)]).toEqual([
				{ names: [], total: 0 },
				{ names: ['A'], total: 1 },
			]);

			const renamed = await owner.call('PATCH', path, { name: 'B' });
			expect(renamed.body).toMatchObject({ name: 'B', folder_id: two });
			const released = await owner.call('PATCH', path, { folder_id: null });
			expect(released.body.folder_id).toBeNull();
			expect(await inFolder(two)).toEqual({ names: [], total: 0 });
		});

		it('stays where it is when its name is asked for with another folder', async () => {
			const [one, two] = [await folder('One'), await folder('Two')];
			await create({ name: 'A', folder_id: one });
			const again = await create({ name: 'a', folder_id: two });
			expect([again.status, again.body.reused, again.body.folder_id]).toEqual([200, true, one]);
		});

		it('pages through a folder', async () => {
			const id = await folder();
			for (const name of ['A', 'B', 'C']) await create({ name, folder_id: id });
			await create({ name: 'D' });
			const names = (await walk(owner, `${LISTS}?limit=2&folder_id=${id}`, 'lists')).map(
				({ name }) => name as string,
			);
			expect(names).toEqual(['C', 'B', 'A']);
		});

		it('knows no folder but one’s own: 404, and changes nothing', async () => {
			const theirs = await folder('Theirs', mate);
			const { list_id } = (await create({ name: 'A' })).body;
			for (const folder_id of [theirs, 'unknown', '']) {
				const made = await create({ name: 'New', folder_id });
				expect([made.status, made.body.error.code]).toEqual([404, 'not_found']);
				const moved = await owner.call('PATCH', `${LISTS}/${list_id}`, { name: 'Moved', folder_id });
				expect([moved.status, moved.body.error.code]).toEqual([404, 'not_found']);
			}
			expect(await inFolder(theirs)).toEqual({ names: [], total: 0 });
			expect((await owner.get(LISTS)).body).toMatchObject({
				total: 1,
				lists: [{ name: 'A', folder_id: null }],
			});
		});

		it('is personal: a teammate sees the list, but not its folder', async () => {
			const id = await folder();
			const { listId } = await harness.reference.createList({
				ownerId: owner.userId,
				name: 'Open',
				folderId: id,
				visibility: 'organization',
			});
			expect((await mate.get(`${LISTS}/${listId}`)).body.folder_id).toBeNull();
			expect((await mate.get(LISTS)).body.lists[0].folder_id).toBeNull();
			expect(await inFolder(id, mate)).toEqual({ names: [], total: 0 });
			expect(await inFolder(id)).toEqual({ names: ['Open'], total: 1 });
		});
	});
});

describe('what the portal does', () => {
	const make = (more: object = {}) =>
		harness.reference.createList({ ownerId: owner.userId, name: 'A', ...more });

	it('gives a list or folder of that name back, with nothing changed', async () => {
		const { listId } = await make({ leads: LEADS });
		expect(
			await make({ name: 'a', visibility: 'organization', leads: [{ email: 'b@example.com' }] }),
		).toEqual({
			listId,
		});
		const { body } = await owner.get('/api/v2/lead-lists');
		expect(body.lists).toEqual([expect.objectContaining({ visibility: 'private', lead_count: 1 })]);
		const folder = { ownerId: owner.userId, name: 'F' };
		const first = await harness.reference.createFolder(folder);
		expect(await harness.reference.createFolder(folder)).toEqual(first);
		expect(await harness.reference.createFolder({ ...folder, ownerId: mate.userId })).not.toEqual(first);
	});

	it.each([
		['an unknown owner', { ownerId: 'user_x' }, 'no user user_x'],
		['an unknown folder', { folderId: 'x' }, 'no folder x'],
		['a shared list without users', { visibility: 'shared' }, 'Users are named'],
		['a lead that says nothing', { leads: [{ first_name: 'Ann' }] }, 'who it is'],
		['a blank name', { name: ' ' }, 'at least 1 character'],
	])('refuses %s, and makes nothing', async (_, more, message) => {
		await expect(make(more)).rejects.toThrow(message);
		expect((await owner.get('/api/v2/lead-lists')).body.total).toBe(0);
	});

	it('refuses to share with whom it can’t be, and leaves sharing as it was', async () => {
		const { reference } = harness;
		const { listId } = await make({ visibility: 'shared', sharedWith: [mate.userId] });
		const attempts = [
			reference.shareList('unknown', 'private'),
			reference.shareList(listId, 'shared'),
			reference.shareList(listId, 'organization', [mate.userId]),
			reference.shareList(listId, 'shared', [stranger.userId]),
			reference.shareList(listId, 'shared', [owner.userId]),
			reference.shareList(listId, 'shared', [other.userId, 'user_x']),
		];
		for (const attempt of await Promise.allSettled(attempts)) expect(attempt.status).toBe('rejected');
		expect((await mate.get(`/api/v2/lead-lists/${listId}`)).status).toBe(200);
		expect((await other.get(`/api/v2/lead-lists/${listId}`)).status).toBe(404);
	});
});
