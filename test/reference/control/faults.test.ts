import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answer, contacts, startReceiver, until } from '../harness.ts';
import type { Json } from '../harness.ts';
import { createTestClock } from '../../support/test-clock.ts';
import { follow, startSteered } from './harness.ts';
import type { Steered } from './harness.ts';

let steered: Steered;
let key: string;
beforeEach(async () => {
	steered = await startSteered();
	({ key } = await steered.account());
});
afterEach(() => steered.close());

const order = async (fault: object, more: object = {}) => {
	const { status, body } = await steered.send('POST', '/reference/faults', { body: { fault, ...more } });
	if (status !== 201) throw new Error(JSON.stringify(body));
	return body;
};
const listed = async () => (await steered.send('GET', '/reference/faults')).body.faults;
const latest = async () => (await steered.send('GET', '/reference/requests?limit=1')).body.requests[0];
const whoami = () => steered.as(key)('GET', '/api/v2/whoami');
const create = (name: string) => steered.as(key)('POST', '/api/v2/lead-lists', { name });
const lists = async () => (await steered.as(key)('GET', '/api/v2/lead-lists')).body.total;
const reason = (sent: Promise<unknown>) =>
	sent.then(
		() => 'answered',
		(error: NodeJS.ErrnoException) => error.code,
	);

describe('a status', () => {
	it('comes in the format of the endpoint, before the key is looked at', async () => {
		await order({ type: 'status', status: 503 });
		expect(await steered.send('GET', '/api/v2/whoami')).toMatchObject({
			status: 503,
			body: {
				error: { code: 'service_unavailable', retryable: false, request_id: expect.stringMatching(/^req_/) },
			},
		});
		const legacy = await steered.send('GET', '/api/v1/public/enrich/status');
		expect([legacy.status, legacy.body]).toEqual([503, { detail: expect.stringContaining('ordered') }]);
		expect(legacy.headers['retry-after']).toBeUndefined();
	});

	it('has the code, the words and the Retry-After that were ordered', async () => {
		await order({
			type: 'status',
			status: 500,
			code: 'internal_error',
			message: 'Boom 💥',
			retry_after_s: 7,
		});
		const v2 = await whoami();
		expect(v2.headers['retry-after']).toBe('7');
		expect(v2.body.error).toMatchObject({
			code: 'internal_error',
			problem: 'Boom 💥',
			retry_after_ms: 7_000,
		});
		expect((await steered.send('GET', '/api/v1/public/enrich/status')).body).toEqual({ detail: 'Boom 💥' });
	});

	it('before the request was processed leaves nothing done, after it everything', async () => {
		await order({ type: 'status', status: 502 }, { times: 1 });
		expect((await create('A')).status).toBe(502);
		expect(await lists()).toBe(0);
		await order({ type: 'status', status: 502, when: 'after', retry_after_s: 3 }, { times: 1 });
		const lost = await create('A');
		expect([lost.status, lost.headers['retry-after']]).toEqual([502, '3']);
		expect(lost.body.error.code).toBe('service_unavailable');
		expect(await lists()).toBe(1);
	});

	it('reaches paths that there are not, and key management', async () => {
		await order({ type: 'status', status: 418 });
		expect((await steered.send('GET', '/api/v2/nowhere')).status).toBe(418);
		expect((await steered.send('POST', '/api/v1/api-keys', { body: {} })).status).toBe(418);
	});

	it('does not reach what steers', async () => {
		await order({ type: 'status', status: 500 });
		expect((await steered.send('GET', '/reference/state')).status).toBe(200);
	});
});

it('storms with 429', async () => {
	await order({ type: 'rate_limit', retry_after_s: 2 }, { times: 3 });
	for (let i = 0; i < 3; i++) {
		const { status, headers, body } = await whoami();
		expect([status, headers['retry-after'], body.error.code, body.error.retry_after_ms]).toEqual([
			429,
			'2',
			'rate_limited',
			2_000,
		]);
	}
	expect((await whoami()).status).toBe(200);
});

