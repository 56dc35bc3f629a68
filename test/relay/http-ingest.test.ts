import { once } from 'node:events';
import { METHODS, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { IngestResponse } from '../../relay/src/contract/relay-api.ts';
import { StoreError } from '../../relay/src/store/port.ts';
import { createTestClock } from '../support/test-clock.ts';
import { until } from '../support/until.ts';
import { expectProblem, startTestRelay, webhook } from './harness.ts';
import type { TestRelay } from './harness.ts';

const MIB = 1024 * 1024;
let relay: TestRelay;
beforeEach(async () => {
	relay = await startTestRelay();
});
afterEach(async () => {
	jest.restoreAllMocks();
	await relay.close();
});

const stored = async (response: Response) => {
	expect(response.status).toBe(200);
	return IngestResponse.parse(await response.json());
};
const events = () => relay.relay.store.listEvents({ limit: 100 });

test('a webhook is answered with the id of the event it became', async () => {
	const { event_id, status } = await stored(await relay.ingest(webhook('wf-1')));
	expect(status).toBe('stored');
	expect(await events()).toEqual([
		expect.objectContaining({ id: event_id, state: 'accepted', workflowId: 'wf-1', sourceId: 'default' }),
	]);
});

test('the 2xx comes after the store has the event, not before', async () => {
	let release = () => {};
	const held = new Promise<void>((resolve) => (release = resolve));
	const ingest = relay.relay.store.ingest.bind(relay.relay.store);
	const reached = new Promise<void>((resolve) => {
		jest.spyOn(relay.relay.store, 'ingest').mockImplementation(async (event) => {
			resolve();
			await held;
			return ingest(event);
		});
	});
	let answered = false;
	const answer = relay.ingest(webhook('wf-1')).then((response) => {
		answered = true;
		return response;
	});
	await reached;
	// A round trip of another request gives an answer sent too early every chance to arrive.
	await relay.call('GET', '/healthz');
	expect(answered).toBe(false);
	release();
	await stored(await answer);
});

test('an ingest URL that was pasted with a slash behind it is the same one', async () => {
	const post = (url: string) => fetch(url, { method: 'POST', body: webhook('wf-1') });
	const first = await stored(await post(`${relay.ingestUrl}/?from=form`));
	expect(await stored(await post(relay.ingestUrl))).toEqual({ ...first, status: 'duplicate' });
	expect((await post(`${relay.ingestUrl}//`)).status).toBe(404);
	await expectProblem(await fetch(`${relay.ingestUrl}/`), 405, 'method_not_allowed');
});

test('the same workflow again is a duplicate of the first event', async () => {
	const first = await stored(await relay.ingest(webhook('wf-1')));
	const again = await stored(await relay.ingest(webhook('wf-1')));
	expect(again).toEqual({ event_id: first.event_id, status: 'duplicate' });
});

test('the same workflow twice at the same moment is one event and one duplicate', async () => {
	const answers = await Promise.all([1, 2].map(async () => stored(await relay.ingest(webhook('wf-1')))));
	expect(answers.map(({ status }) => status).sort()).toEqual(['duplicate', 'stored']);
	expect(new Set(answers.map(({ event_id }) => event_id)).size).toBe(1);
	expect(await events()).toEqual([expect.objectContaining({ duplicates: 1 })]);
});

test('names with emoji and other scripts arrive byte for byte', async () => {
	const body = webhook('wf-😀', { results: [{ first_name: 'Zoë 🦄', company_name: '株式会社' }] });
	await stored(await relay.ingest(body));
	expect(await events()).toEqual([
		expect.objectContaining({ workflowId: 'wf-😀', bytes: Buffer.byteLength(body) }),
	]);
});

test.each([
	['text', 'hello', { 'content-type': 'text/plain' }],
	['JSON of no known shape', '[1,2]', { 'content-type': 'application/json' }],
	['broken JSON', '{"workflow_id":', { 'content-type': 'application/json' }],
	['nothing', '', {}],
	['a form', 'a=1&b=2', { 'content-type': 'application/x-www-form-urlencoded' }],
	['bytes that are no text', new Uint8Array([0xff, 0xfe, 0x00, 0x80]), { 'content-type': 'image/png' }],
])('%s is kept in quarantine, not refused', async (_, body, headers) => {
	const { event_id } = await stored(await relay.ingest(body, headers));
	expect(await events()).toEqual([expect.objectContaining({ id: event_id, state: 'quarantined' })]);
});

test.each(['nonsense', ';;;', 'application/json; charset=', 'a/b/c'])(
	'a content type of %j is no reason to lose a webhook',
	async (contentType) => {
		await stored(await relay.ingest(webhook('wf-1'), { 'content-type': contentType }));
		expect(await events()).toEqual([expect.objectContaining({ state: 'accepted', contentType })]);
	},
);

test('a body of exactly 4 MiB is kept', async () => {
	const frame = webhook('wf-1', { padding: '' }).length;
	const body = webhook('wf-1', { padding: 'x'.repeat(4 * MIB - frame) });
	expect(body).toHaveLength(4 * MIB);
	await stored(await relay.ingest(body));
	expect(await events()).toEqual([expect.objectContaining({ state: 'accepted', bytes: 4 * MIB })]);
});

test('a byte more is answered 413 and nothing is kept', async () => {
	const problem = await expectProblem(await relay.ingest('x'.repeat(4 * MIB + 1)), 413, 'too_large');
	expect(problem.detail).toContain(String(4 * MIB));
	expect(await events()).toEqual([]);
});

test('a byte more without a Content-Length is answered 413 and nothing is kept', async () => {
	const status = await new Promise<number | undefined>((resolve, reject) => {
		const request = httpRequest(relay.ingestUrl, { method: 'POST' }, (response) => {
			response.resume();
			resolve(response.statusCode);
		});
		request.on('error', reject);
		for (let i = 0; i < 4; i++) request.write(Buffer.alloc(MIB, 'x'));
		request.end('x');
	});
	expect(status).toBe(413);
	expect(await events()).toEqual([]);
});

test('an upload that breaks off keeps nothing', async () => {
	await new Promise<void>((resolve) => {
		const request = httpRequest(relay.ingestUrl, { method: 'POST', headers: { 'content-length': '1000' } });
		request.on('error', () => resolve());
		request.write(webhook('wf-1').slice(0, 100), () => request.destroy());
		request.on('close', () => resolve());
	});
	// Served after the broken one on the same server, so the broken one has been dealt with.
	await stored(await relay.ingest(webhook('wf-2')));
	expect(await events()).toEqual([expect.objectContaining({ workflowId: 'wf-2' })]);
	// The network's doing, and none of the relay's.
	await until('it was answered', () => relay.logs().includes('"wf-2"'));
	expect(relay.logs()).not.toContain('request failed');
});

test.each(['unknown', 'A'.repeat(43), 'x'.repeat(500), '😀'])(
	'the unknown token %s is a 404 that says where to find the right one',
	async (token) => {
		const response = await fetch(`${relay.url}/in/${token}`, { method: 'POST', body: webhook('wf-1') });
		const problem = await expectProblem(
			response,
			404,
			token.length > 100 ? 'not_found' : 'unknown_ingest_token',
		);
		expect(problem.detail + problem.fix).not.toContain(token);
		expect(await events()).toEqual([]);
	},
);

/** CONNECT has no path. */
const OTHERS = METHODS.filter((method) => method !== 'POST' && method !== 'CONNECT');

// Not by fetch, which does not send all of them.
async function send(method: string, path: string): Promise<Response> {
	const request = httpRequest(`${relay.url}${path}`, { method, agent: false }).end();
	const [answer] = (await once(request, 'response')) as [IncomingMessage];
	const body = Buffer.concat(await answer.toArray());
	return new Response(body, {
		status: answer.statusCode!,
		headers: answer.headers as Record<string, string>,
	});
}

test.each(OTHERS)('%s is answered 405, naming POST', async (method) => {
	const response = await send(method, `${new URL(relay.ingestUrl).pathname}/?from=form`);
	expect(response.headers.get('allow')).toBe('POST');
	if (method === 'HEAD') expect(response.status).toBe(405);
	else await expectProblem(response, 405, 'method_not_allowed');
});

test('QUERY is told of a path that is not there what any method is, and not that it broke off', async () => {
	for (const path of ['/in', '/in/', '/in/a/b', '/inn/a', '/relay/v1/sources']) {
		const { detail } = await expectProblem(await send('QUERY', path), 404, 'not_found');
		expect(detail).toBe('There is no QUERY endpoint at this path.');
	}
});

test.each([
	['full', 'store_full'],
	['busy', 'store_busy'],
	['readonly', 'store_failed'],
	['failed', 'store_failed'],
] as const)('a store that is %s is answered 503 with a time to come back', async (code, problem) => {
	jest.spyOn(relay.relay.store, 'ingest').mockRejectedValue(new StoreError(code, 'told by the disk'));
	const response = await relay.ingest(webhook('wf-1'));
	expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
	await expectProblem(response, 503, problem);
});

test('guessing tokens is slowed down, and never for the token that is right', async () => {
	const clock = createTestClock();
	const other = await startTestRelay({ clock });
	try {
		const guess = () => fetch(`${other.url}/in/guess`, { method: 'POST', body: '{}' });
		for (let i = 0; i < 60; i++) expect((await guess()).status).toBe(404);
		const refused = await guess();
		expect(refused.headers.get('retry-after')).toBe('60');
		await expectProblem(refused, 429, 'too_many_requests');
		await stored(await other.ingest(webhook('wf-1')));

		await clock.advance(60_000);
		expect((await guess()).status).toBe(404);
	} finally {
		await other.close();
	}
});

test.each([
	['believed from a proxy that is trusted', { RELAY_TRUST_PROXY: '127.0.0.1' }, 404],
	['not believed from anyone else', {}, 429],
])('X-Forwarded-For is %s', async (_, env, expected) => {
	const other = await startTestRelay({ env: env, clock: createTestClock() });
	try {
		const guessFrom = (address: string) =>
			fetch(`${other.url}/in/guess`, { method: 'POST', body: '{}', headers: { 'x-forwarded-for': address } });
		for (let i = 0; i < 60; i++) await guessFrom('192.0.2.1');
		expect((await guessFrom('192.0.2.2')).status).toBe(expected);
	} finally {
		await other.close();
	}
});
