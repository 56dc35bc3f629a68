import { contacts, startReceiver, until } from '../harness.ts';
import { startSteered } from './harness.ts';
import type { Steered } from './harness.ts';

let steered: Steered;
beforeEach(async () => {
	steered = await startSteered();
});
afterEach(() => steered.close());

const post = (path: string, body?: unknown) => steered.send('POST', `/reference/${path}`, { body });
const get = async (path: string) => (await steered.send('GET', `/reference/${path}`)).body;
const seed = async (body: unknown = { seed: 7 }) => (await post('seed', body)).body;

describe('reset', () => {
	it('comes back to the seeded start, with the same ids', async () => {
		const first = await seed();
		const [admin] = first.accounts;
		const look = async () => {
			const asAdmin = steered.as(admin.key);
			const { lists } = (await asAdmin('GET', '/api/v2/lead-lists')).body;
			const leads = (await asAdmin('GET', `/api/v2/lead-lists/${lists[0].list_id}/leads`)).body.leads;
			const { credits } = (await asAdmin('GET', '/api/v1/public/credits/balance')).body;
			const made = (await asAdmin('POST', '/api/v2/lead-lists', { name: 'New' })).body.list_id;
			return { lists, leads, credits, made };
		};
		const before = await look();
		const { workflow_id } = (
			await steered.as(admin.key)('POST', '/api/v1/public/enrich/bulk', { contacts: contacts(3) })
		).body;
		await steered.as(admin.key)('DELETE', `/api/v2/lead-lists/${before.lists[0].list_id}`);
		await steered.base.advance(2_000);
		expect((await steered.as(admin.key)('GET', '/api/v1/public/credits/balance')).body.credits).not.toBe(
			before.credits,
		);

		const again = (await post('reset')).body;
		expect(again.accounts).toEqual(first.accounts);
		const after = await look();
		expect(after.made).toBe(before.made);
		expect(after.leads).toEqual(before.leads);
		expect(after.credits).toBe(before.credits);
		expect(
			(await steered.as(admin.key)('GET', `/api/v1/public/enrich/status?workflow_id=${workflow_id}`)).status,
		).toBe(404);
	});

	it('takes faults, behaviours, completion, the clock, rate limits and the request log back', async () => {
		await steered.close();
		steered = await startSteered({
			behaviours: { taskResult: 'top_level' },
			limits: { perKeyPerMinute: 1, perOrganizationPerMinute: 9 },
		});
		const { accounts } = await seed();
		await post('faults', { fault: { type: 'malformed_json' } });
		await post('completion', { mode: 'instant' });
		await steered.send('PUT', '/reference/behaviours', {
			body: { task_result: 'data_0', csv_import: false },
		});
		await post('clock/freeze', { at: 0 });
		await steered.as(accounts[0].key)('GET', '/api/v2/whoami');
		// What it answers is what there is then, and not what was before.
		const { state } = (await post('reset')).body;
		expect(state).toEqual(await get('state'));
		expect(state).toMatchObject({
			faults: [],
			completion: { mode: 'default' },
			behaviours: { task_result: 'top_level', csv_import: true },
			clock: { now: '2026-01-05T09:00:00.000Z', frozen: false },
		});
		expect((await get('requests')).total).toBe(0);
		expect((await steered.as(accounts[0].key)('GET', '/api/v2/whoami')).status).toBe(200);
	});

	it('numbers faults from the start again, and events and requests on', async () => {
		await post('faults', { fault: { type: 'malformed_json' } });
		await steered.send('GET', '/api/v2/whoami');
		await post('reset');
		expect((await post('faults', { fault: { type: 'malformed_json' } })).body.id).toBe('fault_1');
		await steered.send('GET', '/api/v2/whoami');
		expect((await get('requests')).requests[0].id).toBe(2);
	});

	it('breaks webhooks off that are under way, and none of them writes into the new data', async () => {
		const { accounts } = await seed();
		const receiver = await startReceiver(() => {});
		await steered.as(accounts[0].key)('POST', '/api/v1/public/enrich/bulk', {
			contacts: contacts(1),
			webhook_url: receiver.url,
		});
		await steered.base.advance(1_500);
		await until(() => receiver.received.length === 1);
		await post('reset');
		await steered.base.advance(60_000);
		expect((await get('state')).counts).toMatchObject({ workflows: 0, webhook_attempts: 0 });
		expect(receiver.received).toHaveLength(1);

		// And those that come after go out.
		await steered.as(accounts[0].key)('POST', '/api/v1/public/enrich/bulk', {
			contacts: contacts(1),
			webhook_url: receiver.url,
		});
		receiver.behave = (response) => response.end();
		await steered.base.advance(1_500);
		await until(
			async () => (await get('state')).counts.webhook_attempts === 1 && receiver.received.length === 2,
		);
		await receiver.close();
	});

	it('keeps what is always there, with one id after each reset', async () => {
		await steered.close();
		steered = await startSteered({
			populate: async ({ createAccount }) => {
				await createAccount({ name: 'Demo', key: `clapi_${'d'.repeat(64)}` });
			},
		});
		const who = async () =>
			(await steered.as(`clapi_${'d'.repeat(64)}`)('GET', '/api/v2/whoami')).body.user_id;
		expect(await who()).toMatch(/^user_/);
		await post('reset');
		const after = await who();
		await post('reset');
		expect(await who()).toBe(after);
		await seed();
		expect(await who()).toMatch(/^user_/);
		expect((await get('state')).counts.users).toBe(7);
	});

	it('leaves the key that is always there to whom a document gives it', async () => {
		await steered.close();
		const key = `clapi_${'d'.repeat(64)}`;
		steered = await startSteered({
			populate: async ({ createAccount }) => {
				await createAccount({ name: 'Demo', key, credits: 120_000 });
			},
		});
		await seed({
			organizations: [{ name: 'North', credits: 5 }],
			users: [
				{ email: 'ann@north.example', organization: 'North', keys: [{ key }], scopes: ['credits:read'] },
			],
		});
		const asAnn = steered.as(key);
		for (let round = 0; round < 2; round++) {
			expect((await asAnn('GET', '/api/v2/whoami')).body).toMatchObject({
				organization_name: 'North',
				scopes: ['credits:read'],
			});
			expect((await asAnn('GET', '/api/v2/credits/balance')).body.credits).toBe(5);
			await post('reset');
		}
	});

	it('leaves the triggers and foreign keys in force', async () => {
		await seed();
		await post('reset');
		const [admin] = (await seed()).accounts;
		const asAdmin = steered.as(admin.key);
		const { list_id } = (await asAdmin('POST', '/api/v2/lead-lists', { name: 'Counted' })).body;
		const csv = Buffer.from('mail\na@x.example\nb@x.example\n').toString('base64');
		await asAdmin('POST', `/api/v2/lead-lists/${list_id}/csv-import`, {
			csv_content_base64: csv,
			column_mapping: { email: 'mail' },
			dispatch_enrichment: false,
		});
		expect((await asAdmin('GET', `/api/v2/lead-lists/${list_id}`)).body.lead_count).toBe(2);
		await asAdmin('DELETE', `/api/v2/lead-lists/${list_id}`);
		expect((await asAdmin('GET', `/api/v2/lead-lists/${list_id}/leads`)).status).toBe(404);
	});
});

