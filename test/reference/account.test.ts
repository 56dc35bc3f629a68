import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startReference } from './harness.ts';
import type { Client, Harness } from './harness.ts';

const VALIDATE = '/api/v1/public/auth/validate-key';

describe('keys', () => {
	let folder: string;
	let harness: Harness;
	beforeEach(async () => {
		folder = await mkdtemp(join(tmpdir(), 'reference-'));
		harness = await startReference({ path: join(folder, 'reference.db') });
	});
	afterEach(async () => {
		await harness.close();
		await rm(folder, { recursive: true });
	});

	it('are clapi_ and 64 URL-safe characters, and different each time', async () => {
		const [one, two] = [await harness.client(), await harness.client()];
		expect(one.key).toMatch(/^clapi_[A-Za-z0-9_-]{64}$/);
		expect(one.key).not.toBe(two.key);
	});

	it('say whose they are', async () => {
		const client = await harness.client();
		expect((await client.get(VALIDATE)).body).toEqual({
			valid: true,
			user_id: client.userId,
			organization_id: client.organizationId,
		});
	});

	it.each([
		['no header', {}, 'missing'],
		['X-API-Key', { 'x-api-key': 'KEY' }, 'missing'],
		['Basic', { authorization: 'Basic KEY' }, 'does not hold'],
		['the bare key', { authorization: 'KEY' }, 'does not hold'],
		['nothing after Bearer', { authorization: 'Bearer' }, 'does not hold'],
		['an extension key', { authorization: 'Bearer clext_abc' }, 'does not hold'],
		['two keys', { authorization: 'Bearer KEY KEY' }, 'does not hold'],
		['an unknown key', { authorization: `Bearer clapi_${'x'.repeat(64)}` }, 'No such'],
		['a key in other case', { authorization: 'Bearer SWAPPED' }, 'No such'],
	])('are not accepted as %s', async (_, headers, cause) => {
		const { key } = await harness.client();
		const swapped = key.slice(0, 6) + key.slice(6).toLowerCase() + 'A';
		const filled = Object.fromEntries(
			Object.entries(headers).map(([name, value]) => [
				name,
				value.replaceAll('KEY', key).replace('SWAPPED', swapped),
			]),
		);
		const anonymous = harness.withKey(null);
		const legacy = await anonymous.call('GET', VALIDATE, undefined, filled);
		expect([legacy.status, legacy.body]).toEqual([401, { detail: 'Not authenticated' }]);
		const v2 = await anonymous.call('GET', '/api/v2/whoami', undefined, filled);
		expect(v2.status).toBe(401);
		expect(v2.body.error.cause).toContain(cause);
		expect(v2.body.error.fix).toContain('Authorization: Bearer clapi_');
	});

	it('work with any spelling of Bearer', async () => {
		const { key } = await harness.client();
		const anonymous = harness.withKey(null);
		for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
			const headers = { authorization: `${scheme} ${key}` };
			expect((await anonymous.call('GET', VALIDATE, undefined, headers)).status).toBe(200);
		}
	});

	it('stop working at the moment they expire', async () => {
		const client = await harness.client({ keyExpiresAt: harness.clock.now() + 1000 });
		await harness.clock.advance(999);
		expect((await client.get(VALIDATE)).status).toBe(200);
		await harness.clock.advance(1);
		const reply = await client.get('/api/v2/whoami');
		expect([reply.status, reply.body.error.cause]).toEqual([401, 'The API key has expired.']);
	});

	it('stop working when they are revoked', async () => {
		const client = await harness.client();
		const db = new DatabaseSync(join(folder, 'reference.db'));
		db.prepare('UPDATE api_keys SET revoked_at = 1').run();
		db.close();
		const reply = await client.get('/api/v2/whoami');
		expect([reply.status, reply.body.error.cause]).toEqual([401, 'The API key was revoked.']);
	});

	it('are in no file and in no log, only their hash, prefix and last four characters', async () => {
		const client = await harness.client({ email: 'ada@example.com' });
		await client.get(VALIDATE);
		await harness.withKey(null).call('GET', VALIDATE, undefined, { authorization: `Bearer ${client.key}x` });
		const files = ['reference.db', 'reference.db-wal'].map((name) => readFile(join(folder, name), 'latin1'));
		const stored = (await Promise.all(files)).join('');
		expect(stored).toContain(client.organizationId);
		expect(stored).not.toContain(client.key.slice(6, -4));
		expect(harness.logged()).not.toContain(client.key.slice(6, 20));
	});
});

