import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { contacts, startReference, walk } from './harness.ts';
import type { Client, Harness } from './harness.ts';

describe.each(['/api/v2', '/api/v1/public'])('lead lists under %s', (prefix) => {
	const LISTS = `${prefix}/lead-lists`;
	let harness: Harness;
	let client: Client;
	beforeEach(async () => {
		harness = await startReference();
		client = await harness.client();
	});
	afterEach(() => harness.close());

	const create = async (name: unknown, more = {}, by = client) => by.call('POST', LISTS, { name, ...more });
	const idOf = async (name: string, by = client) => (await create(name, {}, by)).body.list_id as string;
	const extensionLeads = async (by = client) => {
		await by.submit(contacts(2));
		const { body } = await by.get(LISTS);
		return body.lists.find((list: { name: string }) => list.name === 'Extension Leads').list_id as string;
	};

	describe('create', () => {
		it('makes a private, empty list: 201', async () => {
			const reply = await create('  Würzburg 🎉 ', { description: 'Leads' });
			expect(reply.status).toBe(201);
			expect(reply.body).toMatchObject({
				name: 'Würzburg 🎉',
				description: 'Leads',
				folder_id: null,
				lead_count: 0,
				enriched_count: 0,
				created_at: '2026-01-05T09:00:00.000Z',
				reused: false,
			});
			expect((await client.get(LISTS)).body.lists).toEqual([
				expect.objectContaining({ list_id: reply.body.list_id, owner_name: 'Ada', visibility: 'private' }),
			]);
		});

		it.each([
			['Prospects', ' PROSPECTS '],
			['ÄÖÜ čšž', 'äöü ČŠŽ'],
			['Cafe\u0301', 'CAFÉ'],
		])('gives %j back when %j is asked for, and changes nothing of it: 200', async (name, again) => {
			const first = await create(name, { description: 'First' });
			await harness.clock.advance(5_000);
			const second = await create(again, { description: 'Second' });
			expect(second.status).toBe(200);
			expect(second.body).toEqual({
				...first.body,
				reused: true,
				timestamp_ms: harness.clock.now(),
			});
			expect((await client.get(LISTS)).body.total).toBe(1);
		});

		it('never gives back a teammate’s list of that name', async () => {
			const mate = await harness.client({ organizationId: client.organizationId });
			const theirs = await create('Prospects', {}, mate);
			const mine = await create('Prospects');
			expect(mine.status).toBe(201);
			expect(mine.body.list_id).not.toBe(theirs.body.list_id);
		});

		it('makes a new list when the old one was deleted', async () => {
			await client.call('DELETE', `${LISTS}/${await idOf('Prospects')}`);
			expect((await create('Prospects')).status).toBe(201);
		});

		it.each([
			['200 characters', 'x'.repeat(200)],
			['200 emoji', '😀'.repeat(200)],
			['200 after trimming', `  ${'x'.repeat(200)}\n`],
			['one character', 'x'],
			['a quote and a NUL', 'a\u0000"\'; DROP TABLE lead_lists'],
		])('takes a name of %s', async (_, name) => {
			const reply = await create(name);
			expect([reply.status, reply.body.name]).toEqual([201, name.trim()]);
			expect((await client.get(`${LISTS}/${reply.body.list_id}`)).body.name).toBe(name.trim());
		});

		it.each([
			['201 characters', 'x'.repeat(201), 'String should have at most 200 characters'],
			['201 emoji', '😀'.repeat(201), 'String should have at most 200 characters'],
			['nothing', '', 'String should have at least 1 character'],
			['blanks', ' \t\u00a0', 'String should have at least 1 character'],
			['null', null, 'Input should be a valid string'],
			['a number', 5, 'Input should be a valid string'],
			['no name', undefined, 'Field required'],
		])('refuses a name of %s: 422', async (_, name, msg) => {
			const reply = await create(name);
			expect(reply.status).toBe(422);
			expect(reply.body).toEqual({
				detail: [{ loc: ['body', 'name'], msg, type: expect.any(String) }],
			});
		});

		it('refuses an unknown key, naming it: 422', async () => {
			const reply = await create('Prospects', { webhook_url: 'https://example.com' });
			expect(reply.status).toBe(422);
			expect(reply.body.detail).toEqual([
				{ loc: ['body', 'webhook_url'], msg: 'Extra inputs are not permitted', type: 'extra_forbidden' },
			]);
		});

		it('refuses an unknown folder: 404, and makes no list', async () => {
			const reply = await create('Prospects', { folder_id: 'f1' });
			expect([reply.status, reply.body.error.code]).toEqual([404, 'not_found']);
			expect(reply.body.error.problem).toContain('folder "f1"');
			expect((await client.get(LISTS)).body.total).toBe(0);
		});
	});

	describe('list', () => {
		it('is empty for a new account', async () => {
			expect((await client.get(LISTS)).body).toMatchObject({ lists: [], total: 0, cursor: null });
		});

		it('goes from newest to oldest, each list once, although lists come and go during the walk', async () => {
			const ids: string[] = [];
			for (let n = 0; n < 10; n++) ids.push(await idOf(`List ${n}`));
			let round = 0;
			const rows = await walk(client, `${LISTS}?limit=3`, 'lists', async () => {
				await idOf(`New ${round}`);
				// The list the cursor stands on goes as well.
				if (round === 0) await client.call('DELETE', `${LISTS}/${ids[7]}`);
				round++;
			});
			expect(rows.map(({ list_id }) => list_id)).toEqual(ids.reverse());
		});

		it('has a last page that is full, and no empty one after it', async () => {
			for (let n = 0; n < 4; n++) await idOf(`List ${n}`);
			const first = (await client.get(`${LISTS}?limit=2`)).body;
			const second = (await client.get(`${LISTS}?limit=2&cursor=${first.cursor}`)).body;
			expect([first.lists.length, second.lists.length, second.cursor]).toEqual([2, 2, null]);
			expect([first.total, second.total]).toEqual([4, 4]);
		});

		it('has pages of 50 unless told otherwise, and of 100 at most', async () => {
			for (let n = 0; n < 101; n++) await idOf(`List ${n}`);
			expect((await client.get(LISTS)).body.lists).toHaveLength(50);
			expect((await client.get(`${LISTS}?limit=100`)).body.lists).toHaveLength(100);
			expect((await client.get(`${LISTS}?limit=1`)).body.lists).toHaveLength(1);
		});

		it.each(['0', '101', '-1', '1.5', 'ten', '', '1e2', '99999999999999999999'])(
			'refuses limit=%s: 422',
			async (limit) => {
				const reply = await client.get(`${LISTS}?limit=${limit}`);
				expect(reply.status).toBe(422);
				expect(reply.body.detail).toEqual([
					{ loc: ['query', 'limit'], msg: expect.any(String), type: expect.any(String) },
				]);
			},
		);

		it('refuses a cursor it did not give out: 400', async () => {
			const listId = await extensionLeads();
			await idOf('Other');
			const { body } = await client.get(`${LISTS}/${listId}/leads?limit=1`);
			const { cursor } = (await client.get(`${LISTS}?limit=1`)).body;
			const forged = (text: string) => Buffer.from(text).toString('base64url');
			const bad = [
				'50',
				'x',
				'%00',
				forged('lists:1.5'),
				forged('lists:'),
				forged('lists:1e3'),
				`${cursor}=`,
			];
			for (const wrong of [...bad, body.cursor]) {
				const reply = await client.get(`${LISTS}?cursor=${wrong}`);
				expect([wrong, reply.status, reply.body.error?.code]).toEqual([wrong, 400, 'validation_error']);
			}
			expect((await client.get(`${LISTS}/${listId}/leads?cursor=${cursor}`)).status).toBe(400);
		});

		it('takes an empty cursor for none', async () => {
			await idOf('List');
			expect((await client.get(`${LISTS}?cursor=`)).body.lists).toHaveLength(1);
		});

		it('holds nothing for a folder, for there are none', async () => {
			await idOf('List');
			expect((await client.get(`${LISTS}?folder_id=f1`)).body).toMatchObject({ lists: [], total: 0 });
		});
	});

	describe('get', () => {
		it('gives what create gave', async () => {
			const { body } = await create('List', { description: 'D' });
			expect((await client.get(`${LISTS}/${body.list_id}`)).body).toEqual(body);
		});

		it.each(['00000000-0000-4000-8000-000000000000', 'x', "'; --", '%F0%9F%98%80'])(
			'knows no list %s: 404',
			async (id) => {
				const reply = await client.get(`${LISTS}/${id}`);
				expect([reply.status, reply.body.error.code]).toEqual([404, 'not_found']);
				expect(reply.body.error.details).toEqual({ id: decodeURIComponent(id) });
			},
		);
	});

	describe('update', () => {
		it('changes what is given and leaves the rest', async () => {
			const { body: list } = await create('Old', { description: 'D' });
			const path = `${LISTS}/${list.list_id}`;
			const renamed = await client.call('PATCH', path, { name: ' New ' });
			expect(renamed.status).toBe(200);
			expect(renamed.body).toEqual({ ...list, name: 'New' });
			const cleared = await client.call('PATCH', path, { description: null, folder_id: null });
			expect(cleared.body).toEqual({ ...list, name: 'New', description: null });
			expect((await client.get(path)).body).toEqual(cleared.body);
			// The name is free again, and the new one is taken.
			expect((await create('Old')).status).toBe(201);
			expect((await create('NEW')).body).toMatchObject({ list_id: list.list_id, reused: true });
		});

		it('to the same name is no error: 200', async () => {
			const { body: list } = await create('Same');
			const reply = await client.call('PATCH', `${LISTS}/${list.list_id}`, { name: 'Same' });
			expect([reply.status, reply.body]).toEqual([200, list]);
		});

		it.each([
			['nothing', {}],
			['a null name', { name: null }],
			['an empty name', { name: ' ' }],
			['201 characters', { name: 'x'.repeat(201) }],
			['an unknown key', { name: 'x', colour: 'red' }],
			['a number', { description: 5 }],
		])('refuses %s: 422', async (_, body) => {
			const reply = await client.call('PATCH', `${LISTS}/${await idOf('List')}`, body);
			expect(reply.status).toBe(422);
			expect(reply.body.detail).toHaveLength(1);
		});

		it('refuses an unknown folder: 404, and changes nothing', async () => {
			const id = await idOf('List');
			const reply = await client.call('PATCH', `${LISTS}/${id}`, { name: 'New', folder_id: 'f1' });
			expect(reply.status).toBe(404);
			expect((await client.get(`${LISTS}/${id}`)).body.name).toBe('List');
		});
	});

	describe('delete', () => {
		it('takes the list away: 200, then 404', async () => {
			const path = `${LISTS}/${await idOf('List')}`;
			const reply = await client.call('DELETE', path);
			expect([reply.status, reply.body]).toMatchObject([200, { deleted: true }]);
			expect((await client.get(path)).status).toBe(404);
			expect((await client.get(`${path}/leads`)).status).toBe(404);
			expect((await client.call('DELETE', path)).status).toBe(404);
			expect((await client.call('PATCH', path, { name: 'x' })).status).toBe(404);
			expect((await client.get(LISTS)).body).toMatchObject({ lists: [], total: 0 });
		});

		it('takes a JSON content type without a body, as HTTP clients send it', async () => {
			const path = `${LISTS}/${await idOf('List')}`;
			const headers = { 'content-type': 'application/json' };
			expect((await client.call('DELETE', path, undefined, headers)).status).toBe(200);
		});
	});

	it('keeps the protected list from change and deletion: 403', async () => {
		const path = `${LISTS}/${await extensionLeads()}`;
		for (const reply of [
			await client.call('DELETE', path),
			await client.call('PATCH', path, { name: 'Mine' }),
			await client.call('PATCH', path, { name: 'Extension Leads' }),
		]) {
			expect([reply.status, reply.body.error.code]).toEqual([403, 'list_protected']);
		}
		expect((await client.get(path)).body).toMatchObject({ name: 'Extension Leads', lead_count: 2 });
	});

	it('gives the protected list back by its name, like any other', async () => {
		const listId = await extensionLeads();
		expect((await create('extension leads')).body).toMatchObject({ list_id: listId, reused: true });
	});

	it('makes the protected list beside a list of the user’s own with that name', async () => {
		const mine = await idOf('Extension Leads');
		await client.submit(contacts(2));
		const { body } = await client.get(LISTS);
		expect(body.lists.map(({ name }: { name: string }) => name)).toEqual([
			'Extension Leads',
			'Extension Leads',
		]);
		expect((await client.get(`${LISTS}/${mine}`)).body.lead_count).toBe(0);
		expect((await client.call('DELETE', `${LISTS}/${mine}`)).status).toBe(200);
	});

	describe('leads', () => {
		it('come in order of attachment, each once, although more arrive during the walk', async () => {
			const listId = await extensionLeads();
			await client.submit(contacts(20, 2));
			let from = 100;
			const rows = await walk(client, `${LISTS}/${listId}/leads?limit=7`, 'leads', async () => {
				if (from < 130) await client.submit(contacts(5, (from += 5)));
			});
			const names = rows.map(({ first_name }) => first_name as string);
			expect(new Set(rows.map(({ lead_id }) => lead_id)).size).toBe(rows.length);
			expect(names.slice(0, 22)).toEqual(contacts(22).map(({ first_name }) => first_name));
			expect(names).toHaveLength(22 + 30);
		});

		it('show what was sent until results are in, and then the results', async () => {
			const contact = {
				first_name: 'Zoë',
				last_name: '山田',
				company_name: 'Blue & Söhne 🏭',
				linkedin_url: 'https://www.linkedin.com/in/zoe-1',
			};
			const { task_ids } = await client.submit([contact], { enrichment_type: 'full' });
			const listId = (await client.get(LISTS)).body.lists[0].list_id;
			const read = async () => (await client.get(`${LISTS}/${listId}/leads`)).body.leads[0];
			const before = await read();
			expect(before).toEqual({
				lead_id: expect.any(String),
				first_name: 'Zoë',
				last_name: '山田',
				full_name: 'Zoë 山田',
				email: null,
				phone: null,
				title: null,
				company: 'Blue & Söhne 🏭',
				location: null,
				linkedin_url: 'https://www.linkedin.com/in/zoe-1',
				provider: null,
			});
			await harness.clock.advance(1_500);
			const { result } = (await client.get(`/api/v1/public/enrich/status?task_id=${task_ids[0]}`)).body;
			expect(await read()).toMatchObject({
				lead_id: before.lead_id,
				email: result.primary_email,
				phone: result.personal_phone_numbers[0] ?? null,
				title: result.title,
			});
		});

		it('are counted, the enriched ones as well', async () => {
			const listId = await extensionLeads();
			await client.submit(contacts(60, 2), { enrichment_type: 'full' });
			await harness.clock.advance(1_500);
			const { body: list } = await client.get(`${LISTS}/${listId}`);
			const rows = await walk(client, `${LISTS}/${listId}/leads`, 'leads');
			expect(list.lead_count).toBe(62);
			expect(list.enriched_count).toBe(rows.filter(({ email, phone }) => email ?? phone).length);
			expect(list.enriched_count).toBeGreaterThan(30);
			expect(list.enriched_count).toBeLessThan(62);
		});

		it('have pages of 100 unless told otherwise, and of 500 at most', async () => {
			const listId = await extensionLeads();
			for (const from of [2, 252]) await client.submit(contacts(250, from), { enrichment_type: 'none' });
			const leads = async (query: string) => (await client.get(`${LISTS}/${listId}/leads${query}`)).body;
			expect((await leads('')).leads).toHaveLength(100);
			expect(await leads('?limit=500')).toMatchObject({ total: 502, cursor: expect.any(String) });
			expect((await client.get(`${LISTS}/${listId}/leads?limit=501`)).status).toBe(422);
			expect((await client.get(`${LISTS}/${listId}/leads?limit=0`)).status).toBe(422);
		});

		it('of an empty list are none', async () => {
			const reply = await client.get(`${LISTS}/${await idOf('Empty')}/leads`);
			expect(reply.body).toMatchObject({ leads: [], total: 0, cursor: null });
		});
	});

	it('hides a private list from a teammate and from strangers: 404', async () => {
		const listId = await idOf('Mine');
		const mate = await harness.client({ organizationId: client.organizationId });
		const stranger = await harness.client();
		for (const other of [mate, stranger]) {
			expect((await other.get(LISTS)).body.total).toBe(0);
			const replies = [
				await other.get(`${LISTS}/${listId}`),
				await other.get(`${LISTS}/${listId}/leads`),
				await other.call('PATCH', `${LISTS}/${listId}`, { name: 'Theirs' }),
				await other.call('DELETE', `${LISTS}/${listId}`),
			];
			expect(replies.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
		}
		expect((await client.get(`${LISTS}/${listId}`)).body.name).toBe('Mine');
	});
});

it('shows a list opened to the organization to teammates, who can read it and not change it', async () => {
	const folder = await mkdtemp(join(tmpdir(), 'reference-'));
	const path = join(folder, 'reference.db');
	const harness = await startReference({ path });
	try {
		const owner = await harness.client({ name: 'Owner' });
		const mate = await harness.client({ organizationId: owner.organizationId });
		const stranger = await harness.client();
		const { list_id: id } = (await owner.call('POST', '/api/v2/lead-lists', { name: 'Open' })).body;
		// Sharing is done in the portal, which is no part of this API.
		const db = new DatabaseSync(path);
		db.prepare("UPDATE lead_lists SET visibility = 'organization'").run();
		db.close();

		expect((await mate.get('/api/v2/lead-lists')).body).toMatchObject({
			lists: [{ list_id: id, owner_name: 'Owner', visibility: 'organization' }],
			total: 1,
		});
		expect((await mate.get(`/api/v2/lead-lists/${id}`)).status).toBe(200);
		expect((await mate.get(`/api/v2/lead-lists/${id}/leads`)).status).toBe(200);
		expect((await mate.call('PATCH', `/api/v2/lead-lists/${id}`, { name: 'x' })).status).toBe(404);
		expect((await mate.call('DELETE', `/api/v2/lead-lists/${id}`)).status).toBe(404);
		expect((await stranger.get(`/api/v2/lead-lists/${id}`)).status).toBe(404);
		expect((await mate.call('POST', '/api/v2/lead-lists', { name: 'Open' })).status).toBe(201);
	} finally {
		await harness.close();
		await rm(folder, { recursive: true });
	}
});
