import { startReference } from './harness.ts';
import type { Client, Harness } from './harness.ts';

const LEGACY = '/api/v1/public/auth/validate-key';
const V2 = '/api/v2/whoami';

let harness: Harness;
afterEach(() => harness.close());

const times = async (count: number, client: Client, path = LEGACY) => {
	const statuses = new Set<number>();
	for (let n = 0; n < count; n++) statuses.add((await client.get(path)).status);
	return [...statuses];
};

it('lets 30 requests a minute through per key, then answers 429 until the minute is over', async () => {
	harness = await startReference({ limits: undefined });
	const client = await harness.client();
	await harness.clock.advance(20_500);
	expect(await times(30, client)).toEqual([200]);
	const v2 = await client.get(V2);
	expect([v2.status, v2.headers.get('retry-after')]).toEqual([429, '40']);
	expect(v2.body.error).toMatchObject({ code: 'rate_limited', retryable: true, retry_after_ms: 39_500 });
	expect(v2.body.error.problem).toContain('30 requests in a minute for this key');
	const legacy = await client.get(LEGACY);
	expect([legacy.status, legacy.headers.get('retry-after')]).toEqual([429, '40']);
	expect(legacy.body.detail).toContain('Wait 40 s');
	// The last millisecond still says one whole second; the next one is a new window.
	await harness.clock.advance(39_499);
	expect((await client.get(LEGACY)).headers.get('retry-after')).toBe('1');
	await harness.clock.advance(1);
	expect(await times(30, client)).toEqual([200]);
});

it('lets 60 requests a minute through per organization, whoever sends them', async () => {
	harness = await startReference({ limits: undefined });
	const client = await harness.client();
	const { organizationId } = client;
	const mates = [await harness.client({ organizationId }), await harness.client({ organizationId })];
	expect(await times(30, client)).toEqual([200]);
	expect(await times(30, mates[0]!)).toEqual([200]);
	const reply = await mates[1]!.get(V2);
	expect([reply.status, reply.body.error.problem]).toEqual([
		429,
		'More than 60 requests in a minute for this organization.',
	]);
	expect(await times(1, await harness.client())).toEqual([200]);
});

it('counts no request that was refused', async () => {
	harness = await startReference({ limits: { perKeyPerMinute: 1, perOrganizationPerMinute: 2 } });
	const client = await harness.client({ scopes: [] });
	const mate = await harness.client({ organizationId: client.organizationId });
	expect(await times(5, client, '/api/v2/lead-lists')).toEqual([403]);
	expect(await times(1, client)).toEqual([200]);
	expect(await times(5, client)).toEqual([429]);
	expect(await times(1, mate)).toEqual([200]);
});

it('can be switched off', async () => {
	harness = await startReference({ limits: 'off' });
	expect(await times(100, await harness.client())).toEqual([200]);
});
