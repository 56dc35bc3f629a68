import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LeadsPageResponse, ListsPageResponse, WhoamiResponse } from '../../relay/src/contract/index.ts';
import { CAST, seedCast } from '../../relay/src/reference/seed.ts';
import type { Cast } from '../../relay/src/reference/seed.ts';
import { startReference } from './harness.ts';
import type { Client, Harness } from './harness.ts';

let harness: Harness;
let cast: Cast;
let clients: Record<keyof Cast, Client>;

beforeAll(async () => {
	harness = await startReference();
	cast = await seedCast(harness.reference);
	clients = Object.fromEntries(CAST.map((role) => [role, harness.withKey(cast[role])])) as typeof clients;
});
afterAll(() => harness.close());

const whoami = async (client: Client) => WhoamiResponse.parse((await client.get('/api/v2/whoami')).body);
const listsOf = async (client: Client) =>
	ListsPageResponse.parse((await client.get('/api/v2/lead-lists')).body).lists;

it('has keys and tokens that come from the seed alone', async () => {
	const other = await startReference();
	const again = await seedCast(other.reference);
	const different = await seedCast(other.reference, { seed: 'another' });
	for (const role of CAST) {
		expect([again[role].key, again[role].sessionToken, again[role].organizationId]).toEqual([
			cast[role].key,
			cast[role].sessionToken,
			cast[role].organizationId,
		]);
		expect(cast[role].key).toMatch(/^clapi_[\w-]{64}$/);
		expect(different[role].key).not.toBe(cast[role].key);
		expect(different[role].organizationId).not.toBe(cast[role].organizationId);
	}
	expect(new Set(CAST.map((role) => cast[role].key)).size).toBe(CAST.length);
	await other.close();
});

it('has the keys that the documentation says', () => {
	const page = readFileSync(join(import.meta.dirname, '../../docs/reference-api.md'), 'utf8');
	const documented = [...page.matchAll(/^(\w+) +(clapi_[\w-]{64})$/gm)].map(([, role, key]) => [role, key]);
	expect(documented).toEqual(CAST.map((role) => [role, cast[role].key]));
	// And what the table says of each of them.
	const described = [...page.matchAll(/^\| `(\w+)` +\| (?:Pro|Starter|AppSumo|the admin)/gm)].map(
		([, role]) => role,
	);
	expect(described).toEqual(CAST);
});

it('changes nothing when it runs again', async () => {
	const before = await listsOf(clients.admin);
	expect(await seedCast(harness.reference)).toEqual(cast);
	expect(await listsOf(clients.admin)).toEqual(before);
	expect((await whoami(clients.admin)).user_id).toBe(cast.admin.userId);
});

it.each([
	['admin', 200, 'pro', null],
	['member', 200, 'pro', null],
	['starter', 403, 'starter', null],
	['appsumo4', 403, 'free', 4],
	['appsumo5', 200, 'free', 5],
	['broke', 200, 'pro', null],
] as const)('has a %s whose plan answers %i', async (role, status, tier, appsumoTier) => {
	expect(await whoami(clients[role])).toMatchObject({ tier, appsumo_tier: appsumoTier });
	const reply = await clients[role].get('/api/v2/lead-lists');
	expect(reply.status).toBe(status);
	if (status === 403) expect(reply.body.error.code).toBe('feature_gated');
});

it('lets the member read and nothing else', async () => {
	expect(cast.member.organizationId).toBe(cast.admin.organizationId);
	const refused = await clients.member.call('POST', '/api/v2/lead-lists', { name: 'New' });
	expect([refused.status, refused.body.error.code]).toEqual([403, 'insufficient_scope']);
	const seen = (await listsOf(clients.member)).map(({ name, visibility, lead_count }) => ({
		name,
		visibility,
		lead_count,
	}));
	expect(seen).toEqual([
		{ name: 'Shared with Milo', visibility: 'shared', lead_count: 2 },
		{ name: 'Team Accounts', visibility: 'organization', lead_count: 2 },
	]);
});

it('gives the admin lists with leads, one of them in a folder', async () => {
	const lists = await listsOf(clients.admin);
	expect(lists.map(({ name, folder_id }) => [name, folder_id !== null])).toEqual([
		['Shared with Milo', false],
		['Team Accounts', false],
		['Prospects', true],
	]);
	const prospects = lists[2]!;
	const page = await clients.admin.get(`/api/v2/lead-lists/${prospects.list_id}/leads`);
	const { leads } = LeadsPageResponse.parse(page.body);
	expect(leads.map(({ full_name }) => full_name)).toEqual([
		'Ines Castellanos',
		'Anders Bergström',
		'Kavya Okafor',
		'Zoe Weber',
		'Hiro Tanaka',
	]);
	expect(leads[3]!.email).toMatch(/\.example$/);
});

it('leaves the one without credits unable to enrich anybody', async () => {
	const contacts = [{ linkedin_url: 'https://www.linkedin.com/in/x-example' }];
	const reply = await clients.broke.call('POST', '/api/v1/public/enrich/bulk', { contacts });
	expect([reply.status, reply.body]).toEqual([402, { detail: 'Insufficient credits' }]);
});
