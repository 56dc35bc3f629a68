import dns from 'node:dns';
import { Problem } from '../../relay/src/contract/relay-api.ts';
import type { Limits } from '../../relay/src/http/limits.ts';
import { connectRaw, statusesOf } from '../support/raw-http.ts';
import type { RawConnection } from '../support/raw-http.ts';
import { createTestClock } from '../support/test-clock.ts';
import { until } from '../support/until.ts';
import { expectProblem, startTestRelay, webhook } from './harness.ts';
import type { TestRelay } from './harness.ts';

let relay: TestRelay;
const connections: RawConnection[] = [];
const start = async (options: Parameters<typeof startTestRelay>[0] = {}) => {
	relay = await startTestRelay(options);
};
const open = async () => {
	const connection = await connectRaw(relay.port);
	connections.push(connection);
	return connection;
};
afterEach(async () => {
	for (const connection of connections.splice(0)) await connection.end();
	await relay.close();
});

const events = () => relay.relay.store.listEvents({ limit: 100 });
const get = (path = '/healthz') => `GET ${path} HTTP/1.1\r\nHost: relay\r\n\r\n`;
const post = (headers: string[], body: string) =>
	[`POST ${new URL(relay.ingestUrl).pathname} HTTP/1.1`, 'Host: relay', ...headers, '', body].join('\r\n');
const problemIn = (received: string) => {
	expect(received).toContain('content-type: application/problem+json\r\n');
	return Problem.parse(JSON.parse(received.slice(received.indexOf('\r\n\r\n') + 4)));
};

/** Node's own timers, made short: real time, some tenths of a second of it. */
const SHORT: Partial<Limits> = { headersMs: 100, requestMs: 200, checkMs: 20, idleMs: 50, silenceMs: 5_000 };

/** Sends `bytes` one by one, a few milliseconds apart, until the other side has had enough. */
function dribble(connection: RawConnection, bytes: string): void {
	let sent = 0;
	const timer = setInterval(() => connection.send(bytes[sent++ % bytes.length] ?? ''), 5);
	void connection.closed.then(() => clearInterval(timer));
}

describe('what takes too long is answered 408 and closed', () => {
	test.each([
		['a connection that says nothing', () => undefined],
		['headers that never end', (c: RawConnection) => c.send('POST /in/x HTTP/1.1\r\nHost: relay\r\n')],
		[
			'headers that come byte by byte',
			(c: RawConnection) => {
				c.send('POST /in/x HTTP/1.1\r\nHost: relay\r\n');
				dribble(c, 'X-Header: value\r\n');
			},
		],
	])('%s', async (_, attack) => {
		await start({ limits: SHORT });
		const connection = await open();
		attack(connection);
		expect(problemIn(await connection.closed)).toMatchObject({ status: 408, code: 'request_timeout' });
	});

	test('a body that comes byte by byte, and nothing of it is kept', async () => {
		await start({ limits: SHORT });
		const connection = await open();
		connection.send(post(['Content-Length: 100000'], ''));
		dribble(connection, webhook('wf-1'));
		expect(problemIn(await connection.closed)).toMatchObject({ status: 408, code: 'request_timeout' });
		expect(await events()).toEqual([]);
	});

	test('a connection in the middle of a body that falls silent is closed', async () => {
		await start({ limits: { silenceMs: 50 } });
		const connection = await open();
		connection.send(post(['Content-Length: 100000'], webhook('wf-1')));
		await connection.closed;
		expect(await events()).toEqual([]);
	});

	test('an idle connection is closed without a word, and its request was answered', async () => {
		await start({ limits: SHORT });
		const connection = await open();
		connection.send(get());
		expect(statusesOf(await connection.closed)).toEqual([200]);
	});

	test('a slow webhook within its time is taken in', async () => {
		await start({ limits: { ...SHORT, requestMs: 5_000 } });
		const connection = await open();
		const body = webhook('wf-1');
		connection.send(post([`Content-Length: ${body.length}`], ''));
		for (const part of [body.slice(0, 20), body.slice(20, 40), body.slice(40)]) {
			await new Promise((resolve) => setImmediate(resolve));
			connection.send(part);
		}
		await connection.until((received) => received.includes('"stored"'));
	});
});

