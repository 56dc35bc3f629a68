import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createAddressGuard } from '../../relay/src/delivery/address-guard.ts';
import {
	ATTEMPT_MS,
	FIRST_BYTE_MS,
	MAX_RESPONSE_BYTES,
	createSender,
} from '../../relay/src/delivery/sender.ts';
import type { Sender } from '../../relay/src/delivery/sender.ts';
import { createAuthority } from '../support/certificates.ts';
import { createTestClock } from '../support/test-clock.ts';
import type { TestClock } from '../support/test-clock.ts';
import { until } from '../support/until.ts';
import { startReceiver } from './receiver.ts';
import type { Receiver } from './receiver.ts';

describe('sender', () => {
	let clock: TestClock;
	let sender: Sender;
	let receiver: Receiver;
	beforeEach(async () => {
		clock = createTestClock();
		sender = createSender({ clock, guard: createAddressGuard({ allow: ['127.0.0.1'] }) });
		receiver = await startReceiver();
	});
	afterEach(async () => {
		await sender.close();
		await receiver.close();
	});

	const send = (url = receiver.url) =>
		sender.send({
			url,
			headers: { 'content-type': 'text/plain', 'webhook-id': 'evt_1' },
			body: Buffer.from('Zoë'),
		});

	it('posts the bytes with path, query and headers, and leaves no timer behind', async () => {
		expect(await send()).toMatchObject({ status: 200, error: null, response: '{}', retryAfter: null });
		expect(receiver.received).toEqual([
			expect.objectContaining({ path: '/webhook/test?secret=1', body: Buffer.from('Zoë') }),
		]);
		expect(receiver.received[0]?.headers).toMatchObject({
			'content-type': 'text/plain',
			'content-length': '4',
			'webhook-id': 'evt_1',
			'user-agent': expect.stringMatching(/^cleanlist-relay\/\d/) as string,
		});
		expect(clock.pending).toBe(0);
	});

	it.each([204, 404, 409, 410, 500])('reports the status %i', async (status) => {
		receiver.answer((response) => response.writeHead(status).end());
		expect(await send()).toMatchObject({ status, error: status < 300 ? null : 'http' });
	});

	it('follows no redirect', async () => {
		receiver.answer(302, { location: `http://127.0.0.1:${receiver.port}/elsewhere` });
		expect(await send()).toMatchObject({ status: 302, error: 'http' });
		expect(receiver.received).toHaveLength(1);
	});

	it('passes Retry-After on', async () => {
		receiver.answer(503, { 'retry-after': '120' });
		expect(await send()).toMatchObject({ status: 503, retryAfter: '120' });
	});

	it('says what went wrong: no server', async () => {
		await receiver.close();
		expect(await send()).toMatchObject({ status: null, error: 'connect', response: null });
	});

	it('says what went wrong: an address that is not allowed', async () => {
		expect(await send('http://10.0.0.1/')).toMatchObject({ status: null, error: 'blocked' });
	});

	it('says what went wrong: the connection is reset', async () => {
		receiver.answer((response) => response.socket?.resetAndDestroy());
		expect(await send()).toMatchObject({ status: null, error: 'reset' });
	});

	it('says what went wrong: an empty reply', async () => {
		receiver.answer((response) => response.socket?.end());
		expect(await send()).toMatchObject({ status: null, error: 'reset' });
	});

	it('says what went wrong: plain HTTP where TLS was expected', async () => {
		expect(await send(receiver.url.replace('http:', 'https:'))).toMatchObject({ status: null, error: 'tls' });
	});

	it('gives up on an answer that does not begin within 10 s', async () => {
		receiver.answer(() => undefined);
		const sent = send();
		await until('the request arrived', () => receiver.received.length === 1);
		await clock.advance(FIRST_BYTE_MS);
		expect(await sent).toMatchObject({ status: null, error: 'timeout', durationMs: FIRST_BYTE_MS });
		expect(clock.pending).toBe(0);
	});

	it('keeps the status of an answer that drips, and stops reading at 15 s', async () => {
		let dripped = 0;
		receiver.answer((response) => {
			response.writeHead(200).write('drip', () => dripped++);
		});
		const sent = send();
		await until('the answer began', () => dripped === 1 && clock.pending === 1);
		await clock.advance(ATTEMPT_MS);
		expect(await sent).toMatchObject({ status: 200, error: null, response: 'drip', durationMs: ATTEMPT_MS });
	});

	it('reads 16 KiB of an answer that never ends, and no more', async () => {
		let closed = false;
		receiver.answer((response) => {
			response.on('close', () => (closed = true));
			const pour = () => {
				while (!response.destroyed && response.write('x'.repeat(64 * 1024)));
				response.once('drain', pour);
			};
			response.writeHead(200);
			pour();
		});
		const { status, response } = await send();
		expect(status).toBe(200);
		expect(response).toBe('x'.repeat(MAX_RESPONSE_BYTES));
		await until('the connection was closed', () => closed);
	});

	it('keeps whole characters of an answer that is cut', async () => {
		receiver.answer((response) => response.end(`${'x'.repeat(MAX_RESPONSE_BYTES - 2)}🦊`));
		expect((await send()).response).toBe('x'.repeat(MAX_RESPONSE_BYTES - 2));
		receiver.answer((response) => response.end(Buffer.from([0x61, 0xff, 0xe2, 0x82])));
		expect((await send()).response).toBe('a\uFFFD');
	});

	describe('timings', () => {
		const authority = createAuthority();
		const before = getCACertificates('default');
		beforeAll(() => setDefaultCACertificates([...before, authority.cert]));
		afterAll(() => setDefaultCACertificates(before));
		/** A connection is free for the next request a moment after the answer is read. */
		const idle = () => new Promise((resolve) => setImmediate(resolve));

		it('tell how long each phase took, and leave out what was not needed', async () => {
			const secure = await startReceiver({ tls: authority.issue(['n8n.example']) });
			sender = createSender({
				clock,
				guard: createAddressGuard({
					allow: ['n8n.example'],
					resolve(_name, _options, callback) {
						void clock.advance(7).then(() => callback(null, [{ address: '127.0.0.1', family: 4 }]));
					},
				}),
			});
			const answerIn = (ms: number) =>
				secure.answer((response) => void clock.advance(ms).then(() => response.writeHead(200).end()));
			const url = `https://n8n.example:${secure.port}/`;
			try {
				answerIn(20);
				expect(await send(url)).toMatchObject({
					status: 200,
					timings: { dnsMs: 7, connectMs: 0, tlsMs: 0, firstByteMs: 27 },
					durationMs: 27,
				});
				await idle();
				// Over the open connection.
				answerIn(3);
				expect(await send(url)).toMatchObject({
					status: 200,
					timings: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: 3 },
				});
			} finally {
				await secure.close();
			}
		});

		it('has no look-up for an address, no TLS for plain HTTP', async () => {
			expect((await send()).timings).toEqual({ dnsMs: null, connectMs: 0, tlsMs: null, firstByteMs: 0 });
		});

		it('ends where the attempt did', async () => {
			receiver.answer((response) => response.socket?.resetAndDestroy());
			expect((await send()).timings).toMatchObject({ connectMs: 0, firstByteMs: null });
			await receiver.close();
			expect((await send()).timings).toMatchObject({ connectMs: null, firstByteMs: null });
			expect((await send('http://10.0.0.1/')).timings).toMatchObject({ dnsMs: null, connectMs: null });
		});

		it("are each attempt's own, of many at once", async () => {
			const results = await Promise.all(Array.from({ length: 20 }, () => send()));
			expect(results.map(({ timings }) => timings.connectMs)).toEqual(Array(20).fill(0));
			await idle();
			const again = await Promise.all(Array.from({ length: 20 }, () => send()));
			expect(again.map(({ timings }) => timings.connectMs)).toEqual(Array(20).fill(null));
		});
	});

	it('keeps connections open to the receivers used last, and to no more', async () => {
		const receivers = await Promise.all([1, 2, 3].map(() => startReceiver()));
		sender = createSender({ clock, guard: createAddressGuard({ allow: ['127.0.0.1'] }), maxOrigins: 2 });
		const open = () => Promise.all(receivers.map((it) => it.connections()));
		const [first, second, third] = receivers.map(({ url }) => url);
		try {
			await send(first);
			await send(second);
			await send(first);
			expect(await open()).toEqual([1, 1, 0]);
			await send(third);
			await until('the one not used for longest is closed', async () => (await open())[1] === 0);
			expect(await open()).toEqual([1, 0, 1]);
			expect(await send(second)).toMatchObject({ status: 200 });
		} finally {
			for (const it of receivers) await it.close();
		}
	});

	it('lets what is under way end when its receiver is not one of the last any more', async () => {
		const other = await startReceiver();
		sender = createSender({ clock, guard: createAddressGuard({ allow: ['127.0.0.1'] }), maxOrigins: 1 });
		let answer: () => void = () => undefined;
		receiver.answer((response) => (answer = () => response.writeHead(204).end()));
		try {
			const sent = send();
			await until('the request arrived', () => receiver.received.length === 1);
			expect(await send(other.url)).toMatchObject({ status: 200 });
			answer();
			expect(await sent).toMatchObject({ status: 204 });
		} finally {
			await other.close();
		}
	});

	it.each(['no URL at all', 'ftp://127.0.0.1/'])('never rejects: %s', async (url) => {
		expect(await send(url)).toMatchObject({ status: null, error: 'other', response: null });
		expect(clock.pending).toBe(0);
	});

	it('never rejects: a header that is none', async () => {
		const headers = { 'content-type': 'text/plain\nx: y' };
		const sent = sender.send({ url: receiver.url, headers, body: Buffer.alloc(0) });
		expect(await sent).toMatchObject({ status: null, error: 'other' });
		expect(clock.pending).toBe(0);
	});

	it('can be broken off', async () => {
		receiver.answer(() => undefined);
		const sent = send();
		await until('the request arrived', () => receiver.received.length === 1);
		await sender.close();
		expect(await sent).toMatchObject({ status: null });
		expect(clock.pending).toBe(0);
	});
});
