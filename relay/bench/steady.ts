import { join } from 'node:path';
import { STORE_FILE } from '../src/data-folder.ts';
import { openConnections } from './http-client.ts';
import type { LoadResult } from './load.ts';
import { dataFolder, startRelay } from './relay.ts';
import { openSink } from './sink.ts';
import { median, mustEqual, percentile, start, storedEvents, table, thousands } from './support.ts';
import { webhookTemplate } from './webhook-body.ts';

const LOAD = join(import.meta.dirname, 'load.ts');
const BYTES = 2 * 1024;

/** How long a webhook waits for its 2xx while they come at a steady rate. */
export async function benchSteady(quick: boolean): Promise<string> {
	const [rounds, seconds, perSecond] = quick ? [1, 5, 1_000] : [3, 15, 1_000];
	const results: LoadResult[] = [];
	for (let n = 1; n <= rounds; n++) {
		const folder = dataFolder();
		try {
			const relay = await startRelay(folder.path);
			const load = start(LOAD, [relay.ingestUrl, '64', String(BYTES), String(seconds), String(perSecond)]);
			const result = JSON.parse(await load.line()) as LoadResult;
			await relay.stop();
			mustEqual('webhooks refused', result.refused, 0);
			mustEqual(
				'webhooks on disk',
				storedEvents(join(folder.path, STORE_FILE)),
				result.accepted + result.warmup,
			);
			results.push(result);
			console.log(`steady, round ${n} of ${rounds}: p99 ${result.p99Ms.toFixed(1)} ms`);
		} finally {
			folder.remove();
		}
	}
	const of = (key: keyof LoadResult) => median(results.map((result) => result[key]));
	const met = of('p99Ms') < 25;
	return `## Ingest at a steady rate

${thousands(perSecond)} webhooks of 2 KiB a second for ${seconds} s after 2 s of warm-up, to a whole relay on SQLite; medians of ${rounds} round${rounds === 1 ? '' : 's'}.
Latency counts from when a webhook was due, so one that is late makes those that waited behind it late too.

${table(['webhooks/s', 'p50 ms', 'p99 ms'], [[thousands(of('accepted') / of('seconds')), of('p50Ms').toFixed(1), of('p99Ms').toFixed(1)]])}

Goal: p99 below 25 ms. ${met ? 'Met' : 'Not met'}.`;
}

/** From the first byte of the webhook's request to the receiver's having all of its delivery. */
export async function benchLatency(quick: boolean): Promise<string> {
	const [perSecond, seconds] = quick ? [100, 3] : [100, 20];
	const folder = dataFolder();
	const sink = await openSink();
	try {
		const relay = await startRelay(folder.path);
		await relay.api('POST', '/subscriptions', { url: sink.url, concurrency: 32 });
		const webhook = webhookTemplate(BYTES);
		const connections = await openConnections([relay.ingestUrl], 8, webhook.body, true);
		const sentAt = new Map<string, number>();
		const arrivedAt = new Map<string, number>();
		sink.onEvent = (id) => arrivedAt.set(id, performance.now());
		const total = perSecond * seconds;
		const started = performance.now();
		for (let n = 0; n < total; n++) {
			const due = started + (n * 1000) / perSecond;
			await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
			const connection = connections[n % connections.length]!;
			webhook.renew(connection.body);
			const sent = performance.now();
			mustEqual('status of a webhook', await connection.post(), 200);
			sentAt.set((JSON.parse(connection.answer()) as { event_id: string }).event_id, sent);
		}
		await sink.until({ events: total });
		for (const connection of connections) connection.close();
		await relay.stop();
		const { requests } = sink.result();
		mustEqual('requests at the sink', requests, total);
		const latencies = [...sentAt].map(([id, sent]) => (arrivedAt.get(id) ?? NaN) - sent);
		return `## End to end: from the webhook to the receiver

${thousands(perSecond)} webhooks of 2 KiB a second for ${seconds} s through a whole relay on SQLite: from the first byte sent to the relay to the last byte
of its delivery at the sink. ${thousands(total)} went in, and each came out exactly once.

${table(['p50 ms', 'p99 ms'], [[percentile(latencies, 0.5).toFixed(1), percentile(latencies, 0.99).toFixed(1)]])}`;
	} finally {
		await sink.close();
		folder.remove();
	}
}