describe('latency', () => {
	it('is real time, whatever the reference’s clock does', async () => {
		await steered.send('POST', '/reference/clock/freeze');
		await order({ type: 'latency', ms: 5_000 }, { times: 1 });
		let answered = false;
		const sent = whoami().then((reply) => ((answered = true), reply));
		await until(async () => (await listed())[0].hits === 1);
		await steered.send('POST', '/reference/clock/advance', { body: { ms: 60_000 } });
		await steered.base.advance(4_999);
		await steered.send('GET', '/reference/state');
		expect(answered).toBe(false);
		await steered.base.advance(1);
		expect((await sent).status).toBe(200);
	});

	it('ends with the server, and with a reset', async () => {
		await order({ type: 'latency', ms: 600_000 }, { times: 2 });
		const first = whoami();
		await until(async () => (await listed())[0].hits === 1);
		await steered.send('POST', '/reference/reset');
		expect([200, 401]).toContain((await first).status);
		await order({ type: 'latency', ms: 600_000 });
		const second = reason(whoami());
		await until(async () => (await listed())[0].hits === 1);
		await steered.close();
		expect(await second).toBe('ECONNRESET');
		steered = await startSteered();
	});
});

describe('a connection', () => {
	it.each(['reset', 'empty_reply'])('ends by %s before or after the request was processed', async (type) => {
		await order({ type }, { times: 1 });
		expect(await reason(create('A'))).toBe('ECONNRESET');
		expect(await latest()).toMatchObject({ operation: 'create_list', status: null, faults: ['fault_1'] });
		expect(await lists()).toBe(0);
		await order({ type, when: 'after' }, { times: 1 });
		expect(await reason(create('A'))).toBe('ECONNRESET');
		expect(await latest()).toMatchObject({ operation: 'create_list', status: null, response_body: null });
		expect(await lists()).toBe(1);
	});
});