describe('plans', () => {
	let harness: Harness;
	beforeAll(async () => {
		harness = await startReference();
	});
	afterAll(() => harness.close());

	it.each([
		['free', null, false],
		['starter', null, false],
		['pro', null, true],
		['enterprise', null, true],
		['free', 4, false],
		['free', 5, true],
		['free', 7, true],
		['starter', 5, true],
	] as const)('%s with AppSumo tier %s: API %s', async (tier, appsumoTier, open) => {
		const client = await harness.client({ tier, appsumoTier });
		const { body } = await client.get('/api/v2/whoami');
		expect(body).toMatchObject({ tier, appsumo_tier: appsumoTier });
		expect(body.features.includes('API_ACCESS')).toBe(open);
		expect(body.features).toEqual([...body.features].sort());
		expect((await client.get('/api/v2/credits/balance')).status).toBe(open ? 200 : 403);
		// The two that say who one is answer on any plan: their contract has no 403.
		expect((await client.get(VALIDATE)).status).toBe(200);
	});

	it('come before scopes, and keys before plans', async () => {
		const client = await harness.client({ tier: 'free', scopes: [] });
		expect((await client.get('/api/v2/lead-lists')).body.error.code).toBe('feature_gated');
	});
});

describe('whoami', () => {
	let harness: Harness;
	beforeAll(async () => {
		harness = await startReference();
	});
	afterAll(() => harness.close());

	it.each([
		['jane@acme.example', 'j***@acme.example'],
		['j@acme.example', 'j***@acme.example'],
		['émile@acme.example', 'é***@acme.example'],
		['😀x@acme.example', '😀***@acme.example'],
		[undefined, null],
	])('masks %s', async (email, masked) => {
		const client = await harness.client({ name: 'Jane Doe', email, scopes: ['lists:read'] });
		expect((await client.get('/api/v1/public/whoami')).body).toEqual({
			task_id: null,
			timestamp_ms: harness.clock.now(),
			agent_instructions: null,
			usage: null,
			message: null,
			user_email: masked,
			user_id: client.userId,
			user_name: 'Jane Doe',
			organization_id: client.organizationId,
			organization_name: 'Jane Doe',
			auth_type: 'api_key',
			scopes: ['lists:read'],
			tier: 'pro',
			appsumo_tier: null,
			features: [
				'API_ACCESS',
				'data_source_csv_upload',
				'enrich_email',
				'enrich_phone',
				'search_people',
				'sync_to_crm',
			],
		});
	});
});

describe('createAccount', () => {
	let harness: Harness;
	beforeAll(async () => {
		harness = await startReference();
	});
	afterAll(() => harness.close());

	const balance = async (client: Client) => (await client.get('/api/v2/credits/balance')).body.credits;

	it('is idempotent for a given key, which keeps its credits and scopes', async () => {
		const key = 'clapi_live_demo';
		const first = await harness.reference.createAccount({ name: 'A', key, credits: 5 });
		const again = await harness.reference.createAccount({ name: 'B', key, credits: 9, scopes: [] });
		expect(again).toEqual({ ...first, sessionToken: again.sessionToken });
		expect(again.sessionToken).not.toBe(first.sessionToken);
		expect(await balance(harness.withKey(again))).toBe(5);
	});

	it('joins an organization, which keeps its plan and its credits', async () => {
		const owner = await harness.client({ credits: 7, tier: 'pro' });
		const { organizationId } = owner;
		const mate = await harness.client({ organizationId, credits: 100, tier: 'free' });
		expect(mate.organizationId).toBe(organizationId);
		expect(mate.userId).not.toBe(owner.userId);
		expect(await balance(mate)).toBe(7);
	});

	it('makes an organization with a given id', async () => {
		const client = await harness.client({ organizationId: 'org_demo', credits: 3 });
		expect(client.organizationId).toBe('org_demo');
		expect(await balance(client)).toBe(3);
	});

	it.each([{ key: 'clext_1' }, { key: '' }, { credits: -1 }, { credits: 0.5 }, { credits: NaN }])(
		'refuses %j',
		async (account) => {
			await expect(harness.client(account)).rejects.toThrow(/starts with clapi_|whole number/);
		},
	);
});
