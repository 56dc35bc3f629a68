import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createAddressGuard } from '../../relay/src/delivery/index.ts';
import { ATTEMPT_MS, FIRST_BYTE_MS, MAX_RESPONSE_BYTES } from '../../relay/src/delivery/sender.ts';
import type { Subscription } from '../../relay/src/store/port.ts';
import { createAuthority } from '../support/certificates.ts';
import { until } from '../support/until.ts';
import { answer, startRawServer } from './raw-server.ts';
import type { Behaviour, RawServer } from './raw-server.ts';
import { openStage, secret } from './stage.ts';
import type { Stage } from './stage.ts';

/**
 * Receivers of every kind, down to the bytes, against the real parts: store on disk, dispatcher, sender, guard, sockets,
 * TLS. Whatever they do, the event is delivered once they behave, or kept; and nothing of it hurts the relay.
 */
describe('receiver zoo', () => {
	let stage: Stage;
	let server: RawServer;
	beforeEach(async () => {
		stage = await openStage();
	});
	afterEach(async () => {
		await stage.close();
		await server.close();
	});

	const OK: Behaviour = { onRequest: (socket) => socket.write(answer('200 OK', 'fine')) };
	const answers = (...bytes: string[]): Behaviour => ({
		onRequest: (socket, { number }) => socket.write(bytes[number - 1] ?? answer('200 OK', 'fine')),
	});

	/** Starts the server, subscribes it and ingests an event. */
	async function meet(behaviour: Behaviour, subscription: Partial<Subscription> = {}) {
		server = await startRawServer(behaviour);
		await stage.subscribe({ url: server.url, ...subscription });
		const event = await stage.ingest();
		return event.id;
	}
	/** Its attempts, in short. */
	const tried = async (eventId: string) =>
		(await stage.delivery(eventId)).attempts.map(({ status, error }) => [status, error]);
	const lastResponse = async (eventId: string) => {
		const { id } = await stage.delivery(eventId);
		return (await stage.store.getDelivery(id))?.attempts.at(-1)?.response;
	};
	/** The first attempt fails in this way; then the receiver is well, and the second brings the event through. */
	async function getsOver(behaviour: Behaviour, first: [number | null, string]) {
		const eventId = await meet(behaviour);
		stage.start();
		await stage.attempted(eventId, 1);
		server.behave(OK);
		await stage.advance(5_000);
		await stage.settled(eventId, 'delivered');
		expect(await tried(eventId)).toEqual([first, [200, null]]);
		return eventId;
	}

	describe('a connection that breaks', () => {
		it.each<[string, Behaviour]>([
			['as soon as it is made', { onConnection: (socket) => socket.resetAndDestroy() }],
			['in the middle of the request', { onBytes: (socket) => socket.resetAndDestroy() }],
			['after the request', { onRequest: (socket) => socket.resetAndDestroy() }],
			['in the middle of the headers', { onRequest: (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-') }],
			['without a byte', { onRequest: (socket) => socket.end() }],
		])('%s is tried again', async (_, behaviour) => {
			await getsOver(behaviour, [null, 'reset']);
		});

		it('after the headers does not matter: the status has decided', async () => {
			const eventId = await meet({
				onRequest: (socket) =>
					socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun', () => socket.resetAndDestroy()),
			});
			stage.start();
			await stage.settled(eventId, 'delivered');
			expect(await tried(eventId)).toEqual([[200, null]]);
		});

		it('that was kept open and is closed as the next request comes is tried again, by the relay and nobody else', async () => {
			const first = await meet({
				onBytes: (socket) => {
					if (server.requests.length === 1) socket.destroy();
				},
				onRequest: (socket) => socket.write(answer('200 OK')),
			});
			const dispatcher = stage.start();
			await stage.settled(first, 'delivered');
			const second = await stage.ingest();
			dispatcher.wake();
			await stage.attempted(second.id, 1);
			expect(server.connections()).toBe(1);
			await stage.advance(5_000);
			await stage.settled(second.id, 'delivered');
			expect(await tried(second.id)).toEqual([
				[null, 'reset'],
				[200, null],
			]);
			// Of the second delivery's two, undici sent none by itself.
			expect(server.requests).toHaveLength(3);
		});

		it('is a new one after each answer, where the receiver wants that', async () => {
			const close = answer('200 OK', '', ['connection: close']);
			const first = await meet({ onRequest: (socket) => socket.end(close) });
			const dispatcher = stage.start();
			await stage.settled(first, 'delivered');
			const second = await stage.ingest();
			dispatcher.wake();
			await stage.settled(second.id, 'delivered');
			expect(server.connections()).toBe(2);
		});
	});

	describe('slowness', () => {
		it('that never answers is given up after 10 s', async () => {
			const eventId = await meet({});
			stage.start();
			await until('the request arrived', () => server.requests.length === 1);
			await stage.advance(FIRST_BYTE_MS - 1);
			expect((await stage.delivery(eventId)).state).toBe('leased');
			await stage.advance(1);
			await stage.attempted(eventId, 1);
			expect(await tried(eventId)).toEqual([[null, 'timeout']]);
			await until('the connection is closed', () => server.open() === 0);
		});

		it('that dribbles its headers, a byte a second, is given up after 10 s', async () => {
			const head = 'HTTP/1.1 200 OK\r\n';
			let sent = 0;
			const eventId = await meet({
				onRequest: (socket) => {
					const drip = () => {
						socket.write(head[sent++ % head.length] ?? '');
						stage.clock.schedule(1_000, drip);
					};
					drip();
				},
			});
			stage.start();
			await until('the first byte is sent', () => sent === 1);
			for (let seconds = 0; seconds < 10; seconds++) await stage.advance(1_000);
			await stage.attempted(eventId, 1);
			expect(await tried(eventId)).toEqual([[null, 'timeout']]);
		});

		it('that dribbles its answer, a byte a second, holds nobody up for longer than 15 s', async () => {
			let sent = 0;
			const eventId = await meet({
				onRequest: (socket) => {
					const drip = () => {
						sent++;
						socket.write('x');
						stage.clock.schedule(1_000, drip);
					};
					socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n', drip);
				},
			});
			stage.start();
			await until('the first byte is sent', () => sent === 1);
			for (let seconds = 0; seconds < 15; seconds++) await stage.advance(1_000);
			await stage.settled(eventId, 'delivered');
			const { attempts } = await stage.delivery(eventId);
			expect(attempts).toMatchObject([{ status: 200, durationMs: ATTEMPT_MS }]);
			expect(await lastResponse(eventId)).toMatch(/^x{14,16}$/);
		});
	});

	describe('an answer', () => {
		it.each(['200 OK', '201 Created', '202 Accepted', '204 No Content', '299 Odd'])(
			'of %s is a delivery',
			async (status) => {
				const eventId = await meet(
					answers(status.startsWith('204') ? `HTTP/1.1 ${status}\r\n\r\n` : answer(status)),
				);
				stage.start();
				await stage.settled(eventId, 'delivered');
			},
		);

		it.each([
			['102 Processing, twice', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(2)],
			['103 Early Hints', 'HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n'],
		])('that begins with %s is the one after it', async (_, interim) => {
			const eventId = await meet(answers(interim + answer('200 OK', 'fine')));
			stage.start();
			await stage.settled(eventId, 'delivered');
			expect(await lastResponse(eventId)).toBe('fine');
		});

		it('in HTTP/1.0, which ends with the connection, is one', async () => {
			const eventId = await meet({
				onRequest: (socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nold, but fine'),
			});
			stage.start();
			await stage.settled(eventId, 'delivered');
			expect(await lastResponse(eventId)).toBe('old, but fine');
		});

		it('of a gigabyte costs 16 KiB: the rest is not read, and the connection is closed', async () => {
			const GIGABYTE = 2 ** 30;
			const chunk = Buffer.alloc(64 * 1024, 'x');
			let poured = 0;
			const eventId = await meet({
				onRequest: (socket) => {
					const pour = () => {
						while (poured < GIGABYTE && !socket.destroyed) {
							poured += chunk.length;
							if (!socket.write(chunk)) return void socket.once('drain', pour);
						}
					};
					socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${GIGABYTE}\r\n\r\n`);
					pour();
				},
			});
			stage.start();
			await stage.settled(eventId, 'delivered');
			await until('the connection is closed', () => server.open() === 0);
			expect(await lastResponse(eventId)).toBe('x'.repeat(MAX_RESPONSE_BYTES));
			// What the sockets' buffers take, and no more.
			expect(poured).toBeLessThan(16 * 2 ** 20);
		});

		it('that says less than it promised, or more, decides by its status', async () => {
			const eventId = await meet({
				onRequest: (socket, { number }) =>
					number === 1
						? socket.end('HTTP/1.1 500 Oops\r\ncontent-length: 9\r\n\r\nabc')
						: socket.write('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcdef'),
			});
			stage.start();
			await stage.attempted(eventId, 1);
			expect(await tried(eventId)).toEqual([[500, 'http']]);
			expect(await lastResponse(eventId)).toBe('abc');
			await stage.advance(5_000);
			await stage.settled(eventId, 'delivered');
		});

		it('too many, of which the second would end the subscription, is not taken for that of the next request', async () => {
			const first = await meet(answers(answer('200 OK') + answer('410 Gone')));
			const dispatcher = stage.start();
			await stage.settled(first, 'delivered');
			const second = await stage.ingest();
			dispatcher.wake();
			await stage.attempted(second.id, 1);
			if ((await stage.delivery(second.id)).state === 'ready') await stage.advance(5_000);
			await stage.settled(second.id, 'delivered');
			expect(await stage.store.listSubscriptions()).toMatchObject([{ status: 'active' }]);
		});

		it('before the request is whole counts', async () => {
			const refusal = answer('413 Too Large', 'too large', ['connection: close']);
			server = await startRawServer({ onBytes: (socket) => socket.write(refusal) });
			await stage.subscribe({ url: server.url });
			const event = await stage.ingest({ body: Buffer.alloc(4 * 2 ** 20, '1'), bytes: 4 * 2 ** 20 });
			stage.start();
			await stage.attempted(event.id, 1);
			expect(await tried(event.id)).toEqual([[413, 'http']]);
		});

		it.each<[string, string, [number | null, string]]>([
			['is no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n', [null, 'protocol']],
			['is in HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [null, 'protocol']],
			// Legal, and not understood by undici; no server was seen to do it.
			[
				'begins with a 100 nobody asked for',
				`HTTP/1.1 100 Continue\r\n\r\n${answer('200 OK')}`,
				[null, 'reset'],
			],
			['has no status', 'HTTP/1.1 OK\r\n\r\n', [null, 'protocol']],
			[
				'has a megabyte of headers',
				`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(2 ** 20)}\r\n\r\n`,
				[null, 'protocol'],
			],
			['has many headers', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(2 ** 16)}\r\n`, [null, 'protocol']],
			[
				'has two lengths',
				'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
				[null, 'protocol'],
			],
			[
				'wants another protocol',
				'HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
				[null, 'reset'],
			],
		])('that %s is tried again', async (_, bytes, first) => {
			await getsOver(answers(bytes), first);
		});

		it.each(['301 Moved', '302 Found', '303 See Other', '307 Temporary Redirect', '308 Permanent Redirect'])(
			'of %s to a metadata service, or anywhere, is not followed',
			async (status) => {
				const metadata = 'location: http://169.254.169.254/latest/meta-data/';
				await getsOver(answers(answer(status, '', [metadata])), [Number(status.slice(0, 3)), 'http']);
				expect(server.requests.map(({ head }) => head.split('\r\n')[0])).toEqual(
					Array(2).fill('POST /webhook HTTP/1.1'),
				);
			},
		);

		it('of 404, then 200, brings the event through: n8n was starting', async () => {
			await getsOver(answers(answer('404 Not Found', '{"code":404}')), [404, 'http']);
		});

		it('of 409, then 200, brings it through 2 s later: n8n was still running it', async () => {
			const eventId = await meet(answers(answer('409 Conflict'), answer('409 Conflict')));
			stage.start();
			for (const attempts of [1, 2]) {
				await stage.attempted(eventId, attempts);
				await stage.advance(2_000);
			}
			await stage.settled(eventId, 'delivered');
			expect(await tried(eventId)).toEqual([
				[409, 'http'],
				[409, 'http'],
				[200, null],
			]);
		});

		it('of 410 ends the subscription, and what waits for it', async () => {
			const eventId = await meet(answers(answer('410 Gone'), answer('410 Gone')), { concurrency: 1 });
			const waiting = await stage.ingest();
			stage.start();
			await stage.settled(eventId, 'cancelled');
			expect((await stage.delivery(waiting.id)).state).toBe('cancelled');
			await stage.advance(24 * 3_600_000);
			expect(server.requests).toHaveLength(1);
		});
	});

	describe('Retry-After', () => {
		const HOUR = 3_600_000;
		it.each<[string, (now: number) => string, number]>([
			['in seconds', () => '600', 600_000],
			['as a date', (now) => new Date(Math.ceil(now / 1000) * 1000 + HOUR).toUTCString(), HOUR],
			['of a thousand years', () => '31557600000', 24 * HOUR],
			['on a date in a thousand years', () => 'Fri, 31 Dec 2999 23:59:59 GMT', 24 * HOUR],
			['in the past', () => 'Thu, 01 Jan 1970 00:00:00 GMT', 5_000],
			['below zero', () => '-600', 5_000],
			['that is nonsense', () => 'soon 🦊', 5_000],
		])('%s is waited for, within a day', async (_, header, waitMs) => {
			const eventId = await meet({
				onRequest: (socket, { number }) =>
					socket.write(
						number > 1
							? answer('200 OK')
							: answer('503 Busy', '', [`retry-after: ${header(stage.clock.now())}`]),
					),
			});
			stage.start();
			await stage.attempted(eventId, 1);
			const { dueAt } = await stage.delivery(eventId);
			const wait = dueAt - stage.clock.now();
			// A date has whole seconds.
			expect(wait).toBeGreaterThanOrEqual(waitMs);
			expect(wait).toBeLessThan(waitMs + 1_000);
			await stage.advance(wait - 1);
			expect(server.requests).toHaveLength(1);
			await stage.advance(1);
			await stage.settled(eventId, 'delivered');
		});
	});

	it('takes secrets out of what a receiver says, however it got them', async () => {
		const key = secret.replace('whsec_', '');
		const said = [
			`expected ${secret}`,
			`hmac of ${key} failed`,
			'callback https://relay.example.com/in/kJ3nbXyZ0123456789-_abcdefghijABCDEFGHIJ0123',
			String.raw`{"webhook_url":"https:\/\/relay\/in\/kJ3nbXyZ0123456789-_abcdefghijABCDEFGHIJ0123"}`,
			'Authorization: Bearer crt_kJ3nbXyZ0123456789-_abcdefghijABCDEFGHIJ01',
			'ada@example.com was not found',
		].join('\n');
		const eventId = await meet(answers(answer('500 Oops', said)));
		stage.start();
		await stage.attempted(eventId, 1);
		const kept = await lastResponse(eventId);
		expect(kept).not.toContain(key);
		expect(kept).not.toContain('kJ3nbXyZ');
		expect(kept).toContain('ada@example.com was not found');
		expect(JSON.stringify(stage.lines)).not.toMatch(/kJ3nbXyZ|ada@example/);
	});

	describe('a certificate', () => {
		const authority = createAuthority();
		const before = getCACertificates('default');
		beforeAll(() => setDefaultCACertificates([...before, authority.cert]));
		afterAll(() => setDefaultCACertificates(before));
		const DAY = 24 * 3_600_000;
		const now = Date.now();

		/** Delivers over TLS to a name that leads here. */
		async function deliverTo(tls: { cert: string; key: string }) {
			server = await startRawServer(OK, tls);
			const guard = createAddressGuard({
				allow: ['127.0.0.1'],
				resolve: (_name, _options, callback) =>
					setImmediate(() => callback(null, [{ address: '127.0.0.1', family: 4 }])),
			});
			await stage.subscribe({ url: `https://n8n.example:${server.port}/webhook` });
			const { id } = await stage.ingest();
			stage.start({ guard });
			await stage.attempted(id, 1);
			return tried(id);
		}

		it('that is right is taken', async () => {
			expect(await deliverTo(authority.issue(['n8n.example']))).toEqual([[200, null]]);
			expect((await stage.store.listDeliveries({ limit: 1 }))[0]?.attempts[0]?.timings).toEqual({
				dnsMs: 0,
				connectMs: 0,
				tlsMs: 0,
				firstByteMs: 0,
			});
		});

		it.each([
			['of an authority that nobody knows', () => createAuthority().issue(['n8n.example'])],
			['for another host', () => authority.issue(['n8n.example.org'])],
			['for its address only', () => authority.issue(['127.0.0.1'])],
			[
				'that has expired',
				() => authority.issue(['n8n.example'], { from: new Date(now - 2 * DAY), until: new Date(now - DAY) }),
			],
			[
				'that is not valid yet',
				() => authority.issue(['n8n.example'], { from: new Date(now + DAY), until: new Date(now + 2 * DAY) }),
			],
		])('%s is refused, and nothing is sent', async (_, tls) => {
			expect(await deliverTo(tls())).toEqual([[null, 'tls']]);
			expect(server.requests).toHaveLength(0);
		});
	});

	it.each([
		['leads to a metadata service', '169.254.169.254', 'blocked'],
		['leads into the private network', '10.0.0.1', 'blocked'],
		['is not known any more', null, 'dns'],
	])(
		'a name that %s after the subscription was saved is tried again, and nothing is sent',
		async (_, address, error) => {
			server = await startRawServer(OK);
			let resolved = address;
			const guard = createAddressGuard({
				allow: ['127.0.0.1'],
				resolve: (_name, _options, callback) =>
					resolved === null
						? callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), [])
						: callback(null, [{ address: resolved, family: 4 }]),
			});
			await stage.subscribe({ url: `http://n8n.example:${server.port}/webhook` });
			const { id } = await stage.ingest();
			stage.start({ guard });
			await stage.attempted(id, 1);
			expect(await tried(id)).toEqual([[null, error]]);
			resolved = '127.0.0.1';
			await stage.advance(5_000);
			await stage.settled(id, 'delivered');
		},
	);
});
