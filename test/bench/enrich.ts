/**
 * Enriches contacts in n8n's engine, in one of two ways, in a process of its own so that its memory can be told.
 * Started by nodes.ts: `node enrich.ts <node | loop> <send | results> <base URL> <key> <contacts> <folder of n8n>`.
 * Prints a Measurement.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { IDataObject, IVersionedNodeType } from 'n8n-workflow';
import { loadBuiltNodes } from '../support/n8n-built-nodes.ts';
import { ITEMS_NODE, createN8nEngine, itemsOf } from '../support/n8n-engine.ts';
import type { WorkflowJson, WorkflowNode } from '../support/n8n-engine.ts';

export type Way = 'node' | 'loop';
/** Only sending the contacts, or also fetching what was found for each of them. */
export type Goal = 'send' | 'results';

export interface Measurement {
	milliseconds: number;
	/** Of the whole process, n8n's engine included. */
	peakMiB: number;
	/** The same, before the run began. */
	idleMiB: number;
	/** Different tasks in the output; with results, those that are over. */
	tasks: number;
}

const [way = '', goal = '', baseUrl = '', apiKey = '', count = '0', n8nFolder = ''] = process.argv.slice(
	2,
) as [Way?, Goal?, ...string[]];
const CREDENTIALS = { cleanlistApi: { id: 'api', name: 'api' } };
const STATUS = `${baseUrl}/api/v1/public/enrich/status`;

/** n8n's own nodes, which are no part of its engine: from the n8n that the end-to-end tests run. */
function stockNodes(): Record<string, IVersionedNodeType> {
	const require = createRequire(join(n8nFolder, 'package.json'));
	const load = (name: string) => {
		const exported = require(`n8n-nodes-base/dist/nodes/${name}/${name}.node.js`) as Record<
			string,
			new () => IVersionedNodeType
		>;
		return new exported[name]!();
	};
	return {
		'n8n-nodes-base.httpRequest': load('HttpRequest'),
		'n8n-nodes-base.splitInBatches': load('SplitInBatches'),
	};
}

const httpRequest = (name: string, parameters: IDataObject): WorkflowNode => ({
	name,
	type: 'n8n-nodes-base.httpRequest',
	typeVersion: 4.2,
	parameters: {
		authentication: 'predefinedCredentialType',
		nodeCredentialType: 'cleanlistApi',
		options: {},
		...parameters,
	},
	credentials: CREDENTIALS,
});
const to = (node: string) => ({ node, type: 'main' as const, index: 0 });

/** As it is built without the Cleanlist node: Loop Over Items, as it is when it is dropped on the canvas, and HTTP Request. */
function loop(): WorkflowJson {
	const send = httpRequest('Send', {
		method: 'POST',
		url: `${baseUrl}/api/v1/public/enrich/bulk`,
		sendBody: true,
		specifyBody: 'json',
		jsonBody:
			'={{ JSON.stringify({ enrichment_type: "partial", contacts: [{ first_name: $json.first_name, last_name: $json.last_name, company_name: $json.company }] }) }}',
	});
	const result = httpRequest('Result', {
		method: 'GET',
		url: `=${STATUS}?task_id={{ $json.task_ids[0] }}`,
	});
	const withResults = goal === 'results';
	return {
		nodes: [
			{ name: 'Contacts', type: ITEMS_NODE },
			{ name: 'Loop', type: 'n8n-nodes-base.splitInBatches', typeVersion: 3, parameters: { options: {} } },
			send,
			...(withResults ? [result] : []),
		],
		connections: {
			Contacts: { main: [[to('Loop')]] },
			Loop: { main: [[], [to('Send')]] },
			Send: { main: [[to(withResults ? 'Result' : 'Loop')]] },
			Result: { main: [[to('Loop')]] },
		},
	};
}

function node(): WorkflowJson {
	return {
		nodes: [
			{ name: 'Contacts', type: ITEMS_NODE },
			{
				name: 'Enrich',
				type: 'n8n-nodes-cleanlist.cleanlist',
				parameters: {
					resource: 'enrichment',
					inputMode: 'fields',
					firstName: '={{ $json.first_name }}',
					lastName: '={{ $json.last_name }}',
					companyName: '={{ $json.company }}',
					...(goal === 'send'
						? { operation: 'start', delivery: 'poll' }
						: { operation: 'enrichAndWait', waitUpTo: 60 }),
				},
				credentials: CREDENTIALS,
			},
		],
		connections: { Contacts: { main: [[to('Enrich')]] } },
	};
}

const workflows: Record<Way, () => WorkflowJson> = { node, loop };
if (!(way in workflows)) throw new Error(`Say "node" or "loop", not "${way}"`);
const workflow = workflows[way as Way]();
const built = loadBuiltNodes();
const engine = createN8nEngine({
	nodes: { ...built.nodes, ...stockNodes() },
	credentialTypes: built.credentialTypes,
	credentials: { api: { type: 'cleanlistApi', data: { apiKey, baseUrl, requestsPerMinute: 0 } } },
});
const inputItems = Array.from({ length: Number(count) }, (_, index) => ({
	json: { first_name: `Zoë-${index}`, last_name: 'Brontë', company: `Company ${index}` },
}));

const idleMiB = process.memoryUsage.rss() / 1024 ** 2;
const began = performance.now();
const run = await engine.run(workflow, { inputItems });
const milliseconds = performance.now() - began;
if (run.status !== 'success') throw run.data.resultData.error ?? new Error(`The run ended as ${run.status}`);

const tasks = new Set(
	itemsOf(run, way === 'node' ? 'Enrich' : 'Loop').flatMap(({ json }) => {
		const { task_id, task_ids, status } = json as { task_id?: string; task_ids?: string[]; status?: string };
		if (goal === 'results' && !['completed', 'failed'].includes(status ?? '')) return [];
		return task_id ?? task_ids?.[0] ?? [];
	}),
);
const measurement: Measurement = {
	milliseconds,
	// Node gives kilobytes.
	peakMiB: process.resourceUsage().maxRSS / 1024,
	idleMiB,
	tasks: tasks.size,
};
console.log(JSON.stringify(measurement));
await engine.close();
