import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createReferenceApi } from '../../../relay/src/reference/testing.ts';
import type { ReferenceApi } from '../../../relay/src/reference/testing.ts';
import type { Json } from '../harness.ts';

const ROOT = join(__dirname, '../../..');
const SOURCE = '../../../relay/src/reference/testing.ts';

let api: ReferenceApi;
afterEach(() => api.close());

const call = async (path: string, key = api.key): Promise<{ status: number; body: Json }> => {
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
	expect((await call('/reference/state')).body.clock.frozen).toBe(false);
});

it('starts with the people of a document, on a clock that stands still, and as told', async () => {
	api = await createReferenceApi({
		document: {
			organizations: [{ name: 'North', credits: 5 }],
			users: [{ email: 'ann@north.example', organization: 'North' }],
		},
		frozenAt: new Date(0),
		limits: { perKeyPerMinute: 1, perOrganizationPerMinute: 5 },
		behaviours: { scope_names: 'enrichment' },
	});
	expect(Object.keys(api.accounts)).toEqual(['ann@north.example']);
	const { body } = await call('/api/v2/whoami');
	expect(body).toMatchObject({ timestamp_ms: 0, scopes: expect.arrayContaining(['enrichment:read']) });
	expect((await call('/api/v2/whoami')).status).toBe(429);
	await api.control.advance({ until: '1970-01-01T00:01:00Z' });
	expect((await call('/api/v2/whoami')).status).toBe(200);
	await api.control.reset();
	expect(api.control.clock()).toEqual({ now: '1970-01-01T00:00:00.000Z', now_ms: 0, frozen: true });
});

it.each<[string | undefined, string | undefined, string]>([
	['one', undefined, 'one'],
	['one', 'two', 'two'],
	[undefined, undefined, 'cleanlist'],
])('given the seed %s and a document with the seed %s starts from %s', async (seed, ofDocument, used) => {
	api = await createReferenceApi({
		...(seed !== undefined && { seed }),
		document: {
			...(ofDocument !== undefined && { seed: ofDocument }),
			organizations: [{ name: 'North' }],
			users: [{ email: 'ann@north.example', organization: 'North' }],
		},
	});
	expect(api.control.state().seed).toBe(used);
});

it('can be steered as over HTTP', async () => {
	api = await createReferenceApi({ frozenAt: 0 });
	const { control } = api;
	control.fault({ fault: { type: 'status', status: 500 }, times: 1 });
	expect((await call('/api/v2/whoami')).status).toBe(500);
	expect(control.faults()).toMatchObject([{ hits: 1 }]);
	expect(control.removeFaults()).toBe(1);
	expect(() => control.fault({ fault: { type: 'status', status: 200 } })).toThrow('fault.status');
	expect(control.requests()).toMatchObject([{ operation: 'whoami', status: 500 }]);
	await control.snapshot('a');
	await control.freeze('2026-01-01T00:00:00Z');
	await control.restore('a');
	expect(control.clock().now_ms).toBe(0);
	expect(control.completion({ mode: 'instant' })).toEqual({ mode: 'instant' });
	expect(control.behaviours({ webhook_posts: 6 })).toMatchObject({ webhook_posts: 6, cursors: 'opaque' });
	const { accounts } = await control.seed({ seed: 'other' });
	expect(accounts[0]!.key).not.toBe(api.key);
	expect((await call('/api/v2/whoami')).status).toBe(401);
	await control.resume();
	expect(control.state()).toMatchObject({ seed: 'other', clock: { frozen: false } });
	const before = control.clock().now_ms;
	for (const refused of [control.advance({ until: 'tomorrow' }), control.freeze(NaN), control.advance(-1)]) {
		await expect(refused).rejects.toThrow('The clock only');
	}
	expect(control.clock().now_ms).toBeGreaterThanOrEqual(before);
});

it('refuses a document with the place and what to do', async () => {
	api = await createReferenceApi();
	const users = [{ email: 'ann@north.example', organization: 'Nort' }];
	await expect(
		createReferenceApi({ document: { organizations: [{ name: 'North' }], users } }),
	).rejects.toThrow('users[0].organization: there is no organization "Nort"');
});

it('is documented by the example that runs here', async () => {
	api = await createReferenceApi();
	const [docs, example] = await Promise.all(
		['docs/reference-api.md', 'test/reference/control/example.test.ts'].map((path) =>
			readFile(join(ROOT, path), 'utf8'),
		),
	);
	const [, documented] = /```ts\n(import \{ createReferenceApi[^]*?)```/.exec(docs!)!;
	expect(bare(documented!.replaceAll('cleanlist-relay/reference', SOURCE))).toBe(bare(example!));
});

/** Without what formatting changes: documents have narrower lines. */
const bare = (code: string) => code.replace(/\s+/g, '').replace(/,(?=[)\]}])/g, '');
