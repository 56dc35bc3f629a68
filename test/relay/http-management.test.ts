import {
	EventDetail,
	EventsResponse,
	SourcesResponse,
	SubscriptionsResponse,
	SubscriptionView,
	SubscriptionWithSecret,
} from '../../relay/src/contract/relay-api.ts';
import { StoreError } from '../../relay/src/store/port.ts';
import { createTestClock } from '../support/test-clock.ts';
import { expectProblem, startReceiver, startTestRelay, webhook } from './harness.ts';
import type { TestRelay } from './harness.ts';

let relay: TestRelay;
beforeEach(async () => {
	relay = await startTestRelay();
});
afterEach(async () => {
	jest.restoreAllMocks();
	await relay.close();
});

const SUBSCRIPTIONS = '/relay/v1/subscriptions';
const URL_A = 'http://127.0.0.1:2/webhook/a';
const json = async (response: Response, status = 200): Promise<unknown> => {
	const body = await response.text();
	expect({ status: response.status, body }).toMatchObject({ status });
	return JSON.parse(body);
};
const subscribe = async (body: Record<string, unknown> = {}) =>
	SubscriptionWithSecret.parse(
		await json(await relay.call('POST', SUBSCRIPTIONS, { body: { url: URL_A, ...body } }), 201),
	);
const ingest = async (body: string) => {
	const { event_id } = (await json(await relay.ingest(body))) as { event_id: string };
	return event_id;
};

describe('who may call', () => {
	test('a Cleanlist key in the place of the token is recognised', async () => {
		const response = await relay.call('GET', '/relay/v1/sources', { token: `clapi_${'k'.repeat(64)}` });
		expect((await expectProblem(response, 401, 'unauthenticated')).detail).toMatch(/is a Cleanlist API key/);
	});

	test('the scheme may be in any case, and another scheme is no token', async () => {
		const call = (authorization: string) =>
			relay.call('GET', '/relay/v1/sources', { token: null, headers: { authorization } });
		expect((await call(`bearer ${relay.token}`)).status).toBe(200);
		expect((await call(`Basic ${relay.token}`)).status).toBe(401);
		expect((await call(relay.token)).status).toBe(401);
	});

	test('guessing is slowed down, and never for a token that is known', async () => {
		const guess = () => relay.call('GET', '/relay/v1/sources', { token: `crt_${'A'.repeat(43)}` });
		for (let i = 0; i < 60; i++) await guess();
		await expectProblem(await guess(), 429, 'too_many_requests');
		expect((await relay.call('GET', '/relay/v1/sources')).status).toBe(200);
	});
});

describe('sources', () => {
	test('the default source exists from the start, and its ingest URL takes webhooks', async () => {
		const { sources } = SourcesResponse.parse(await json(await relay.call('GET', '/relay/v1/sources')));
		expect(sources).toEqual([expect.objectContaining({ id: 'default', ingest_url: relay.ingestUrl })]);
		expect(sources[0]?.ingest_url).toMatch(/\/in\/[\w-]{43}$/);
		const response = await fetch(sources[0]?.ingest_url ?? '', { method: 'POST', body: webhook('wf-1') });
		expect(response.status).toBe(200);
	});

	test('behind a proxy the ingest URL is the public one', async () => {
		const other = await startTestRelay({ env: { RELAY_PUBLIC_URL: 'https://relay.example.com/cleanlist/' } });
		try {
			const { sources } = SourcesResponse.parse(await json(await other.call('GET', '/relay/v1/sources')));
			expect(sources[0]?.ingest_url).toMatch(/^https:\/\/relay\.example\.com\/cleanlist\/in\/[\w-]{43}$/);
		} finally {
			await other.close();
		}
	});
});