describe('connections', () => {
	test('beyond the limit they are closed unread, those that are open go on, and it is logged once', async () => {
		await start({ env: { RELAY_MAX_CONNECTIONS: '2' } });
		const [first, second] = [await open(), await open()];
		first.send(get());
		second.send(get());
		await first.until((received) => received.includes('"ok"'));
		await second.until((received) => received.includes('"ok"'));
		for (let i = 0; i < 3; i++) expect(await (await open()).closed).toBe('');
		first.send(get());
		await first.until((received) => statusesOf(received).length === 2);
		expect(relay.logs().match(/connections refused/g)).toHaveLength(1);

		await second.end();
		await until('there is room again', async () => {
			const third = await open();
			third.send(get());
			return third
				.until((received) => received.includes('"ok"'))
				.then(
					() => true,
					() => false,
				);
		});
	});

	// Fastify makes a second server for the other address of that name: without our limits, and deaf to some requests.
	test('on localhost there is one server, whatever addresses the name has', async () => {
		const { lookup } = dns;
		const addresses = [1, 2].map((n) => ({ address: `127.0.0.${n}`, family: 4 }));
		const spy = jest.spyOn(dns, 'lookup').mockImplementation(((name: string, ...rest: [never, never]) => {
			const callback = rest.at(-1)! as (...found: unknown[]) => void;
			if (name === 'localhost') callback(null, addresses);
			else lookup(name, ...rest);
		}) as never);
		try {
			await start({ env: { RELAY_HOST: 'localhost' } });
			expect(relay.relay.http.addresses()).toEqual([expect.objectContaining({ address: '127.0.0.1' })]);
		} finally {
			spy.mockRestore();
		}
	});

	test('after its share of requests a connection is closed, with a warning in the last answer', async () => {
		await start({ limits: { requestsPerConnection: 3, idleMs: 50 } });
		const connection = await open();
		for (let n = 1; n <= 3; n++) {
			connection.send(get());
			await connection.until((received) => statusesOf(received).length === n);
		}
		const answers = (await connection.closed).split('HTTP/1.1 200').slice(1);
		expect(answers.map((answer) => /connection: close/i.test(answer))).toEqual([false, false, true]);
	});

	test('requests sent without waiting for answers are all taken in, and answered in their order', async () => {
		await start();
		const connection = await open();
		const bodies = ['wf-1', 'wf-2', 'wf-1'].map((id) => webhook(id));
		connection.send(bodies.map((body) => post([`Content-Length: ${body.length}`], body)).join(''));
		const received = await connection.until((text) => statusesOf(text).length === 3);
		expect(statusesOf(received)).toEqual([200, 200, 200]);
		expect([...received.matchAll(/"status":"(\w+)"/g)].map(([, status]) => status)).toEqual([
			'stored',
			'stored',
			'duplicate',
		]);
		expect((await events()).map(({ workflowId }) => workflowId)).toEqual(['wf-2', 'wf-1']);
	});
});

