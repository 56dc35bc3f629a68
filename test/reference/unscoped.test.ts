import * as contract from '../../relay/src/contract/index.ts';
import { UNSCOPED } from '../../relay/src/reference/routes/unscoped.ts';
import { startReference } from './harness.ts';
import type { Harness } from './harness.ts';
import { PREFIXES, expectError } from './paid.ts';

let harness: Harness;
beforeAll(async () => {
	harness = await startReference();
});
afterAll(() => harness.close());

const paths = PREFIXES.flatMap((prefix) => UNSCOPED.map((entry) => ({ ...entry, url: prefix + entry.path })));

it.each(paths)('$url says that it exists and is not served here: 501', async ({ url, operation }) => {
	const client = await harness.client();
	for (const method of ['GET', 'POST', 'PATCH', 'DELETE']) {
		const reply = await client.call(method, url, method === 'GET' ? undefined : {});
		const error = expectError(reply, 501, 'not_implemented');
		expect(error.problem).toContain(operation);
		expect(error.retryable).toBe(false);
	}
});

it.each(paths)('$url still asks for key, plan and scope', async ({ url, scope }) => {
	expectError(await harness.withKey(null).get(url), 401, 'unauthorized');
	expectError(await (await harness.client({ tier: 'starter' })).get(url), 403, 'feature_gated');
	const scopes = contract.SCOPES.filter((other) => other !== scope);
	expectError(await (await harness.client({ scopes })).get(url), 403, 'insufficient_scope');
});

it('says which paths are the vendor’s own words', () => {
	expect(UNSCOPED.filter(({ source }) => source === 'path').map(({ path }) => path)).toEqual([
		'/search/people',
		'/folders',
	]);
});
