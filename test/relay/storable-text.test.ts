import { SubscriptionWithSecret } from '../../relay/src/contract/relay-api.ts';
import { expectProblem, startTestRelay } from './harness.ts';
import type { TestRelay } from './harness.ts';

/** PostgreSQL's text takes neither, so no engine is asked to: what is sent is refused with a sentence that says why. */
const ODD: [string, string][] = [
	['NUL', 'a\u0000b'],
	['half a surrogate pair', 'a\ud800b'],
	['the other half', '\udc00'],
];
const URL = 'http://127.0.0.1:2/webhook/a';
const SUBSCRIPTIONS = '/relay/v1/subscriptions';

let relay: TestRelay;
beforeAll(async () => {
	relay = await startTestRelay();
});
afterAll(() => relay.close());

async function expectRefused(response: Response, path: string): Promise<void> {
	const { errors } = await expectProblem(response, 400, 'invalid_request');
	expect(errors?.map((error) => error.path)).toEqual([path]);
	expect(errors?.[0]?.message).toMatch(path === 'name' ? /control characters/ : /NUL .*: take them out$/);
}

describe.each(ODD)('%s', (_, odd) => {
	test('is refused in all that a subscription keeps', async () => {
		for (const [path, fields] of [
			['description', { description: odd }],
			['filter.status', { filter: { status: odd } }],
			['filter.lead_list_id', { filter: { lead_list_id: odd } }],
			['filter.enrichment_type', { filter: { enrichment_type: odd } }],
			['url', { url: URL + odd }],
		] as const) {
			await expectRefused(await relay.call('POST', SUBSCRIPTIONS, { body: { url: URL, ...fields } }), path);
			if (path === 'url') continue;
			await expectRefused(await relay.call('PATCH', `${SUBSCRIPTIONS}/sub_1`, { body: fields }), path);
		}
		expect(await relay.relay.store.listSubscriptions()).toEqual([]);
	});

	test('is refused in the name of a token, and in what deliveries are re-driven by', async () => {
		const token = { name: odd, scopes: ['read'] };
		await expectRefused(await relay.call('POST', '/relay/v1/tokens', { body: token }), 'name');
		const redrive = { subscription_id: odd };
		await expectRefused(
			await relay.call('POST', '/relay/v1/deliveries/redrive', { body: redrive }),
			'subscription_id',
		);
	});
});

test('NUL is refused in a path and in a query, where no half of a pair can be', async () => {
	for (const [path, field] of [
		['subscriptions/a%00b', 'id'],
		['subscriptions?url=http://a/%00', 'url'],
		['events/%00', 'id'],
		['events?workflow_id=%00', 'workflow_id'],
		['deliveries/%00', 'id'],
		['deliveries?event_id=%00', 'event_id'],
		['deliveries?subscription_id=%00', 'subscription_id'],
	] as const) {
		await expectRefused(await relay.call('GET', `/relay/v1/${path}`), field);
	}
	await expectRefused(await relay.call('DELETE', '/relay/v1/tokens/%00'), 'id');
});

test('NUL is refused in a cursor, which is text of the store under its coding', async () => {
	const cursor = Buffer.from('before:evt\0').toString('base64url');
	for (const list of ['events', 'deliveries']) {
		const answer = await relay.call('GET', `/relay/v1/${list}?cursor=${cursor}`);
		const { detail } = await expectProblem(answer, 400, 'invalid_request');
		expect(detail).toBe('The query is not valid: cursor: must be the cursor of the page before.');
	}
});

test('a refusal names the part of the request that it is about', async () => {
	const detailOf = async (method: string, path: string, body?: unknown) =>
		(await expectProblem(await relay.call(method, `/relay/v1/${path}`, { body }), 400, 'invalid_request'))
			.detail;
	expect(await detailOf('GET', 'events/%00')).toMatch(/^The path is not valid: id: /);
	expect(await detailOf('GET', 'events?limit=0')).toMatch(/^The query is not valid: limit: /);
	expect(await detailOf('POST', 'subscriptions', {})).toMatch(/^The body is not valid: url: /);
});

test('any other text is kept as it is', async () => {
	const description = 'Zoë’s 🦊\u001a\ufffd\u202e\n';
	const answer = await relay.call('POST', SUBSCRIPTIONS, { body: { url: URL, description } });
	expect(SubscriptionWithSecret.parse(await answer.json()).description).toBe(description);
});
