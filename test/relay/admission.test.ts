import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { MAX_WAITING_BYTES } from '../../relay/src/inbox/admission.ts';
import { createTestClock } from '../support/test-clock.ts';
import { until } from '../support/until.ts';
import { expectProblem, startReceiver, startTestRelay, webhook } from './harness.ts';
import type { TestRelay } from './harness.ts';

const MIB = 1024 * 1024;

describe('a disk that is nearly full', () => {
	const clock = createTestClock();
	let free: number;
	let relay: TestRelay;
	beforeEach(async () => {
		free = 300 * MIB;
		relay = await startTestRelay({ clock, free: () => free, env: { RELAY_DISK_RESERVE_MIB: '256' } });
	});
	afterEach(() => relay.close());

	const events = () => relay.relay.store.listEvents({ limit: 100 });

	test('webhooks are refused, with a time to come back, before one is written; then taken again', async () => {
		expect((await relay.ingest(webhook('wf-1'))).status).toBe(200);
		free = 256 * MIB;
		await clock.advance(1_000);
		const refused = await relay.ingest(webhook('wf-2'));
		expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
		await expectProblem(refused, 503, 'store_full');
		expect(await events()).toHaveLength(1);

		free = 300 * MIB;
		await clock.advance(1_000);
		expect((await relay.ingest(webhook('wf-2'))).status).toBe(200);
	});

	test('the relay says it is not ready, and goes on delivering', async () => {
		const receiver = await startReceiver();
		try {
			await relay.call('POST', '/relay/v1/subscriptions', { body: { url: receiver.url } });
			await relay.ingest(webhook('wf-1'));
			free = 0;
			await clock.advance(1_000);
			await expectProblem(await fetch(`${relay.url}/readyz`), 503, 'store_full');
			await receiver.waitFor(1);
		} finally {
			await receiver.close();
		}
	});

	test('a burst does not run past the reserve between two looks', async () => {
		free = 256 * MIB + 3 * MIB;
		await clock.advance(1_000);
		const large = webhook('wf-1', { padding: 'x'.repeat(2 * MIB) });
		expect((await relay.ingest(large)).status).toBe(200);
		await expectProblem(await relay.ingest(large.replace('wf-1', 'wf-2')), 503, 'store_full');
		expect(await events()).toHaveLength(1);
	});

	test('a disk that can not be looked at is no reason to refuse', async () => {
		const blind = await startTestRelay({
			free: () => {
				throw new Error('ENOSYS');
			},
		});
		try {
			expect((await blind.ingest(webhook('wf-1'))).status).toBe(200);
		} finally {
			await blind.close();
		}
	});
});

describe('more webhooks than are kept in memory', () => {
	let relay: TestRelay;
	beforeEach(async () => {
		relay = await startTestRelay();
	});
	afterEach(async () => {
		jest.restoreAllMocks();
		await relay.close();
	});

	/** Holds every ingest until `release`. */
	function stall() {
		let release = () => {};
		const held = new Promise<void>((resolve) => (release = resolve));
		const ingest = relay.relay.store.ingest.bind(relay.relay.store);
		const spy = jest.spyOn(relay.relay.store, 'ingest').mockImplementation(async (event) => {
			await held;
			return ingest(event);
		});
		return { release, waiting: () => spy.mock.calls.length };
	}

	test('what is too much is refused at once, what was let in is stored, and then there is room again', async () => {
		const store = stall();
		const large = (id: string) => webhook(id, { padding: 'x'.repeat(4 * MIB - 500) });
		const fits = Math.floor(MAX_WAITING_BYTES / large('wf-00').length);
		const let_in = Array.from({ length: fits }, (_, n) =>
			relay.ingest(large(`wf-${String(n).padStart(2, '0')}`)),
		);
		await until('all are waiting', () => store.waiting() === fits);

		const refused = await relay.ingest(large('wf-xx'));
		expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
		await expectProblem(refused, 503, 'store_busy');

		store.release();
		for (const { status } of await Promise.all(let_in)) expect(status).toBe(200);
		expect(await relay.relay.store.listEvents({ limit: 100 })).toHaveLength(fits);
		expect((await relay.ingest(large('wf-xx'))).status).toBe(200);
	});

	test('uploads that never end take room only for what came, and give it back when they break off', async () => {
		const uploads: ClientRequest[] = [];
		const answers: Promise<IncomingMessage>[] = [];
		for (let n = 0; n < 20; n++) {
			const upload = httpRequest(relay.ingestUrl, { method: 'POST' });
			answers.push(
				new Promise((resolve, reject) => {
					upload.on('response', resolve).on('error', reject);
				}),
			);
			for (let mib = 0; mib < 4; mib++) upload.write(Buffer.alloc(MIB, 'x'));
			uploads.push(upload);
		}
		const settled = Promise.allSettled(answers);
		// 80 MiB come in and none is whole: those past 64 MiB are refused in the middle.
		const first = await Promise.race(answers);
		expect(first.statusCode).toBe(503);
		expect(Number(first.headers['retry-after'])).toBeGreaterThan(0);
		for (const upload of uploads) upload.destroy();
		await settled;
		await until('there is room again', async () => {
			const response = await relay.ingest(webhook('wf-1', { padding: 'x'.repeat(4 * MIB - 500) }));
			await response.arrayBuffer();
			return response.status === 200;
		});
		expect(await relay.relay.store.listEvents({ limit: 100 })).toHaveLength(1);
	});
});
