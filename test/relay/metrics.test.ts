import { StatsResponse } from '../../relay/src/contract/relay-api.ts';
import { StoreError } from '../../relay/src/store/port.ts';
import { connectRaw } from '../support/raw-http.ts';
import { createTestClock } from '../support/test-clock.ts';
import { until } from '../support/until.ts';
import { startReceiver, startTestRelay, webhook } from './harness.ts';
import type { TestRelay } from './harness.ts';

let relay: TestRelay;
afterEach(async () => {
	jest.restoreAllMocks();
	await relay.close();
});

/** The samples of a scrape: by name and labels as they are written. */
async function scrape(): Promise<Map<string, number>> {
	const response = await relay.call('GET', '/metrics', { token: await relay.tokenWith('read') });
	expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
	const text = await response.text();
	const samples = new Map<string, number>();
	for (const line of text.split('\n')) {
		if (line === '' || line.startsWith('#')) continue;
		const [, name = '', value] = /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? [];
		expect([line, name]).not.toContain('');
		samples.set(name.replace('cleanlist_relay_', ''), Number(value));
	}
	return samples;
}

const subscribe = async (url: string) => {
	const response = await relay.call('POST', '/relay/v1/subscriptions', { body: { url } });
	expect(response.status).toBe(201);
};

test('what comes in is counted by what became of it, and how long it took to be on disk', async () => {
	relay = await startTestRelay();
	await relay.ingest(webhook('wf-1'));
	await relay.ingest(webhook('wf-1'));
	await relay.ingest('odd');
	await relay.ingest(webhook('wf-2', { results_truncated: 3 }));
	await relay.ingest(webhook('wf-2'));
	const samples = await scrape();
	expect(samples.get('ingests_total{outcome="stored"}')).toBe(2);
	expect(samples.get('ingests_total{outcome="duplicate"}')).toBe(1);
	expect(samples.get('ingests_total{outcome="quarantined"}')).toBe(1);
	expect(samples.get('ingests_total{outcome="completed"}')).toBe(1);
	expect(samples.get('ingest_seconds_count')).toBe(5);
	expect(samples.get('ingest_seconds_bucket{le="+Inf"}')).toBe(5);
	expect(samples.get('events_quarantined')).toBe(1);
});

test('deliveries are counted by what came of each attempt, and how long the event took to arrive', async () => {
	relay = await startTestRelay();
	let answers = 0;
	const receiver = await startReceiver((response) => {
		response.statusCode = answers++ === 0 ? 409 : 200;
		response.end();
	});
	await subscribe(receiver.url);
	await relay.ingest(webhook('wf-1'));
	await receiver.waitFor(2);
	await until('it is settled', async () => (await scrape()).get('delivery_seconds_count') === 1);
	const samples = await scrape();
	expect(samples.get('attempts_total{outcome="retried",error="http"}')).toBe(1);
	expect(samples.get('attempts_total{outcome="delivered",error="none"}')).toBe(1);
	expect(samples.get('attempt_seconds_count')).toBe(2);
	// The retry came two seconds later, and counts as part of it.
	const sum = samples.get('delivery_seconds_sum') ?? 0;
	expect(sum).toBeGreaterThanOrEqual(2);
	expect(sum).toBeLessThan(60);
	expect(samples.get('deliveries{state="ready"}')).toBe(0);
	expect(samples.get('subscriptions_active')).toBe(1);
	await receiver.close();
});

test('what waits, and for how long it has been due', async () => {
	const clock = createTestClock();
	relay = await startTestRelay({ clock });
	await subscribe('http://127.0.0.1:2/nobody');
	await relay.ingest(webhook('wf-1'));
	await until(
		'the first attempt failed',
		async () => (await scrape()).get('deliveries{state="ready"}') === 1,
	);
	const samples = await scrape();
	expect(samples.get('attempts_total{outcome="retried",error="connect"}')).toBe(1);
	expect(samples.get('oldest_due_seconds')).toBe(0);
	expect(samples.get('store_up')).toBe(1);

	const stats = StatsResponse.parse(await (await relay.call('GET', '/relay/v1/stats')).json());
	expect(stats).toMatchObject({
		deliveries: { ready: 1, leased: 0, dead: 0 },
		quarantined_events: 0,
		subscriptions: { active: 1, open_breakers: 0 },
	});
	expect(Date.parse(stats.oldest_due_at ?? '')).toBeGreaterThan(clock.now());

	jest.spyOn(relay.relay.store, 'stats').mockResolvedValue({
		...{ ready: 3, leased: 0, dead: 2, quarantined: 0, activeSubscriptions: 1, openBreakers: 1 },
		oldestDueAt: clock.now() - 90_000,
	});
	const later = await scrape();
	expect(later.get('oldest_due_seconds')).toBe(90);
	expect(later.get('deliveries{state="dead"}')).toBe(2);
	expect(later.get('breakers_open')).toBe(1);
});

