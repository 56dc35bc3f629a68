import { startSteered } from './harness.ts';
import type { Steered } from './harness.ts';

let steered: Steered;
beforeEach(async () => {
	steered = await startSteered();
});
afterEach(() => steered.close());

const seed = (body: unknown) => steered.send('POST', '/reference/seed', { body });

const DOCUMENT = {
	seed: 'north',
	organizations: [
		{ name: 'North', plan: 'pro', credits: 500 },
		{ name: 'South', id: 'org_south', plan: 'free', appsumo_tier: 5 },
	],
	users: [
		{
			email: 'ann@north.example',
			name: 'Ann Ångström 🚀',
			organization: 'North',
			keys: [
				{ key: 'clapi_annsownkey0001', name: 'Mine' },
				{ name: 'Old', expires_at: '2020-01-01T00:00:00Z' },
			],
			session_token: 'sess_annsession0001',
		},
		{ email: 'bob@north.example', organization: 'North', scopes: ['lists:read'] },
		{ email: 'sue@south.example', organization: 'South' },
	],
	folders: [{ owner: 'ann@north.example', name: 'Spring' }],
	lists: [
		{
			owner: 'ann@north.example',
			name: 'Fair',
			description: 'Met at the fair',
			folder: 'Spring',
			visibility: 'shared',
			shared_with: ['bob@north.example'],
			leads: [
				{ email: 'zoe@acme.example', first_name: 'Zoë', phone: '+12025550142' },
				{ linkedin_url: 'https://www.linkedin.com/in/max-muster-example', title: 'CTO' },
			],
		},
	],
};

it('makes what a document says', async () => {
	const { status, body } = await seed(DOCUMENT);
	expect(status).toBe(200);
	expect(body.state).toMatchObject({
		seed: 'north',
		start: 'document',
		counts: { users: 3, keys: 4, lists: 1, leads: 2 },
	});
	const [ann, bob, sue] = body.accounts;
	expect(ann).toMatchObject({
		role: null,
		key: 'clapi_annsownkey0001',
		session_token: 'sess_annsession0001',
	});
	expect(ann.keys).toHaveLength(2);
	expect(bob.key).toMatch(/^clapi_[\w-]{64}$/);
	expect(sue.organization_id).toBe('org_south');
	expect(ann.organization_id).toBe(bob.organization_id);

	const asAnn = steered.as(ann.key);
	expect((await asAnn('GET', '/api/v2/whoami')).body).toMatchObject({
		user_name: 'Ann Ångström 🚀',
		tier: 'pro',
	});
	expect((await asAnn('GET', '/api/v2/credits/balance')).body.credits).toBe(500);
	expect((await steered.as(ann.keys[1])('GET', '/api/v2/whoami')).status).toBe(401);
	expect((await steered.as(sue.key)('GET', '/api/v2/whoami')).body).toMatchObject({
		tier: 'free',
		appsumo_tier: 5,
	});
	const keys = (await steered.as('sess_annsession0001')('GET', '/api/v1/api-keys')).body.keys;
	expect(keys.map(({ name }: { name: string }) => name).sort()).toEqual(['Mine', 'Old']);

	const asBob = steered.as(bob.key);
	const [list] = (await asBob('GET', '/api/v2/lead-lists')).body.lists;
	expect(list).toMatchObject({ name: 'Fair', lead_count: 2, visibility: 'shared' });
	const { leads } = (await asBob('GET', `/api/v2/lead-lists/${list.list_id}/leads`)).body;
	expect(leads[0]).toMatchObject({ email: 'zoe@acme.example', first_name: 'Zoë', phone: '+12025550142' });
	expect(leads[1]).toMatchObject({ title: 'CTO' });
	expect((await asBob('POST', '/api/v2/lead-lists', { name: 'X' })).status).toBe(403);
	expect((await asAnn('GET', '/api/v2/lead-lists')).body.lists[0].folder_id).toMatch(/^[\da-f-]{36}$/);
});

it('makes the same keys and ids from the same document, others from another seed', async () => {
	const first = (await seed(DOCUMENT)).body.accounts;
	expect((await seed(DOCUMENT)).body.accounts).toEqual(first);
	const other = (await seed({ ...DOCUMENT, seed: 8 })).body.accounts;
	expect(other[1].key).not.toBe(first[1].key);
	expect(other[1].user_id).not.toBe(first[1].user_id);
});

it('takes a number or a text for a seed, and the number is the text it is written as', async () => {
	const keys = async (value: unknown) => (await seed({ seed: value })).body.accounts[0].key;
	expect(await keys(7)).toBe(await keys('7'));
	expect(await keys('cleanlist')).not.toBe(await keys(7));
});

it('finds other things with another seed', async () => {
	const find = async (value: string) => {
		const key = (await seed({ seed: value })).body.accounts[0].key;
		await steered.send('POST', '/reference/completion', { body: { mode: 'instant' } });
		const contacts = Array.from({ length: 20 }, (_, i) => ({
			linkedin_url: `https://www.linkedin.com/in/p-q-${i}`,
		}));
		const run = (
			await steered.as(key)('POST', '/api/v1/public/enrich/bulk', { contacts, enrichment_type: 'full' })
		).body;
		return (await steered.as(key)('GET', `/api/v1/public/enrich/status?workflow_id=${run.workflow_id}`)).body
			.summary;
	};
	expect(await find('a')).toEqual(await find('a'));
	expect(await find('a')).not.toEqual(await find('b'));
});

const variant = (change: (document: typeof DOCUMENT & Record<string, unknown>) => void) => {
	const document = structuredClone(DOCUMENT) as typeof DOCUMENT & Record<string, unknown>;
	change(document);
	return document;
};

