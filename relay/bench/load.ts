/**
 * The load generator, a process of its own so that it has a core of its own: posts unique webhooks over a fixed
 * number of keep-alive connections, each sending its next request when the last is answered, and reports as one
 * line of JSON. Started by run.ts: `node load.ts <url> <connections> <bytes> <seconds>`.
 */
import { Pool } from 'undici';
import { webhookBody } from './webhook-body.ts';

export interface LoadResult {
	/** Requests answered 200 in the measured time. */
	accepted: number;
	/** Requests answered anything else, or not at all. */
	refused: number;
	/** Accepted while warming up; they count in the accounting, not in the figures. */
	warmup: number;
	seconds: number;
	p50Ms: number;
	p99Ms: number;
}

const WARMUP_SECONDS = 2;

const [url = '', connections = '64', bytes = '2048', seconds = '5'] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const pool = new Pool(origin, { connections: Number(connections), pipelining: 1 });
const nextBody = webhookBody(Number(bytes));
const headers = { 'content-type': 'application/json' };

const started = performance.now();
const measureFrom = started + WARMUP_SECONDS * 1000;
const end = measureFrom + Number(seconds) * 1000;
const latencies: number[] = [];
const result: LoadResult = { accepted: 0, refused: 0, warmup: 0, seconds: 0, p50Ms: 0, p99Ms: 0 };

async function connection(): Promise<void> {
	for (let sent = performance.now(); sent < end; sent = performance.now()) {
		const status = await post();
		const answered = performance.now();
		if (status !== 200) result.refused++;
		else if (sent < measureFrom) result.warmup++;
		else {
			result.accepted++;
			latencies.push(answered - sent);
		}
	}
}

async function post(): Promise<number> {
	try {
		const { statusCode, body } = await pool.request({
			path: pathname,
			method: 'POST',
			headers,
			body: nextBody(),
		});
		await body.dump();
		return statusCode;
	} catch {
		return 0;
	}
}

await Promise.all(Array.from({ length: Number(connections) }, connection));
result.seconds = (performance.now() - measureFrom) / 1000;
await pool.close();

const sorted = Float64Array.from(latencies).sort();
const percentile = (p: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? NaN;
result.p50Ms = percentile(0.5);
result.p99Ms = percentile(0.99);
console.log(JSON.stringify(result));
