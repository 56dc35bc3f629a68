import { join } from 'node:path';
import { addBacklog } from './backlog.ts';
import { dataFolder, startRelay } from './relay.ts';
import { openSink } from './sink.ts';
import type { SinkResult } from './sink.ts';
import { median, metOrNot, mustEqual, ratioText, start, table, thousands } from './support.ts';

const script = (name: string) => join(import.meta.dirname, name);
/** Deliveries under way at once, on both sides. */
const AT_ONCE = 32;
const BYTES = 2 * 1024;
const GOAL = 0.5;

const perSecond = ({ events, firstAt, lastAt }: SinkResult) => (events / (lastAt - firstAt)) * 1000;

/** Everything waits, signed secrets and all, when the relay is started: the rate is that of the sink, first to last. */
async function relayRound(events: number): Promise<number> {
	const folder = dataFolder();
	try {
		const sink = start(script('sink-process.ts'), [String(events)]);
		const first = await startRelay(folder.path);
		await first.api('POST', '/subscriptions', { url: await sink.line(), concurrency: AT_ONCE });
		await first.stop();
		await addBacklog(folder.path, events, BYTES);
		const relay = await startRelay(folder.path);
		const result = JSON.parse(await sink.line()) as SinkResult;
		await relay.stop();
		mustEqual('requests at the sink', result.requests, events);
		mustEqual('events at the sink', result.events, events);
		return perSecond(result);
	} finally {
		folder.remove();
	}
}

async function bareRound(requests: number): Promise<number> {
	const sink = start(script('sink-process.ts'), [String(requests)]);
	const url = await sink.line();
	const sender = start(script('bare-sender.ts'), [url, String(requests), String(BYTES), String(AT_ONCE)]);
	const result = JSON.parse(await sink.line()) as SinkResult;
	await sender.ended;
	mustEqual('requests at the sink', result.requests, requests);
	return perSecond(result);
}

/** How fast a backlog goes out, against the bare HTTP client. */
export async function benchDelivery(quick: boolean): Promise<string> {
	const [rounds, events] = quick ? [1, 5_000] : [15, 20_000];
	const bare: number[] = [];
	const relay: number[] = [];
	for (let n = 1; n <= rounds; n++) {
		bare.push(await bareRound(events));
		relay.push(await relayRound(events));
		console.log(`delivery, round ${n} of ${rounds}: ratio ${(relay.at(-1)! / bare.at(-1)!).toFixed(2)}`);
	}
	const ratios = relay.map((rate, n) => rate / bare[n]!);
	return `## Delivery: a backlog to a sink, against undici alone

${thousands(events)} webhooks of 2 KiB wait, each to be signed, sent, and its attempt written; the sink is a bare HTTP server on the
same machine. The subscription's concurrency is ${AT_ONCE}, and so is that of the other side: undici's \`request()\` in a loop, the
same body and as many headers. First to last request at the sink; medians of ${rounds} round${rounds === 1 ? '' : 's'}. Every event came exactly once.

${table(
	['', 'deliveries/s', 'ratio (range)'],
	[
		['undici alone', thousands(median(bare)), ''],
		['the relay, on SQLite', thousands(median(relay)), ratioText(ratios)],
	],
)}

Goal: a ratio of at least ${GOAL}. ${metOrNot(ratios, GOAL)}.`;
}

/** From SIGKILL with everything undelivered to the last delivery. */
export async function benchRecovery(quick: boolean): Promise<string> {
	const [rounds, events] = quick ? [1, 1_000] : [3, 5_000];
	const times: { ready: number; first: number; last: number; twice: number }[] = [];
	for (let n = 1; n <= rounds; n++) times.push(await recoveryRound(events));
	const of = (key: keyof (typeof times)[number]) => median(times.map((time) => time[key]));
	return `## Recovery: killed with everything undelivered

The relay takes ${thousands(events)} webhooks of 2 KiB from a backlog, has ${AT_ONCE} of them under way to a sink that does not answer, and is
killed (SIGKILL). Times are from the start of the next process; medians of ${rounds} round${rounds === 1 ? '' : 's'}. Every event came; those that were under
way came twice, under the same \`webhook-id\`.

${table(
	['', 'ms'],
	[
		['ready', of('ready').toFixed(0)],
		['first delivery', of('first').toFixed(0)],
		[`last of ${thousands(events)} deliveries`, of('last').toFixed(0)],
	],
)}

Sent twice: ${of('twice')} of ${thousands(events)}.`;
}

async function recoveryRound(events: number) {
	const folder = dataFolder();
	const sink = await openSink();
	try {
		const relayBefore = await startRelay(folder.path);
		await relayBefore.api('POST', '/subscriptions', { url: sink.url, concurrency: AT_ONCE });
		await relayBefore.stop();
		await addBacklog(folder.path, events, BYTES);

		sink.hold();
		const killed = await startRelay(folder.path);
		await sink.until({ events: AT_ONCE });
		await killed.kill();
		sink.release();
		const before = sink.result();

		const firstSent = sink.until({ requests: before.requests + 1 }).then(() => performance.now());
		const lastSent = sink.until({ requests: before.requests + events }).then(() => performance.now());
		const relay = await startRelay(folder.path);
		const ready = performance.now();
		const [firstAt, lastAt] = await Promise.all([firstSent, lastSent]);
		await relay.stop();
		const after = sink.result();
		mustEqual('events at the sink', after.events, events);
		mustEqual('requests at the sink', after.requests, events + before.requests);
		return {
			ready: ready - relay.startedAt,
			first: firstAt - relay.startedAt,
			last: lastAt - relay.startedAt,
			twice: before.requests,
		};
	} finally {
		await sink.close();
		folder.remove();
	}
}