it.each<[string, unknown, string, RegExp]>([
	['nothing', undefined, '', /as a JSON object/],
	['a list', [], '', /Send an object/],
	['a bad seed', { seed: true }, 'seed', /./],
	['an empty seed', { seed: '' }, 'seed', /./],
	['no users', { organizations: [{ name: 'A' }] }, 'users', /Add it/],
	['an unknown field', variant((d) => (d.user = [])), 'user', /Remove it, or correct its name/],
	[
		'an unknown plan',
		variant((d) => (d.organizations[0]!.plan = 'gold')),
		'organizations[0].plan',
		/free, starter, pro, enterprise/,
	],
	[
		'an unknown scope',
		variant((d) => (d.users[1]!.scopes = ['lists:raed'])),
		'users[1].scopes[0]',
		/lists:read/,
	],
	['negative credits', variant((d) => (d.organizations[0]!.credits = -1)), 'organizations[0].credits', /./],
	[
		'a key of another kind',
		variant((d) => (d.users[0]!.keys![0]!.key = 'sk_live')),
		'users[0].keys[0].key',
		/./,
	],
	[
		'a misspelt organization',
		variant((d) => (d.users[1]!.organization = 'Nort')),
		'users[1].organization',
		/"North"/,
	],
	['an unknown owner', variant((d) => (d.lists[0]!.owner = 'nobody@else.example')), 'lists[0].owner', /./],
	['an unknown folder', variant((d) => (d.lists[0]!.folder = 'Sprnig')), 'lists[0].folder', /"Spring"/],
	[
		'two users of one address',
		variant((d) => (d.users[1]!.email = 'ann@north.example')),
		'users[1].email',
		/./,
	],
	[
		'two organizations of one name',
		variant((d) => (d.organizations[1]!.name = 'North')),
		'organizations[1].name',
		/./,
	],
	[
		'one key twice',
		variant((d) => (d.users[2]!.keys = [{ key: 'clapi_annsownkey0001' } as never])),
		'users[2].keys[0].key',
		/./,
	],
	[
		'a list shared with nobody',
		variant((d) => (d.lists[0]!.shared_with = [])),
		'lists[0].shared_with',
		/shared/,
	],
	[
		'a list shared with its owner',
		variant((d) => d.lists[0]!.shared_with.push('ann@north.example')),
		'lists[0].shared_with[1]',
		/./,
	],
	[
		'a list shared abroad',
		variant((d) => d.lists[0]!.shared_with.push('sue@south.example')),
		'lists[0].shared_with[1]',
		/organization/,
	],
	[
		'a lead who is nobody',
		variant((d) => d.lists[0]!.leads.push({ first_name: 'A' } as never)),
		'lists[0].leads[2]',
		/./,
	],
	[
		'two lists of one name',
		variant((d) => d.lists.push({ ...d.lists[0]!, name: 'FAIR' })),
		'lists[1].name',
		/./,
	],
	[
		'two lists of one name, whichever way its accents are written',
		variant((d) => d.lists.push({ ...d.lists[0]!, name: 'Café' }, { ...d.lists[0]!, name: 'CAFE\u0301' })),
		'lists[2].name',
		/./,
	],
])('refuses %s, names the place and says what to do', async (_, body, path, fix) => {
	await steered.account({ key: `clapi_${'k'.repeat(20)}` });
	const { status, body: refused } = await seed(body);
	expect([status, refused.error.code]).toEqual([422, 'invalid_request']);
	expect(refused.error.details.problems.map((one: { path: string }) => one.path)).toContain(path);
	expect(refused.error.fix).toMatch(fix);
	// And nothing has changed.
	expect((await steered.as(`clapi_${'k'.repeat(20)}`)('GET', '/api/v2/whoami')).status).toBe(200);
});

it('names several faults at once', async () => {
	const { error } = (
		await seed(
			variant((d) => {
				d.users[0]!.organization = 'X';
				d.users[1]!.organization = 'Y';
				d.lists[0]!.folder = 'Z';
			}),
		)
	).body;
	expect(error.details.problems).toHaveLength(3);
	expect(error.problem).toContain('(and 2 more)');
});

it('refuses what is no JSON', async () => {
	const { status, body } = await seed('{"seed":');
	expect([status, body.error.problem]).toEqual([400, expect.stringContaining('not JSON')]);
	const form = await steered.send('POST', '/reference/reset', {
		body: 'a=b',
		headers: { 'content-type': 'application/x-www-form-urlencoded' },
	});
	expect([form.status, form.body.error.code]).toEqual([415, 'unsupported_media_type']);
});

it('is as it was when seeding fails half-way', async () => {
	const { key } = await steered.account();
	await steered.send('POST', '/reference/faults', { body: { fault: { type: 'malformed_json' }, times: 3 } });
	const before = (await steered.send('GET', '/reference/state')).body;
	const { users } = DOCUMENT;
	const token = { ...users[2]!, session_token: 'sess_annsession0001' };
	// Refused when the token is written, long after the first user.
	const refused = await steered.reference.control
		.seed({
			seed: 'x',
			people: { ...DOCUMENT, users: [users[0], { ...token, keys: [{}] }], lists: [], folders: [] } as never,
		})
		.catch((error: Error) => error);
	expect(refused).toBeInstanceOf(Error);
	expect((await steered.send('GET', '/reference/state')).body).toEqual(before);
	await steered.send('DELETE', '/reference/faults');
	expect((await steered.as(key)('GET', '/api/v2/whoami')).status).toBe(200);
});

it('takes a list of 20,000 leads', async () => {
	const leads = Array.from({ length: 20_000 }, (_, i) => ({ email: `p${i}@acme.example` }));
	const { status, body } = await seed(variant((d) => (d.lists[0]!.leads = leads as never)));
	expect([status, body.state.counts.leads]).toEqual([200, 20_000]);
});
