/**
 * The load generator, a process of its own so that it has a core of its own: posts unique webhooks over a fixed
 * number of keep-alive connections and reports as one line of JSON (LoadResult).
 *
 *   node load.ts <url> <connections> <bytes> <seconds>            each connection posts again when it is answered
 *   node load.ts <url> <connections> <bytes> <seconds> <rate>     so many a second, however long answers take
 *   node load.ts <url> <connections> <bytes> count <n>            exactly n of them, as fast as they are answered
 */
import { openConnections } from './http-client.ts';
import type { HttpConnection } from './http-client.ts';
import { percentile } from './support.ts';
import { webhookTemplate } from './webhook-body.ts';

export interface LoadResult {
	/** Requests answered 200 in the measured time. */
	accepted: number;
	/** Accepted while warming up; they count in the accounting, not in the figures. */
	warmup: number;
	/** Requests answered anything else. */
	refused: number;
	seconds: number;
	p50Ms: number;
	p99Ms: number;
	/** CPU time of this process for each request, in µs; the start not counted. */
	cpuUs: number;
}

const WARMUP_MS = 2_000;

const [url = '', connections = '64', bytes = '2048', seconds = '5', rate] = process.argv.slice(2);
const webhook = webhookTemplate(Number(bytes));
const pool = await openConnections([url], Number(connections), webhook.body);
const latencies: number[] = [];
const result: LoadResult = {
	accepted: 0,
	warmup: 0,
	refused: 0,
	seconds: 0,
	p50Ms: 0,
	p99Ms: 0,
	cpuUs: 0,
};

const counted = seconds === 'count';
const beforeLoad = process.cpuUsage();
const started = performance.now();
const measureFrom = counted ? started : started + WARMUP_MS;
const end = counted ? Infinity : measureFrom + Number(seconds) * 1000;

/** @param since when it was due: an answer that came late makes those that waited for it late too */
async function post(connection: HttpConnection, since: number): Promise<void> {
	webhook.renew(connection.body);
	const status = await connection.post();
	const answered = performance.now();
	if (status !== 200) result.refused++;
	else if (since < measureFrom) result.warmup++;
	else {
		result.accepted++;
		latencies.push(answered - since);
	}
}

async function untilEnd(connection: HttpConnection): Promise<void> {
	for (let now = performance.now(); now < end; now = performance.now()) await post(connection, now);
}

let left = counted ? Number(rate) : 0;
async function untilCounted(connection: HttpConnection): Promise<void> {
	while (left-- > 0) await post(connection, performance.now());
}

/** An open loop: what is due is sent on the first connection that is free, and late when none is. */
async function atRate(perSecond: number): Promise<void> {
	const everyMs = 1000 / perSecond;
	const free = [...pool];
	const underWay = new Set<Promise<void>>();
	let due = started;
	while (due < end) {
		for (const now = performance.now(); due <= now && due < end && free.length > 0; due += everyMs) {
			const connection = free.pop()!;
			const sent = post(connection, due).then(() => {
				free.push(connection);
				underWay.delete(sent);
			});
			underWay.add(sent);
		}
		await new Promise((resolve) => setTimeout(resolve, 1));
	}
	await Promise.all(underWay);
}

if (counted) await Promise.all(pool.map(untilCounted));
else if (rate !== undefined) await atRate(Number(rate));
else await Promise.all(pool.map(untilEnd));

const { user, system } = process.cpuUsage(beforeLoad);
result.seconds = (performance.now() - measureFrom) / 1000;
result.cpuUs = (user + system) / (result.accepted + result.warmup);
result.p50Ms = percentile(latencies, 0.5);
result.p99Ms = percentile(latencies, 0.99);
for (const connection of pool) connection.close();
console.log(JSON.stringify(result));