test('a store that fails is counted, and the rest of the metrics is there', async () => {
	relay = await startTestRelay();
	// Under the relay's own counting, as the disk would.
	jest.spyOn(relay.relay.store, 'stats').mockRejectedValue(new StoreError('failed', 'told by the disk'));
	const samples = await scrape();
	expect(samples.get('store_up')).toBe(0);
	expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1e7);
});

test('the process is described', async () => {
	relay = await startTestRelay();
	const samples = await scrape();
	const [build] = [...samples.keys()].filter((name) => name.startsWith('build_info'));
	expect(build).toBe(
		`build_info{version="${process.env.npm_package_version ?? '0.1.0'}",node="${process.version}"}`,
	);
	for (const name of [
		'process_cpu_seconds_total',
		'process_start_time_seconds',
		'nodejs_heap_used_bytes',
		'nodejs_eventloop_active_seconds_total',
		'nodejs_eventloop_idle_seconds_total',
	]) {
		expect([name, samples.get(name)]).toEqual([name, expect.any(Number)]);
	}
	const again = await scrape();
	expect(again.get('process_cpu_seconds_total')).toBeGreaterThanOrEqual(
		samples.get('process_cpu_seconds_total') ?? NaN,
	);
});

test('connections refused are counted', async () => {
	relay = await startTestRelay({ env: { RELAY_MAX_CONNECTIONS: '1' } });
	const holder = await connectRaw(relay.port);
	holder.send('GET /healthz HTTP/1.1\r\nHost: relay\r\n\r\n');
	await holder.until((received) => received.includes('"ok"'));
	await (
		await connectRaw(relay.port)
	).closed;
	const request = `GET /metrics HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer ${relay.token}\r\n\r\n`;
	holder.send(request);
	await holder.until((received) => received.includes('cleanlist_relay_connections_refused_total 1'));
	await holder.end();
});

test('labels name no one: no id, no URL, no address, no token, however much goes through', async () => {
	relay = await startTestRelay();
	const receiver = await startReceiver();
	await subscribe(`${receiver.url}?key=sesame`);
	const before = (await scrape()).size;
	for (let i = 0; i < 20; i++) {
		await relay.ingest(webhook(`wf-${i}`));
		await relay.call('GET', `/relay/v1/events/unknown-${i}`);
		await fetch(`${relay.url}/in/guess-${i}`, { method: 'POST' });
	}
	await receiver.waitFor(20);
	await until('all is settled', async () => (await scrape()).get('delivery_seconds_count') === 20);
	const names = [...(await scrape()).keys()];
	// The first of each kind is a new line; the twentieth is not.
	expect(names.length).toBeLessThan(before + 10);
	expect(names.join('\n')).not.toMatch(/wf-|sesame|127\.0\.0\.1|evt_|sub_|dlv_|guess/);
	await receiver.close();
});

test('with RELAY_METRICS=open they need no token', async () => {
	relay = await startTestRelay({ env: { RELAY_METRICS: 'open' } });
	expect((await relay.call('GET', '/metrics', { token: null })).status).toBe(200);
	expect((await relay.call('GET', '/relay/v1/stats', { token: null })).status).toBe(401);
});

test('two relays of one process count apart', async () => {
	relay = await startTestRelay();
	const other = await startTestRelay();
	await other.ingest(webhook('wf-1'));
	await other.close();
	expect((await scrape()).get('ingests_total{outcome="stored"}')).toBeUndefined();
});
