/**
 * `npm run bench:nodes`: contacts enriched through the Cleanlist node, against n8n's own HTTP Request node in a loop;
 * writes its section of docs/benchmarks.md. Those nodes are taken from the n8n of the end-to-end tests, which is
 * installed (2.1 GB, once) if it is not there yet.
 *
 *   npm run bench:nodes                 10,000 contacts, three rounds
 *   npm run bench:nodes -- --quick      500 contacts, one round, prints only: for trying things
 */
import { join } from 'node:path';
import { writeSection } from '../../relay/bench/page.ts';
import { median, mustEqual, ratioText, start, table, writtenBy } from '../../relay/bench/support.ts';
import { installN8n } from '../e2e/n8n/install.ts';
import { buildNodes } from '../support/n8n-built-nodes.ts';
import type { Goal, Measurement, Way } from './enrich.ts';

const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 1 : 3;
const CONTACTS = quick ? 500 : 10_000;
/** Requests a minute that Cleanlist takes from one key. */
const PER_MINUTE = 30;

type Round = Measurement & { requests: number };

/** One run against a server of its own; what the server took in must be what the run was given. */
async function measure(goal: Goal, way: Way): Promise<Round> {
	const server = start(join(import.meta.dirname, 'reference-server.ts'), [goal]);
	const { baseUrl, key } = JSON.parse(await server.line()) as { baseUrl: string; key: string };
	const args = [way, goal, baseUrl, key, String(CONTACTS), n8nFolder];
	const run = start(join(import.meta.dirname, 'enrich.ts'), args);
	const measurement = JSON.parse(await run.line()) as Measurement;
	await run.ended;
	server.endInput();
	const { requests, contacts } = JSON.parse(await server.line()) as { requests: number; contacts: number };
	await server.ended;
	mustEqual('contacts that reached the API', contacts, CONTACTS);
	mustEqual('tasks in the output', measurement.tasks, CONTACTS);
	return { ...measurement, requests };
}

/** The rows of one goal: the loop, the node, and how many times more the loop takes, by rounds. */
async function compare(goal: Goal, operation: string): Promise<string[][]> {
	const rounds: Record<Way, Round[]> = { node: [], loop: [] };
	const medianOf = (way: Way, key: keyof Round) => median(rounds[way].map((round) => round[key]));
	const ratio = (of: (round: Round) => number): string =>
		ratioText(rounds.loop.map((loop, index) => of(loop) / of(rounds.node[index]!)));
	for (let round = 1; round <= ROUNDS; round++) {
		// In turn, so that a machine that slows down slows both.
		rounds.loop.push(await measure(goal, 'loop'));
		rounds.node.push(await measure(goal, 'node'));
		const time = ratio((each) => each.milliseconds);
		console.log(`${operation}: ${CONTACTS} contacts, round ${round} of ${ROUNDS}: wall time ${time}`);
	}
	const row = (name: string, way: Way) => [
		name,
		medianOf(way, 'requests').toLocaleString('en'),
		(medianOf(way, 'milliseconds') / 1000).toFixed(2),
		medianOf(way, 'peakMiB').toFixed(0),
		(medianOf(way, 'peakMiB') - medianOf(way, 'idleMiB')).toFixed(0),
		minutesAtLimit(medianOf(way, 'requests')).toLocaleString('en'),
	];
	return [
		row(`${operation}: HTTP Request in a loop`, 'loop'),
		row(`${operation}: the Cleanlist node`, 'node'),
		[
			'ratio (range)',
			ratio((each) => each.requests),
			ratio((each) => each.milliseconds),
			ratio((each) => each.peakMiB),
			ratio((each) => each.peakMiB - each.idleMiB),
			'',
		],
	];
}

/** The first lot goes at once; each further one has to wait for the next minute. */
const minutesAtLimit = (requests: number) => Math.floor((requests - 1) / PER_MINUTE);

const n8nFolder = await installN8n((line) => console.log(line));
await buildNodes();
const rows = [...(await compare('send', 'Sending')), ...(await compare('results', 'With results'))];
const section = `## Nodes: ${CONTACTS.toLocaleString('en')} contacts, against n8n's HTTP Request node in a loop

${writtenBy('npm run bench:nodes')}

The Cleanlist node, and the way this is built without it: n8n's own nodes Loop Over Items, one item at a time as it is when
it is new, and HTTP Request, which calls \`enrich/bulk\` for that item. _Sending_ is Enrichment → Start against that; the
results come later, by webhook. _With results_ is Enrichment → Enrich and Wait against a second HTTP Request in the loop, which
asks for the result of the task; the API has each result ready when it is asked, and the node's two seconds until it asks
first are in its time. Both run in n8n's own engine, each in a process of its own, against a reference API of its own
without rate limits; medians of ${ROUNDS} round${ROUNDS === 1 ? '' : 's'} in turn. After each run the contacts at the API and the tasks in n8n are counted:
they are exactly the contacts that went in. The last column is arithmetic: the time that Cleanlist's limit of ${PER_MINUTE} requests a
minute makes of it.

${table(
	[
		'',
		'requests',
		'seconds',
		'peak memory, MiB',
		'above idle, MiB',
		"minutes at Cleanlist's limit, at least",
	],
	rows,
)}
`;
console.log(`\n${section}`);
if (!quick) console.log(`Written to ${await writeSection('npm run bench:nodes', section)}`);