it('breaks the JSON off, with the status it would have had', async () => {
	await order({ type: 'malformed_json' });
	for (const reply of [await whoami(), await steered.send('GET', '/api/v2/whoami')]) {
		expect(reply.body).toBeUndefined();
		expect(reply.text).toMatch(/^\{"/);
	}
	expect((await create('Ä'.repeat(50))).status).toBe(201);
});

it('dribbles', async () => {
	await order({ type: 'dribble', bytes: 7, every_ms: 1_000 }, { times: 1 });
	const pieces: string[] = [];
	let ended = false;
	const sent = request(`${steered.baseUrl}/api/v2/nowhere`, (response) => {
		response.on('data', (chunk: Buffer) => pieces.push(chunk.toString()));
		response.on('end', () => (ended = true));
	});
	sent.end();
	await until(() => pieces.length === 1);
	await steered.send('GET', '/reference/state');
	expect(pieces).toEqual(['{"error']);
	await steered.base.advance(1_000);
	await until(() => pieces.length === 2);
	while (!ended) await steered.base.advance(1_000);
	expect(JSON.parse(pieces.join('')).error.code).toBe('not_found');
	expect((await latest()).response_body.text).toBe(pieces.join(''));
});

describe('a rule', () => {
	it('is for a method, a path, an operation, a key', async () => {
		const other = (await steered.account()).key;
		const rules: Json[] = [
			{ method: 'POST' },
			{ path: '/api/v2/lead-lists' },
			{ path: '/api/*/lead-lists*' },
			{ operation: 'list_lists' },
			{ key_last4: other.slice(-4) },
		];
		for (const match of rules) await order({ type: 'latency', ms: 1 }, { match });
		const met = async (sent: Promise<unknown>) => {
			let done = false;
			void sent.then(() => (done = true));
			while (!done) await steered.base.advance(1);
			return (await latest()).faults;
		};
		expect(await met(create('A'))).toEqual(['fault_1', 'fault_2', 'fault_3']);
		expect(await met(steered.as(key)('GET', '/api/v2/lead-lists?limit=1'))).toEqual([
			'fault_2',
			'fault_3',
			'fault_4',
		]);
		expect(await met(steered.as(key)('GET', '/api/v1/public/lead-lists/x'))).toEqual(['fault_3']);
		expect(await met(steered.as(other)('GET', '/api/v2/whoami'))).toEqual(['fault_5']);
		expect(await met(whoami())).toEqual([]);
	});

	it('happens as often as it says, and counts', async () => {
		await order({ type: 'malformed_json' }, { times: 2, match: { operation: 'whoami' } });
		const bodies = [await whoami(), await whoami(), await whoami()].map(({ body }) => body === undefined);
		expect(bodies).toEqual([true, true, false]);
		expect(await listed()).toEqual([
			{
				id: 'fault_1',
				hits: 2,
				match: { operation: 'whoami' },
				times: 2,
				probability: null,
				fault: { type: 'malformed_json' },
			},
		]);
	});

	it('happens by chance, and the same again after a reset', async () => {
		const play = async () => {
			await steered.send('POST', '/reference/seed', { body: { seed: 'dice' } });
			await order({ type: 'malformed_json' }, { probability: 0.5 });
			const rolls: boolean[] = [];
			for (let i = 0; i < 40; i++) rolls.push((await steered.send('GET', '/api/v2/x')).body === undefined);
			return rolls;
		};
		const first = await play();
		const hits = first.filter(Boolean).length;
		expect(hits).toBeGreaterThan(10);
		expect(hits).toBeLessThan(30);
		expect(await play()).toEqual(first);
	});

	it('can be taken away, alone or with all', async () => {
		for (let i = 0; i < 3; i++) await order({ type: 'malformed_json' });
		expect((await steered.send('DELETE', '/reference/faults/fault_2')).body).toEqual({ removed: 1 });
		expect((await listed()).map(({ id }: { id: string }) => id)).toEqual(['fault_1', 'fault_3']);
		expect((await steered.send('DELETE', '/reference/faults/fault_2')).status).toBe(404);
		expect((await steered.send('DELETE', '/reference/faults')).body).toEqual({ removed: 2 });
		expect((await whoami()).status).toBe(200);
	});

	it('tells the feed when it is made, when it happens and when it goes', async () => {
		const feed = await follow(steered.baseUrl);
		await order({ type: 'malformed_json' });
		expect((await feed.next('faults')).data.faults[0].hits).toBe(0);
		await whoami();
		expect((await feed.next('faults')).data.faults[0].hits).toBe(1);
		await steered.send('DELETE', '/reference/faults');
		expect((await feed.next('faults')).data.faults).toEqual([]);
		feed.close();
	});

	it('is one of at most 100', async () => {
		for (let i = 0; i < 100; i++) await order({ type: 'malformed_json' }, { match: { path: '/x' } });
		const { status, body } = await steered.send('POST', '/reference/faults', {
			body: { fault: { type: 'malformed_json' } },
		});
		expect([status, body.error.code]).toEqual([409, 'limit_reached']);
	});

	it.each<[unknown, string]>([
		[undefined, ''],
		[{}, 'fault'],
		[{ fault: { type: 'explode' } }, 'fault.type'],
		[{ fault: { type: 'status', status: 200 } }, 'fault.status'],
		[{ fault: { type: 'status' } }, 'fault.status'],
		[{ fault: { type: 'latency', ms: 0 } }, 'fault.ms'],
		[{ fault: { type: 'reset', when: 'later' } }, 'fault.when'],
		[{ fault: { type: 'malformed_json' }, match: { operation: 'who' } }, 'match.operation'],
		[{ fault: { type: 'malformed_json' }, match: { key_last4: 'abc' } }, 'match.key_last4'],
		[{ fault: { type: 'malformed_json' }, match: { path: 'api' } }, 'match.path'],
		[{ fault: { type: 'malformed_json' }, times: 0 }, 'times'],
		[{ fault: { type: 'malformed_json' }, probability: 0 }, 'probability'],
		[{ fault: { type: 'malformed_json' }, times: 1, probability: 0.5 }, 'probability'],
		[{ fault: { type: 'webhook_never' }, match: { method: 'GET' } }, 'match'],
		[{ fault: { type: 'malformed_json' }, time: 1 }, 'time'],
	])('is refused when it is none: %j', async (body, path) => {
		const refused = await steered.send('POST', '/reference/faults', { body });
		expect(refused.status).toBe(422);
		expect(refused.body.error.details.problems[0].path).toBe(path);
		expect(await listed()).toEqual([]);
	});
});

describe('a webhook', () => {
	let receiver: Awaited<ReturnType<typeof startReceiver>>;
	beforeEach(async () => {
		receiver = await startReceiver();
		await steered.send('POST', '/reference/clock/freeze');
	});
	afterEach(() => receiver.close());

	const run = async (count = 5) =>
		(
			await steered.as(key)('POST', '/api/v1/public/enrich/bulk', {
				contacts: contacts(count),
				enrichment_type: 'full',
				webhook_url: receiver.url,
			})
		).body;
	const advance = (ms: number) => steered.send('POST', '/reference/clock/advance', { body: { ms } });
	const deliveries = async (id: string) =>
		(await steered.as(key)('GET', `/api/v1/public/webhooks/deliveries?workflow_id=${id}`)).body.deliveries;

	it('comes twice, with the same bytes', async () => {
		await order({ type: 'webhook_duplicate' }, { times: 1 });
		const { workflow_id } = await run();
		await advance(60_000);
		expect(receiver.received).toHaveLength(2);
		expect(receiver.received[1]!.body).toEqual(receiver.received[0]!.body);
		expect(await deliveries(workflow_id)).toHaveLength(1);
		await run();
		await advance(60_000);
		expect(receiver.received).toHaveLength(3);
	});

	it('comes twice after a restart, too, when it had not been taken before', async () => {
		await steered.close();
		const folder = mkdtempSync(join(tmpdir(), 'reference-faults-'));
		const options = { path: join(folder, 'reference.sqlite'), clock: createTestClock() };
		try {
			steered = await startSteered(options);
			({ key } = await steered.account({ key }));
			await order({ type: 'webhook_duplicate' }, { times: 1 });
			receiver.behave = answer(500);
			await run();
			await advance(1_500);
			expect(receiver.received).toHaveLength(1);
			await steered.close();

			steered = await startSteered(options);
			receiver.behave = answer(200);
			await advance(60_000);
			expect(receiver.received).toHaveLength(3);
		} finally {
			await steered.close();
			rmSync(folder, { recursive: true });
			steered = await startSteered();
		}
	});

	it('comes twice no more after a reset, although the workflow has the same id again', async () => {
		const { accounts } = (await steered.send('POST', '/reference/seed', { body: { seed: 7 } })).body;
		[{ key }] = accounts;
		await order({ type: 'webhook_duplicate' });
		receiver.behave = answer(500);
		const before = await run();
		await advance(1_500);
		expect(receiver.received).toHaveLength(1);

		await steered.send('POST', '/reference/reset');
		receiver.behave = answer(200);
		expect((await run()).workflow_id).toBe(before.workflow_id);
		await advance(60_000);
		expect(receiver.received).toHaveLength(2);
	});

	it('comes late', async () => {
		await order({ type: 'webhook_late', ms: 60_000 });
		await run();
		await advance(61_499);
		expect(receiver.received).toHaveLength(0);
		await advance(1);
		expect(receiver.received).toHaveLength(1);
		expect(receiver.received[0]!.body.completed_at).toBe('2026-01-05T09:00:01.500Z');
	});

	it('never comes, and the results are there all the same', async () => {
		await order({ type: 'webhook_never' });
		const { workflow_id, task_ids } = await run();
		await advance(60_000);
		expect(receiver.received).toHaveLength(0);
		expect(await deliveries(workflow_id)).toEqual([]);
		const task = await steered.as(key)('GET', `/api/v1/public/enrich/status?task_id=${task_ids[4]}`);
		expect(task.body.result).not.toBeNull();
	});

	it.each([
		[2, 3, 2],
		[5, 0, 5],
		[250, 0, 5],
	])('leaves the last %i results out', async (left, there, counted) => {
		await order({ type: 'webhook_truncated', results: left });
		const { task_ids } = await run();
		await advance(2_000);
		const { body } = receiver.received[0]!;
		expect(body.results.map((one: Json) => one.task_id)).toEqual(task_ids.slice(0, there));
		expect([body.results_truncated, body.summary.total]).toEqual([counted, 5]);
	});

	it('has nested items, truncated too', async () => {
		await order({ type: 'webhook_nested_items' });
		await order({ type: 'webhook_truncated', results: 4 });
		const { task_ids } = await run();
		await advance(2_000);
		const { body } = receiver.received[0]!;
		expect(body.results).toHaveLength(1);
		expect(body.results[0]).toMatchObject({ task_id: task_ids[0], result: { phones: expect.any(Array) } });
		expect(body.results[0]).not.toHaveProperty('primary_email');
	});

	it('is met by the path of its URL', async () => {
		await order({ type: 'webhook_never' }, { match: { path: '/elsewhere/*' } });
		await order({ type: 'webhook_late', ms: 1 }, { match: { path: '/in/*' } });
		await run();
		await advance(2_000);
		expect((await listed()).map(({ hits }: { hits: number }) => hits)).toEqual([0, 1]);
		expect(receiver.received).toHaveLength(1);
	});

	it('tells the feed of each attempt', async () => {
		const feed = await follow(steered.baseUrl);
		receiver.behave = (response, nth) => answer(nth === 1 ? 500 : 200)(response, nth);
		const { workflow_id } = await run();
		await advance(60_000);
		expect((await feed.next('webhook')).data).toMatchObject({
			workflow_id,
			attempt_number: 1,
			status: 'failed',
			response_code: 500,
			error_message: 'HTTP 500',
			next_retry_at: '2026-01-05T09:00:02.500Z',
		});
		expect((await feed.next('webhook')).data).toMatchObject({ attempt_number: 2, status: 'succeeded' });
		feed.close();
	});
});
