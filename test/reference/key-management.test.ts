import {
	ApiKeysResponse,
	CreateKeyResponse,
	RevokeKeyResponse,
	V2Error,
} from '../../relay/src/contract/index.ts';
import { startReference } from './harness.ts';
import type { Client, Harness } from './harness.ts';

const KEYS = '/api/v1/api-keys';

let harness: Harness;
let client: Client;
beforeEach(async () => {
	harness = await startReference();
	client = await harness.client();
});
afterEach(() => harness.close());

const call = (method: string, path: string, body?: unknown, token = client.sessionToken) =>
	client.call(method, KEYS + path, body, { authorization: `Bearer ${token}` });
const create = (body?: unknown, token?: string) => call('POST', '', body, token);
const created = async (body?: unknown) => {
	const reply = await create(body);
	expect(reply.status).toBe(201);
	return CreateKeyResponse.parse(reply.body);
};
const list = async () => ApiKeysResponse.parse((await call('GET', '')).body).keys;
const refusal = (reply: { status: number; body: unknown }) => {
	const { error } = V2Error.parse(reply.body);
	return [reply.status, error.code];
};
const works = async (key: string) => {
	const reply = await client.call('GET', '/api/v2/whoami', undefined, { authorization: `Bearer ${key}` });
	return reply.status;
};

describe('making a key', () => {
	it('shows it once, and it works at once', async () => {
		const { api_key, created_at, expires_at } = await created({ name: 'Laptop' });
		expect(api_key).toMatch(/^clapi_[\w-]{64}$/);
		expect([created_at, expires_at]).toEqual(['2026-01-05T09:00:00.000Z', null]);
		expect(await works(api_key)).toBe(200);
		const [newest, first] = await list();
		expect(newest).toMatchObject({ name: 'Laptop', key_last4: api_key.slice(-4), is_active: true });
		expect(first!.key_last4).toBe(client.key.slice(-4));
		expect(JSON.stringify(await list())).not.toContain(api_key.slice(6));
		expect(harness.logged()).not.toContain(api_key);
	});

	it('acts for its user, with the user’s scopes', async () => {
		const reader = await harness.client({ scopes: ['lists:read'] });
		const { body } = await create({}, reader.sessionToken);
		const whoami = await client.call('GET', '/api/v2/whoami', undefined, {
			authorization: `Bearer ${body.api_key}`,
		});
		expect(whoami.body).toMatchObject({ user_id: reader.userId, scopes: ['lists:read'] });
	});

	it.each([undefined, {}, { name: null, expires_at: null }])('takes %j', async (body) => {
		await created(body);
	});

	it('takes an expiry in any time zone, and the key ends then to the millisecond', async () => {
		const { api_key, expires_at } = await created({ expires_at: '2026-01-05T11:00:00+01:00' });
		expect(expires_at).toBe('2026-01-05T10:00:00.000Z');
		await harness.clock.advance(60 * 60 * 1000 - 1);
		expect(await works(api_key)).toBe(200);
		await harness.clock.advance(1);
		expect(await works(api_key)).toBe(401);
		expect((await list())[0]!.is_active).toBe(false);
	});

	it.each([
		['an expiry that is now', { expires_at: '2026-01-05T09:00:00Z' }, 'expires_at'],
		['an expiry that is past', { expires_at: '2025-01-05T09:00:00Z' }, 'expires_at'],
		['an expiry that is no time', { expires_at: 'tomorrow' }, 'expires_at'],
		['an expiry without a zone', { expires_at: '2027-01-05T09:00:00' }, 'expires_at'],
		['a blank name', { name: '  ' }, 'name'],
		['a name of 101 characters', { name: 'x'.repeat(101) }, 'name'],
		['an unknown field', { scopes: ['lists:read'] }, 'scopes'],
	])('refuses %s: 422', async (_, body, field) => {
		const reply = await create(body);
		expect(reply.status).toBe(422);
		expect(reply.body.detail[0].loc).toEqual(['body', field]);
		expect(await list()).toHaveLength(1);
	});

	it('takes a name of 100 characters', async () => {
		await created({ name: 'ö'.repeat(100) });
	});

	it('stops at ten active keys, of which expired and revoked ones are none', async () => {
		await created({ expires_at: '2026-01-05T09:00:01Z' });
		for (let n = 2; n < 10; n++) await created({ name: `Key ${n}` });
		expect(refusal(await create())).toEqual([403, 'key_cap_reached']);
		await harness.clock.advance(1_000);
		await created();
		expect(refusal(await create())).toEqual([403, 'key_cap_reached']);
		const [newest] = await list();
		await call('DELETE', `/${newest!.key_id}`);
		await created();
		expect(refusal(await create())).toEqual([403, 'key_cap_reached']);
		// A teammate has ten of their own.
		const mate = await harness.client({ organizationId: client.organizationId });
		expect((await create({}, mate.sessionToken)).status).toBe(201);
	});

	it.each(['free', 'starter'] as const)('asks for a plan with the API: 403 on %s', async (tier) => {
		const poor = await harness.client({ tier });
		const reply = await create({}, poor.sessionToken);
		expect(refusal(reply)).toEqual([403, 'feature_gated']);
		// What is there can still be seen and revoked.
		const keys = (await call('GET', '', undefined, poor.sessionToken)).body.keys;
		expect(keys).toHaveLength(1);
		expect((await call('DELETE', `/${keys[0].key_id}`, undefined, poor.sessionToken)).status).toBe(200);
	});
});