describe('subscriptions', () => {
	test('one is made with a secret that is shown once', async () => {
		const response = await relay.call('POST', SUBSCRIPTIONS, { body: { url: URL_A } });
		const created = SubscriptionWithSecret.parse(await json(response, 201));
		expect(response.headers.get('location')).toBe(`${SUBSCRIPTIONS}/${created.id}`);
		expect(created).toMatchObject({
			url: URL_A,
			events: ['enrichment.completed'],
			filter: {},
			description: null,
			status: 'active',
		});
		const bytes = Buffer.from(created.secret.replace(/^whsec_/, ''), 'base64').length;
		expect(created.secret).toMatch(/^whsec_[A-Za-z0-9+/]+=*$/);
		expect(bytes).toBeGreaterThanOrEqual(24);
		expect(bytes).toBeLessThanOrEqual(64);

		const { secret: _, ...view } = created;
		const seen = await json(await relay.call('GET', `${SUBSCRIPTIONS}/${created.id}`));
		expect(SubscriptionView.parse(seen)).toEqual(view);
	});

	test('there is a limit to how many there are, those that ended included', async () => {
		const { id } = await subscribe();
		const kept = (await relay.relay.store.getSubscription(id))!;
		const more = Array.from({ length: 999 }, (_, n) => ({ ...kept, id: `sub_${n}`, url: `${URL_A}/${n}` }));
		more[0]!.status = 'ended';
		await Promise.all(more.map((one) => relay.relay.store.createSubscription(one)));
		const refused = await relay.call('POST', SUBSCRIPTIONS, { body: { url: `${URL_A}/more` } });
		await expectProblem(refused, 409, 'too_many_subscriptions');
		await relay.call('DELETE', `${SUBSCRIPTIONS}/${id}`);
		expect((await relay.call('POST', SUBSCRIPTIONS, { body: { url: `${URL_A}/more` } })).status).toBe(201);
	});

	test('the store never holds the secret in the clear', async () => {
		const { id, secret } = await subscribe();
		const kept = await relay.relay.store.getSubscription(id);
		expect(kept?.sealedSecret.includes(secret)).toBe(false);
		expect(kept?.sealedSecret.includes(Buffer.from(secret.slice(6), 'base64'))).toBe(false);
	});

	test('filter and description are kept, emoji included', async () => {
		const filter = { lead_list_id: 'l-1', enrichment_type: 'full', status: 'completed' };
		const { id } = await subscribe({ filter, description: 'n8n: Leads 🦄' });
		expect(await json(await relay.call('GET', `${SUBSCRIPTIONS}/${id}`))).toMatchObject({
			filter,
			description: 'n8n: Leads 🦄',
		});
	});

	test('they can be listed, and found by their exact URL', async () => {
		const first = await subscribe();
		const second = await subscribe({ url: `${URL_A}?x=ä&y=%20` });
		const list = async (query = '') => {
			const found = await json(await relay.call('GET', `${SUBSCRIPTIONS}${query}`));
			return SubscriptionsResponse.parse(found).subscriptions.map(({ id }) => id);
		};
		expect(await list()).toEqual([first.id, second.id]);
		expect(await list(`?url=${encodeURIComponent(second.url)}`)).toEqual([second.id]);
		expect(await list('?url=http%3A%2F%2Felsewhere')).toEqual([]);
	});

	test('a second one for the same URL is refused until the first is deleted', async () => {
		const { id } = await subscribe();
		await expectProblem(
			await relay.call('POST', SUBSCRIPTIONS, { body: { url: URL_A } }),
			409,
			'subscription_exists',
		);
		expect((await relay.call('DELETE', `${SUBSCRIPTIONS}/${id}`)).status).toBe(204);
		await subscribe();
	});

	test('what is changed changes, and the rest stays', async () => {
		const {
			id,
			secret: _,
			...before
		} = await subscribe({ filter: { status: 'completed' }, description: 'a' });
		const patch = async (body: unknown) =>
			SubscriptionView.parse(await json(await relay.call('PATCH', `${SUBSCRIPTIONS}/${id}`, { body })));
		expect(await patch({})).toEqual({ id, ...before });
		expect(await patch({ filter: { lead_list_id: 'l' } })).toEqual({
			id,
			...before,
			filter: { lead_list_id: 'l' },
		});
		expect(await patch({ description: null, filter: {} })).toEqual({
			id,
			...before,
			description: null,
			filter: {},
		});
		expect(await json(await relay.call('GET', `${SUBSCRIPTIONS}/${id}`))).toMatchObject({
			description: null,
		});
	});

	test('a secret can be replaced, also by a client that names a content type for its empty body', async () => {
		const { id, secret } = await subscribe();
		const headers = { 'content-type': 'application/json' };
		const rotated = SubscriptionWithSecret.parse(
			await json(await relay.call('POST', `${SUBSCRIPTIONS}/${id}/secret`, { headers })),
		);
		expect(rotated).toMatchObject({ id, url: URL_A });
		expect(rotated.secret).not.toBe(secret);
		expect((await relay.call('DELETE', `${SUBSCRIPTIONS}/${id}`, { headers })).status).toBe(204);
	});

	test.each([
		['GET', ''],
		['PATCH', ''],
		['DELETE', ''],
		['POST', '/secret'],
	])('%s of one that does not exist%s is a 404', async (method, suffix) => {
		const body = method === 'PATCH' ? {} : undefined;
		for (const id of ['sub_none', '%F0%9F%98%80']) {
			const response = await relay.call(method, `${SUBSCRIPTIONS}/${id}${suffix}`, { body });
			await expectProblem(response, 404, 'subscription_not_found');
		}
	});

	test.each([
		['no URL', {}, 'url'],
		['a URL of another scheme', { url: 'file:///etc/passwd' }, 'url'],
		['a URL that is none', { url: 'n8n' }, 'url'],
		['too long a URL', { url: `http://127.0.0.1/${'x'.repeat(2048)}` }, 'url'],
		['an unknown event', { url: URL_A, events: ['lead.created'] }, 'events.0'],
		['no event', { url: URL_A, events: [] }, 'events'],
		['an unknown filter', { url: URL_A, filter: { color: 'red' } }, 'filter'],
		['an empty filter value', { url: URL_A, filter: { status: '' } }, 'filter.status'],
		['null for a filter', { url: URL_A, filter: null }, 'filter'],
		['too long a description', { url: URL_A, description: 'x'.repeat(201) }, 'description'],
		['an unknown field', { url: URL_A, secret: 'whsec_x' }, ''],
		['a list', [], ''],
	])('%s is refused, naming the field', async (_, body, path) => {
		const problem = await expectProblem(
			await relay.call('POST', SUBSCRIPTIONS, { body }),
			400,
			'invalid_request',
		);
		expect(problem.errors?.map((error) => error.path)).toContain(path);
	});

	test.each([
		['broken JSON', '{"url":', 'application/json', 400, 'unreadable_request'],
		['bytes that are no UTF-8', '\u{d800}', 'text/plain', 415, 'unsupported_media_type'],
		['an empty body', '', 'application/json', 400, 'invalid_request'],
		['another type', 'url=x', 'application/x-www-form-urlencoded', 415, 'unsupported_media_type'],
		['a body of 64 KiB and more', `"${'x'.repeat(65_536)}"`, 'application/json', 413, 'too_large'],
	])('%s is refused', async (_, body, type, status, code) => {
		const response = await relay.call('POST', SUBSCRIPTIONS, { body, headers: { 'content-type': type } });
		await expectProblem(response, status, code);
	});

	test.each([
		['a private address', 'http://10.1.2.3/webhook'],
		['a private IPv6 address', 'http://[fd00::1]/webhook'],
	])('%s is refused, naming the setting that allows it', async (_, url) => {
		const response = await relay.call('POST', SUBSCRIPTIONS, { body: { url } });
		expect((await expectProblem(response, 422, 'address_refused')).fix).toContain('RELAY_ALLOW');
	});

	test.each([
		['the metadata service', 'http://169.254.169.254/latest/meta-data'],
		['the metadata service by name', 'http://metadata.google.internal/'],
		["another protocol's port", 'https://n8n.example.com:25/webhook'],
		['a URL with a password', 'https://user:password@n8n.example.com/webhook'],
	])('%s is refused, and what to do is not to allow it, which would not help', async (_, url) => {
		const response = await relay.call('POST', SUBSCRIPTIONS, { body: { url } });
		const { fix } = await expectProblem(response, 422, 'address_refused');
		expect(fix).not.toMatch(/RELAY_ALLOW/);
	});

	test('a request without a body is told so, and not that undefined is no object', async () => {
		const response = await relay.call('POST', SUBSCRIPTIONS);
		const { detail, fix } = await expectProblem(response, 400, 'invalid_request');
		expect(detail).toBe('The request has no body.');
		expect(fix).toMatch(/^Send a JSON object with the header Content-Type: application\/json/);
	});

	test('a slash behind a path changes nothing: the list is not asked for a subscription without a name', async () => {
		const headers = { authorization: `Bearer ${relay.token}` };
		const list = (path: string) => fetch(`${relay.url}${path}`, { headers }).then(json);
		expect(await list(`${SUBSCRIPTIONS}/`)).toEqual(await list(SUBSCRIPTIONS));
	});

	test('an unknown query parameter is refused, not ignored', async () => {
		const response = await relay.call('GET', `${SUBSCRIPTIONS}?ulr=x`);
		await expectProblem(response, 400, 'invalid_request');
	});
});

