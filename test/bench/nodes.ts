/**
 * `npm run bench:nodes`: contacts enriched through the Cleanlist node, against one HTTP request for each contact;
 * writes its section of docs/benchmarks.md.
 *
 *   npm run bench:nodes                 10,000 contacts, three rounds
 *   npm run bench:nodes -- --quick      500 contacts, one round, prints only: for trying things
 */
import { join } from 'node:path';
import { writeSection } from '../../relay/bench/page.ts';
import { median, mustEqual, ratioText, start, table, writtenBy } from '../../relay/bench/support.ts';
import { buildNodes } from '../support/n8n-built-nodes.ts';
import type { Measurement } from './enrich.ts';

const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 1 : 3;
const CONTACTS = quick ? 500 : 10_000;
/** Requests a minute that Cleanlist takes from one key. */
const PER_MINUTE = 30;

type Way = 'node' | 'loop';
type Round = Measurement & { requests: number };

/** One run against a server of its own; what the server took in must be what the run was given. */
async function measure(way: Way): Promise<Round> {
	const server = start(join(import.meta.dirname, 'reference-server.ts'));
	const { baseUrl, key } = JSON.parse(await server.line()) as { baseUrl: string; key: string };
	const run = start(join(import.meta.dirname, 'enrich.ts'), [way, baseUrl, key, String(CONTACTS)]);
	const measurement = JSON.parse(await run.line()) as Measurement;
	await run.ended;
	server.endInput();
	const { requests, contacts } = JSON.parse(await server.line()) as { requests: number; contacts: number };
	await server.ended;
	mustEqual('contacts that reached the API', contacts, CONTACTS);
	mustEqual('items with a task', measurement.submitted, CONTACTS);
	return { ...measurement, requests };
}

const medianOf = (way: Way, key: keyof Round) => median(rounds[way].map((round) => round[key]));
/** How many times more the loop takes, by rounds: the median and the range. */
const ratio = (of: (round: Round) => number): string =>
	ratioText(rounds.loop.map((loop, index) => of(loop) / of(rounds.node[index]!)));

await buildNodes();
const rounds: Record<Way, Round[]> = { node: [], loop: [] };
for (let round = 1; round <= ROUNDS; round++) {
	// In turn, so that a machine that slows down slows both.
	rounds.loop.push(await measure('loop'));
	rounds.node.push(await measure('node'));
	console.log(`${CONTACTS} contacts, round ${round} of ${ROUNDS}: wall time ${ratio((r) => r.milliseconds)}`);
}

/** The first lot goes at once; each further one has to wait for the next minute. */
const minutesAtLimit = (requests: number) => Math.floor((requests - 1) / PER_MINUTE);

const row = (name: string, way: Way) => {
	const requests = medianOf(way, 'requests');
	return [
		name,
		requests.toLocaleString('en'),
		(medianOf(way, 'milliseconds') / 1000).toFixed(2),
		medianOf(way, 'peakMiB').toFixed(0),
		(medianOf(way, 'peakMiB') - medianOf(way, 'idleMiB')).toFixed(0),
		minutesAtLimit(requests).toLocaleString('en'),
	];
};
const section = `## Nodes: ${CONTACTS.toLocaleString('en')} contacts, against one request for each

${writtenBy('npm run bench:nodes')}

The Cleanlist node (Enrichment → Start, 250 contacts a request) and the way this is built without it: an HTTP Request node
that calls \`enrich/bulk\` for every item. That node is not part of n8n's engine, so a stand-in does what it does, through
the same helper of n8n: 50 requests at a time, as its option Batching proposes, without the pause that comes with it. Both
run in n8n's own engine, each in a process of its own, against a reference API of its own without rate limits; medians
of ${ROUNDS} round${ROUNDS === 1 ? '' : 's'} in turn. Only the submission is measured. After each run the contacts at the API and the tasks in n8n
are counted: they are exactly the contacts that went in. The last column is arithmetic: the time that Cleanlist's limit of
${PER_MINUTE} requests a minute makes of it.

${table(
	[
		'',
		'requests',
		'seconds',
		'peak memory, MiB',
		'above idle, MiB',
		"minutes at Cleanlist's limit, at least",
	],
	[
		row('one request for each contact', 'loop'),
		row('the Cleanlist node', 'node'),
		[
			'ratio (range)',
			ratio((r) => r.requests),
			ratio((r) => r.milliseconds),
			ratio((r) => r.peakMiB),
			ratio((r) => r.peakMiB - r.idleMiB),
			'',
		],
	],
)}
`;
console.log(`\n${section}`);
if (!quick) console.log(`Written to ${await writeSection('npm run bench:nodes', section)}`);