describe('revoking a key', () => {
	it('ends it at once, and for good', async () => {
		const { api_key } = await created();
		const { key_id } = (await list())[0]!;
		const reply = await call('DELETE', `/${key_id}`);
		expect(reply.status).toBe(200);
		expect(RevokeKeyResponse.parse(reply.body)).toEqual({ key_id, revoked: true });
		expect(await works(api_key)).toBe(401);
		expect((await list())[0]).toMatchObject({ key_id, is_active: false });
		expect(refusal(await call('DELETE', `/${key_id}`))).toEqual([404, 'not_found']);
	});

	it('leaves other users’ keys alone: 404', async () => {
		const mate = await harness.client({ organizationId: client.organizationId });
		const { key_id } = (await list())[0]!;
		expect(refusal(await call('DELETE', `/${key_id}`, undefined, mate.sessionToken))).toEqual([
			404,
			'not_found',
		]);
		expect(refusal(await call('DELETE', '/key_unknown'))).toEqual([404, 'not_found']);
		expect(await works(client.key)).toBe(200);
	});

	it('lists a user’s own only', async () => {
		await harness.client({ organizationId: client.organizationId });
		expect((await list()).map(({ key_last4 }) => key_last4)).toEqual([client.key.slice(-4)]);
	});
});

describe('who may manage keys', () => {
	it.each([
		['POST', ''],
		['GET', ''],
		['DELETE', '/key_x'],
	])('%s %s needs a session token: 401, which says so', async (method, path) => {
		const tokens = [client.key, 'sess_unknown', 'nonsense', `${client.sessionToken}x`];
		for (const token of tokens) {
			const reply = await call(method, path, undefined, token);
			expect(refusal(reply)).toEqual([401, 'unauthorized']);
			expect(reply.headers.get('www-authenticate')).toBe('Bearer');
			expect(reply.body.error.problem).toContain('session token');
		}
		const byKey = await call(method, path, undefined, client.key);
		expect(byKey.body.error.cause).toContain('API key can’t manage');
		const reply = await harness.withKey(null).call(method, KEYS + path);
		expect(refusal(reply)).toEqual([401, 'unauthorized']);
	});

	it('is rate limited: 429', async () => {
		const limited = await startReference({ limits: { perKeyPerMinute: 1, perOrganizationPerMinute: 9 } });
		const eager = await limited.client();
		const headers = { authorization: `Bearer ${eager.sessionToken}` };
		expect((await eager.call('GET', KEYS, undefined, headers)).status).toBe(200);
		const reply = await eager.call('GET', KEYS, undefined, headers);
		expect(refusal(reply)).toEqual([429, 'rate_limited']);
		await limited.close();
	});

	it('gives a session token no way into the API itself', async () => {
		const reply = await client.call('GET', '/api/v2/whoami', undefined, {
			authorization: `Bearer ${client.sessionToken}`,
		});
		expect(refusal(reply)).toEqual([401, 'unauthorized']);
		expect(reply.body.error.cause).toContain('/api/v1/api-keys');
	});

	it('keeps ten sessions of a user, the newest', async () => {
		const { key } = client;
		const tokens = [client.sessionToken];
		for (let n = 0; n < 10; n++) {
			await harness.clock.advance(1);
			tokens.push((await harness.reference.createAccount({ name: 'Ada', key })).sessionToken);
		}
		const statuses = [];
		for (const token of tokens) statuses.push((await call('GET', '', undefined, token)).status);
		expect(statuses).toEqual([401, ...Array<number>(10).fill(200)]);
	});

	it('takes a given session token, for its own user only', async () => {
		const sessionToken = 'sess_given';
		const account = { name: 'Ada', key: client.key, sessionToken };
		expect(await harness.reference.createAccount(account)).toMatchObject({
			sessionToken,
			userId: client.userId,
		});
		expect((await call('GET', '', undefined, sessionToken)).status).toBe(200);
		await harness.reference.createAccount(account);
		await expect(harness.client({ sessionToken })).rejects.toThrow('another user');
		await expect(harness.client({ sessionToken: 'token' })).rejects.toThrow('starts with sess_');
	});
});