describe('snapshots', () => {
	it('bring data, ids, clock, limits, faults, behaviours and completion back, again and again', async () => {
		await steered.close();
		steered = await startSteered({ limits: { perKeyPerMinute: 6, perOrganizationPerMinute: 60 } });
		const [admin] = (await seed()).accounts;
		const asAdmin = steered.as(admin.key);
		await post('clock/freeze', { at: '2026-02-01T00:00:00Z' });
		await post('completion', { mode: 'failed' });
		await post('faults', { match: { path: '/nowhere' }, times: 2, fault: { type: 'malformed_json' } });
		await steered.send('PUT', '/reference/behaviours', { body: { webhook_posts: 6 } });
		const { workflow_id } = (await asAdmin('POST', '/api/v1/public/enrich/bulk', { contacts: contacts(2) }))
			.body;
		const saved = await post('snapshot', { name: 'before the import' });
		expect([saved.status, saved.body]).toEqual([
			200,
			{ name: 'before the import', made_at: '2026-02-01T00:00:00.000Z', bytes: expect.any(Number) },
		]);
		const state = await get('state');

		const status = async () =>
			(await asAdmin('GET', `/api/v1/public/enrich/status?workflow_id=${workflow_id}`)).body.status;
		const play = async () => {
			const made = (await asAdmin('POST', '/api/v2/lead-lists', { name: 'Made' })).body.list_id;
			const started = await status();
			await post('clock/advance', { ms: 10_000 });
			return [made, started, await status()];
		};
		const first = await play();
		expect(first.slice(1)).toEqual(['processing', 'failed']);
		await steered.send('DELETE', '/reference/faults');
		await post('completion', { mode: 'instant' });
		await steered.send('PUT', '/reference/behaviours', { body: { webhook_posts: 5 } });

		for (let round = 0; round < 2; round++) {
			const restored = await post('restore', { name: 'before the import' });
			expect(restored.status).toBe(200);
			const { counts, clock, faults, behaviours, completion } = restored.body.state;
			expect({ counts, clock, faults, behaviours, completion }).toEqual({
				counts: state.counts,
				clock: state.clock,
				faults: state.faults,
				behaviours: state.behaviours,
				completion: state.completion,
			});
			expect(await play()).toEqual(first);
		}
		// One request before the snapshot and three after it, in the same window, then two more.
		await post('restore', { name: 'before the import' });
		const codes = [];
		for (let i = 0; i < 6; i++) codes.push((await asAdmin('GET', '/api/v2/whoami')).status);
		expect(codes).toEqual([200, 200, 200, 200, 200, 429]);
	});

	it('are at most ten, and the name of an old one can be used again', async () => {
		for (let i = 0; i < 10; i++) expect((await post('snapshot', { name: `s${i}` })).status).toBe(200);
		const refused = await post('snapshot', { name: 's10' });
		expect([refused.status, refused.body.error.code]).toEqual([409, 'limit_reached']);
		expect(refused.body.error.fix).toContain('s0, s1');
		await steered.account();
		expect((await post('snapshot', { name: 's3' })).status).toBe(200);
		expect((await get('state')).snapshots).toHaveLength(10);
		await post('restore', { name: 's4' });
		expect((await get('state')).counts.users).toBe(0);
		await post('restore', { name: 's3' });
		expect((await get('state')).counts.users).toBe(1);
	});

	it.each([
		[undefined],
		[{}],
		[{ name: '' }],
		[{ name: 'a"; DROP TABLE users' }],
		[{ name: 'x'.repeat(61) }],
	])('are refused without a proper name: %j', async (body) => {
		for (const path of ['snapshot', 'restore']) expect((await post(path, body)).status).toBe(422);
	});

	it('are not found when there are none', async () => {
		const refused = await post('restore', { name: 'nothing' });
		expect([refused.status, refused.body.error.code]).toEqual([404, 'not_found']);
		// Steering belongs to no organization, and nobody has access to more of it than others.
		expect(refused.body.error.problem).toMatch(/^There is no snapshot ".*"\.$/);
		expect(refused.body.error.fix).toBe('GET /reference/state shows those there are.');
	});

	it('outlive a reset', async () => {
		await steered.account();
		await post('snapshot', { name: 'one' });
		await post('reset');
		expect((await get('state')).counts.users).toBe(0);
		await post('restore', { name: 'one' });
		expect((await get('state')).counts.users).toBe(1);
	});
});