describe('events', () => {
	test('none yet is an empty page', async () => {
		expect(await json(await relay.call('GET', '/relay/v1/events'))).toEqual({ events: [], cursor: null });
	});

	test('they are listed newest first, page by page, each exactly once', async () => {
		const ids: string[] = [];
		for (let i = 0; i < 5; i++) ids.unshift(await ingest(webhook(`wf-${i}`)));
		const pages: string[][] = [];
		let cursor: string | null = null;
		do {
			const path: string = `/relay/v1/events?limit=2${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
			const page = EventsResponse.parse(await json(await relay.call('GET', path)));
			pages.push(page.events.map(({ id }) => id));
			cursor = page.cursor;
		} while (cursor !== null);
		expect(pages).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
	});

	test('a page that is exactly full is the last one', async () => {
		await ingest(webhook('wf-1'));
		await ingest(webhook('wf-2'));
		expect(await json(await relay.call('GET', '/relay/v1/events?limit=2'))).toMatchObject({ cursor: null });
	});

	test('they can be found by workflow', async () => {
		await ingest(webhook('wf-1'));
		const id = await ingest(webhook('wf-2 😀'));
		const path = `/relay/v1/events?workflow_id=${encodeURIComponent('wf-2 😀')}`;
		expect(await json(await relay.call('GET', path))).toMatchObject({ events: [{ id }], cursor: null });
	});

	test('those in quarantine are found among all others', async () => {
		const good = await ingest(webhook('wf-1'));
		const odd = [await ingest('not JSON'), await ingest('neither')].reverse();
		await ingest(webhook('wf-2'));
		const list = async (query: string) =>
			EventsResponse.parse(await json(await relay.call('GET', `/relay/v1/events?${query}`)));
		const first = await list('state=quarantined&limit=1');
		expect(first.events).toMatchObject([{ id: odd[0], state: 'quarantined' }]);
		const second = await list(`state=quarantined&limit=1&cursor=${encodeURIComponent(first.cursor!)}`);
		expect(second).toMatchObject({ events: [{ id: odd[1] }], cursor: null });
		expect((await list('state=accepted&workflow_id=wf-1')).events.map(({ id }) => id)).toEqual([good]);
		expect((await list('state=quarantined&workflow_id=wf-1')).events).toEqual([]);
		const problem = await expectProblem(
			await relay.call('GET', '/relay/v1/events?state=odd'),
			400,
			'invalid_request',
		);
		expect(problem.errors).toMatchObject([{ path: 'state' }]);
	});

	test('one tells its deliveries and their attempts', async () => {
		const receiver = await startReceiver();
		try {
			const subscription = await subscribe({ url: receiver.url });
			const id = await ingest(webhook('wf-1'));
			await receiver.waitFor(1);
			// The receiver has it before the relay has noted that; the detail is asked for until it has.
			let detail: EventDetail;
			do detail = EventDetail.parse(await json(await relay.call('GET', `/relay/v1/events/${id}`)));
			while (detail.deliveries[0]?.state === 'leased');
			expect(detail).toMatchObject({
				id,
				source_id: 'default',
				state: 'accepted',
				workflow_id: 'wf-1',
				duplicates: 0,
			});
			expect(detail.deliveries).toEqual([
				expect.objectContaining({
					subscription_id: subscription.id,
					state: 'delivered',
					next_attempt_at: null,
					delivered_at: expect.any(String),
					attempts: [expect.objectContaining({ attempt: 1, status: 200, error: null })],
				}),
			]);
		} finally {
			await receiver.close();
		}
	});

	test('a new subscription does not get the events stored before it', async () => {
		const receiver = await startReceiver();
		try {
			const before = await ingest(webhook('wf-before'));
			await subscribe({ url: receiver.url });
			await ingest(webhook('wf-after'));
			await receiver.waitFor(1);
			expect(JSON.parse(receiver.received[0]?.body ?? '')).toMatchObject({ workflow_id: 'wf-after' });
			const detail = EventDetail.parse(await json(await relay.call('GET', `/relay/v1/events/${before}`)));
			expect(detail.deliveries).toEqual([]);
		} finally {
			await receiver.close();
		}
	});

	test('a quarantined one says why', async () => {
		const id = await ingest('not JSON');
		expect(await json(await relay.call('GET', `/relay/v1/events/${id}`))).toMatchObject({
			state: 'quarantined',
			quarantine_reason: expect.any(String),
			workflow_id: null,
			bytes: 8,
			deliveries: [],
		});
	});

	test('an unknown one is a 404', async () => {
		await expectProblem(await relay.call('GET', '/relay/v1/events/evt_none'), 404, 'event_not_found');
	});

	test.each([
		'limit=0',
		'limit=101',
		'limit=x',
		'limit=1.5',
		'cursor=x',
		'cursor=',
		'workflow_id=',
		'lmit=1',
	])('?%s is refused, naming the parameter', async (query) => {
		const problem = await expectProblem(
			await relay.call('GET', `/relay/v1/events?${query}`),
			400,
			'invalid_request',
		);
		const [name = ''] = query.split('=');
		expect(JSON.stringify(problem.errors)).toContain(name);
	});
});

describe('health', () => {
	test('the process is alive and ready', async () => {
		expect(await json(await relay.call('GET', '/healthz', { token: null }))).toEqual({ status: 'ok' });
		expect(await json(await relay.call('GET', '/readyz', { token: null }))).toEqual({ status: 'ready' });
	});

	test('it is not ready while the store can not write, and ready again after', async () => {
		const clock = createTestClock();
		const steered = await startTestRelay({ clock });
		const ping = jest
			.spyOn(steered.relay.store, 'ping')
			.mockRejectedValueOnce(new StoreError('full', 'no space'));
		await expectProblem(await steered.call('GET', '/readyz'), 503, 'store_full');
		expect((await steered.call('GET', '/healthz')).status).toBe(200);
		// Asking is a write, so that the answer stands for a second, whoever asks.
		await expectProblem(await steered.call('GET', '/readyz'), 503, 'store_full');
		expect(ping).toHaveBeenCalledTimes(1);
		await clock.advance(1_000);
		expect((await steered.call('GET', '/readyz')).status).toBe(200);
		expect(ping).toHaveBeenCalledTimes(2);
		await steered.close();
	});

	test('many who ask at once cost one question to the store', async () => {
		let answer = () => {};
		const ping = jest
			.spyOn(relay.relay.store, 'ping')
			.mockImplementation(() => new Promise((resolve) => (answer = resolve)));
		const both = [relay.call('GET', '/readyz'), relay.call('GET', '/readyz')];
		while (ping.mock.calls.length === 0) await relay.call('GET', '/healthz');
		await relay.call('GET', '/healthz');
		answer();
		expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 200]);
		expect(ping).toHaveBeenCalledTimes(1);
	});
});

describe('every answer', () => {
	test.each(['/healthz', '/relay/v1/sources', '/nowhere', '/in/unknown'])(
		'of %s carries the security headers',
		async (path) => {
			const { headers } = await relay.call('GET', path);
			expect(Object.fromEntries(headers)).toMatchObject({
				'x-content-type-options': 'nosniff',
				'cache-control': 'no-store',
				'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
			});
			expect(headers.get('server') ?? headers.get('x-powered-by')).toBeNull();
		},
	);

	test.each(['/nowhere', '/relay/v1', '/relay/v1/nothing', '/%', '/api/v2/whoami'])(
		'of %s is a problem document',
		async (path) => {
			const { fix } = await expectProblem(await relay.call('GET', path), 404, 'not_found');
			const [, docs] = /GET (\S+) lists the endpoints/.exec(fix)!;
			expect((await relay.call('GET', docs!)).status).toBe(200);
		},
	);

	test('a defect is a 500 that tells nothing of its cause', async () => {
		jest.spyOn(relay.relay.store, 'listSources').mockRejectedValue(new Error('SELECT secret FROM t'));
		const response = await relay.call('GET', '/relay/v1/sources');
		const problem = await expectProblem(response, 500, 'internal');
		expect(JSON.stringify(problem)).not.toContain('SELECT');
		expect(relay.logs()).toContain('SELECT secret FROM t');
	});
});
