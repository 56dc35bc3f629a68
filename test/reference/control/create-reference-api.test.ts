import { createReferenceApi } from '../../../relay/src/reference/testing.ts';
import type { ReferenceApi } from '../../../relay/src/reference/testing.ts';

let api: ReferenceApi;
afterEach(() => api.close());

const call = async (path: string, key = api.key) => {
	const response = await fetch(api.url + path, { headers: { authorization: `Bearer ${key}` } });
	return { status: response.status, body: await response.json() };
};

it('starts with the cast, and its admin first', async () => {
	api = await createReferenceApi();
	expect(api.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
	expect(Object.keys(api.accounts)).toEqual(['admin', 'member', 'starter', 'appsumo4', 'appsumo5', 'broke']);
	expect(api.key).toBe(api.accounts.admin!.key);
	expect((await call('/api/v2/whoami')).body).toMatchObject({ user_name: 'Ada Admin' });
	expect((await call('/api/v2/lead-lists', api.accounts.starter!.key)).status).toBe(403);
});
