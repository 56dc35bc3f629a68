/**
 * A load generator for what is to be compared: groups of URLs get unique webhooks in turn, a slice of time each, over keep-alive
 * connections of their own. What is under way at the end of a slice is answered before the next begins. One line of JSON
 * (AlternateResult[]), a result for each group.
 *
 *   node alternate.ts <group>;<group> <connections of a group> <bytes> <rounds> <ms of a slice>
 *
 * The URLs of a group, separated by commas, share its connections. Which group is first in a round is in turn too.
 */
import { openConnections } from './http-client.ts';
import type { HttpConnection } from './http-client.ts';
import { percentile } from './support.ts';
import { webhookTemplate } from './webhook-body.ts';

export interface AlternateResult {
	/** Requests answered 200. */
	accepted: number;
	/** Requests answered anything else. */
	refused: number;
	/** Answers a second in each slice. */
	rates: number[];
	p50Ms: number;
	p99Ms: number;
}

const [addresses = '', connections = '64', bytes = '2048', rounds = '1', sliceMs = '500'] =
	process.argv.slice(2);
const webhook = webhookTemplate(Number(bytes));

interface Group extends AlternateResult {
	pool: HttpConnection[];
	latencies: number[];
}

async function open(group: string): Promise<Group> {
	return {
		pool: await openConnections(group.split(','), Number(connections), webhook.body),
		latencies: [],
		accepted: 0,
		refused: 0,
		rates: [],
		p50Ms: 0,
		p99Ms: 0,
	};
}

async function slice(group: Group): Promise<void> {
	const before = group.accepted;
	const began = performance.now();
	const untilEnd = async (connection: HttpConnection) => {
		for (let now = began; now < began + Number(sliceMs); now = performance.now()) {
			webhook.renew(connection.body);
			if ((await connection.post()) === 200) group.accepted++;
			else group.refused++;
			group.latencies.push(performance.now() - now);
		}
	};
	await Promise.all(group.pool.map(untilEnd));
	group.rates.push(((group.accepted - before) * 1000) / (performance.now() - began));
}

const groups = await Promise.all(addresses.split(';').map(open));
for (let round = 0; round < Number(rounds); round++) {
	for (const group of round % 2 === 0 ? groups : groups.toReversed()) await slice(group);
}
const results = groups.map(({ pool, latencies, ...result }): AlternateResult => {
	for (const connection of pool) connection.close();
	return { ...result, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) };
});
console.log(JSON.stringify(results));