describe('what is no HTTP is answered with a problem, and nothing of it is kept', () => {
	const body = '{"workflow_id":"smuggled"}';
	const LENGTH = `Content-Length: ${body.length}`;
	const CHUNKED = 'Transfer-Encoding: chunked';
	const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

	test.each([
		['both Content-Length and Transfer-Encoding', () => post([LENGTH, CHUNKED], chunks)],
		['the same, the other way round', () => post([CHUNKED, LENGTH], chunks)],
		['two Content-Lengths that differ', () => post([LENGTH, 'Content-Length: 3'], body)],
		['two lengths in one header', () => post([`Content-Length: ${body.length}, ${body.length}`], body)],
		['a length with a sign', () => post([`Content-Length: +${body.length}`], body)],
		['a length that is no number', () => post(['Content-Length: 1e3'], body)],
		['an encoding that is not chunked', () => post(['Transfer-Encoding: xchunked'], chunks)],
		['chunked, and not as the last encoding', () => post(['Transfer-Encoding: chunked, identity'], chunks)],
		['a space before the colon', () => post(['Transfer-Encoding : chunked'], chunks)],
		['a header folded over two lines', () => post(['Transfer-Encoding:', ' chunked'], chunks)],
		['a chunk size that is no number', () => post([CHUNKED], `zz\r\n${body}\r\n0\r\n\r\n`)],
		['a chunk longer than it says', () => post([CHUNKED], `1\r\n${body}\r\n0\r\n\r\n`)],
		['a NUL in a header', () => post([LENGTH, 'X-Test: a\0b'], body)],
		['a bare line feed in a header', () => post([LENGTH, 'X-Test: a\nb: c'], body)],
		['a method nobody knows', () => 'SMUGGLE / HTTP/1.1\r\nHost: relay\r\n\r\n'],
		['no Host', () => 'GET /healthz HTTP/1.1\r\n\r\n'],
		['two Hosts', () => post(['Host: relay', LENGTH], body)],
		['a coded transfer in HTTP/1.0', () => post([CHUNKED], chunks).replace('HTTP/1.1', 'HTTP/1.0')],
		['the same, kept alive', () => post([CHUNKED, 'Connection: keep-alive'], chunks).replace('/1.1', '/1.0')],
		['a request of HTTP/2 in the form of HTTP/1', () => post([LENGTH], body).replace('/1.1', '/2.0')],
		['a request of HTTP/0.9', () => 'GET /healthz\r\n\r\n'],
		['TLS', () => Buffer.from('16030100c8010000c40303', 'hex')],
		['HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
	])('%s', async (_, bytes) => {
		await start();
		const connection = await open();
		connection.send(bytes());
		const received = await connection.closed;
		expect(statusesOf(received)).toEqual([400]);
		expect(problemIn(received)).toMatchObject({ status: 400, code: 'malformed_request' });
		expect(await events()).toEqual([]);
	});

	test('headers larger than 16 KiB', async () => {
		await start();
		const connection = await open();
		connection.send(post([`X-Padding: ${'x'.repeat(17 * 1024)}`], ''));
		expect(problemIn(await connection.closed)).toMatchObject({ status: 431, code: 'headers_too_large' });
	});

	test('a request of HTTP/1.0 needs no Host', async () => {
		await start();
		const connection = await open();
		const sent = webhook('wf-1');
		connection.send(
			`POST ${new URL(relay.ingestUrl).pathname} HTTP/1.0\r\nContent-Length: ${sent.length}\r\n\r\n${sent}`,
		);
		expect(await connection.closed).toContain('"stored"');
	});

	test('an expectation nobody knows is no reason to lose a webhook', async () => {
		await start();
		const connection = await open();
		const sent = webhook('wf-1');
		connection.send(post(['Expect: a-miracle', `Content-Length: ${sent.length}`], sent));
		await connection.until((received) => received.includes('"stored"'));
	});
});

test.each([
	['200', 'GET', '/healthz', {}],
	['401', 'GET', '/relay/v1/sources', { token: null }],
	['404 of a path', 'GET', '/nowhere', {}],
	['404 of a path that can not be decoded', 'GET', '/relay/v1/events/%ff', {}],
	['405', 'GET', '/in/x', {}],
	['400', 'POST', '/relay/v1/subscriptions', { body: 'not JSON' }],
	['413', 'POST', '/relay/v1/subscriptions', { body: 'x'.repeat(70_000) }],
	['415', 'POST', '/relay/v1/subscriptions', { body: 'a=b', headers: { 'content-type': 'text/plain' } }],
	['HEAD', 'HEAD', '/healthz', {}],
] as const)('an answer has the security headers: %s', async (_, method, path, options) => {
	await start();
	expectSecurityHeaders((await relay.call(method, path, options)).headers);
});

test('what never became a request is answered with the security headers too', async () => {
	await start();
	const connection = await open();
	connection.send('nonsense\r\n\r\n');
	const [, ...lines] = (await connection.closed).split('\r\n\r\n')[0]?.split('\r\n') ?? [];
	expectSecurityHeaders(new Headers(lines.map((line) => line.split(': ') as [string, string])));
});

function expectSecurityHeaders(headers: Headers): void {
	expect(Object.fromEntries(headers)).toMatchObject({
		'x-content-type-options': 'nosniff',
		'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
		'cross-origin-resource-policy': 'same-origin',
		'referrer-policy': 'no-referrer',
		'cache-control': 'no-store',
	});
	for (const telling of ['server', 'x-powered-by']) expect(headers.has(telling)).toBe(false);
}

describe('unknown tokens are limited for each sender', () => {
	const LIMIT = { unknownTokensPerMinute: 3 };
	const guess = (forwardedFor?: string) =>
		fetch(`${relay.url}/in/guess`, {
			method: 'POST',
			body: '{}',
			headers: forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor },
		});
	const useUp = async (forwardedFor: (n: number) => string) => {
		for (let n = 0; n < LIMIT.unknownTokensPerMinute; n++)
			expect((await guess(forwardedFor(n))).status).toBe(404);
	};

	test.each([
		// Whoever connects directly can write into the header what they like: it is not looked at.
		[
			'no proxy is trusted: what the header says is ignored',
			{},
			(n: number) => `203.0.113.${n}`,
			'203.0.113.99',
			429,
		],
		[
			'another proxy is trusted',
			{ RELAY_TRUST_PROXY: '10.0.0.1' },
			(n: number) => `203.0.113.${n}`,
			'203.0.113.99',
			429,
		],
		// The proxy appends the address it sees; what is to the left of it came from the sender.
		[
			'the proxy appends: a made up start changes nothing',
			{ RELAY_TRUST_PROXY: '127.0.0.1' },
			(n: number) => `10.9.8.${n}, 203.0.113.1`,
			'192.0.2.200, 203.0.113.1',
			429,
		],
		[
			'the proxy appends: another sender is not affected',
			{ RELAY_TRUST_PROXY: '127.0.0.1' },
			() => '203.0.113.1',
			'203.0.113.1, 203.0.113.2',
			404,
		],
		[
			'two proxies are trusted: the address before both counts',
			{ RELAY_TRUST_PROXY: '127.0.0.1,10.0.0.1' },
			(n: number) => `1.1.1.${n}, 203.0.113.1, 10.0.0.1`,
			'203.0.113.1, 10.0.0.1',
			429,
		],
		[
			'IPv6 senders count by their /64',
			{ RELAY_TRUST_PROXY: 'loopback' },
			(n: number) => `2001:db8:0:1::${n}`,
			'2001:db8:0:1:ffff::9',
			429,
		],
		[
			'another /64 is another sender',
			{ RELAY_TRUST_PROXY: 'loopback' },
			(n: number) => `2001:db8:0:1::${n}`,
			'2001:db8:0:2::1',
			404,
		],
		[
			'what is no address is one sender, however it reads',
			{ RELAY_TRUST_PROXY: 'loopback' },
			(n: number) => `nonsense-${n}`,
			'more nonsense',
			429,
		],
	])('%s', async (_, env, forwardedFor, then, status) => {
		await start({ env, limits: LIMIT, clock: createTestClock() });
		await useUp(forwardedFor);
		expect((await guess(then)).status).toBe(status);
	});

	test.each([
		['behind a trusted proxy', { RELAY_TRUST_PROXY: '127.0.0.1' }],
		['behind one that is not', {}],
	])('known tokens go on, although their address has used up its share: %s', async (_, env) => {
		await start({ env, limits: LIMIT, clock: createTestClock() });
		await useUp(() => '203.0.113.1');
		await expectProblem(await guess('203.0.113.1'), 429, 'too_many_requests');
		const headers = { 'x-forwarded-for': '203.0.113.1' };
		for (let n = 0; n < 5; n++) {
			expect((await relay.ingest(webhook(`wf-${n}`), headers)).status).toBe(200);
			expect((await relay.call('GET', '/relay/v1/sources', { headers })).status).toBe(200);
		}
	});
});
