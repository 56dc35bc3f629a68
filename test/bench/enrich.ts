/**
 * Enriches contacts in n8n's engine, in one of two ways, in a process of its own so that its memory can be told.
 * Started by nodes.ts: `node enrich.ts <node | loop> <base URL> <key> <contacts>`. Prints a Measurement.
 */
import type { IDataObject, INodeExecutionData, INodeType } from 'n8n-workflow';
import { loadBuiltNodes } from '../support/n8n-built-nodes.ts';
import { ITEMS_NODE, createN8nEngine, itemsOf } from '../support/n8n-engine.ts';
import type { WorkflowNode } from '../support/n8n-engine.ts';

export interface Measurement {
	milliseconds: number;
	/** Of the whole process, n8n's engine included. */
	peakMiB: number;
	/** The same, before the run began. */
	idleMiB: number;
	/** Items with the ID of a task. */
	submitted: number;
}

const [way, baseUrl = '', apiKey = '', count = '0'] = process.argv.slice(2);
const LOOP = 'bench.httpRequestLoop';
/** What n8n's HTTP Request node proposes for its option Batching. */
const AT_ONCE = 50;

/**
 * A stand-in for n8n's HTTP Request node, which is not installed here, set up the usual way: one request for each
 * item, with the stored credential, through the same helper of n8n. As many at once as the option Batching
 * proposes, but without its pause of a second after each.
 */
const httpRequestLoop: INodeType = {
	description: {
		displayName: 'HTTP Request',
		name: 'httpRequestLoop',
		group: ['transform'],
		version: 1,
		description: 'One request for each item',
		defaults: { name: 'HTTP Request' },
		inputs: ['main'],
		outputs: ['main'],
		credentials: [{ name: 'cleanlistApi', required: true }],
		// `json` is the one type whose object values n8n resolves and doesn't prune to known names.
		properties: [{ displayName: 'Body', name: 'body', type: 'json', default: {} }],
	},
	async execute() {
		const output: INodeExecutionData[] = [];
		const items = this.getInputData();
		for (let start = 0; start < items.length; start += AT_ONCE) {
			const some = items.slice(start, start + AT_ONCE).map(async (_, index) => {
				const item = start + index;
				const json = (await this.helpers.httpRequestWithAuthentication.call(this, 'cleanlistApi', {
					method: 'POST',
					url: `${baseUrl}/api/v1/public/enrich/bulk`,
					body: this.getNodeParameter('body', item),
					json: true,
				})) as IDataObject;
				return { json, pairedItem: { item } };
			});
			output.push(...(await Promise.all(some)));
		}
		return [output];
	},
};

const contact = {
	first_name: '={{ $json.first_name }}',
	last_name: '={{ $json.last_name }}',
	company_name: '={{ $json.company }}',
};
const nodes: Record<string, WorkflowNode> = {
	node: {
		name: 'Enrich',
		type: 'n8n-nodes-cleanlist.cleanlist',
		parameters: {
			resource: 'enrichment',
			operation: 'start',
			delivery: 'poll',
			inputMode: 'fields',
			firstName: contact.first_name,
			lastName: contact.last_name,
			companyName: contact.company_name,
		},
	},
	loop: {
		name: 'Enrich',
		type: LOOP,
		parameters: { body: { enrichment_type: 'partial', contacts: [contact] } },
	},
};
const enrich = nodes[way ?? ''];
if (!enrich) throw new Error(`Say "node" or "loop", not "${way}"`);
enrich.credentials = { cleanlistApi: { id: 'api', name: 'api' } };

const built = loadBuiltNodes();
const engine = createN8nEngine({
	nodes: { ...built.nodes, [LOOP]: httpRequestLoop },
	credentialTypes: built.credentialTypes,
	credentials: { api: { type: 'cleanlistApi', data: { apiKey, baseUrl, requestsPerMinute: 0 } } },
});
const workflow = {
	nodes: [{ name: 'Contacts', type: ITEMS_NODE }, enrich],
	connections: { Contacts: { main: [[{ node: 'Enrich', type: 'main' as const, index: 0 }]] } },
};
const inputItems = Array.from({ length: Number(count) }, (_, index) => ({
	json: { first_name: `Zoë-${index}`, last_name: 'Brontë', company: `Company ${index}` },
}));

const idleMiB = process.memoryUsage.rss() / 1024 ** 2;
const began = performance.now();
const run = await engine.run(workflow, { inputItems });
const milliseconds = performance.now() - began;
if (run.status !== 'success') throw run.data.resultData.error ?? new Error(`The run ended as ${run.status}`);

const submitted = itemsOf(run, 'Enrich').filter(({ json }) => {
	const tasks = json.task_ids as unknown[] | undefined;
	return Boolean(json.task_id ?? tasks?.[0]);
}).length;
const measurement: Measurement = {
	milliseconds,
	// Node gives kilobytes.
	peakMiB: process.resourceUsage().maxRSS / 1024,
	idleMiB,
	submitted,
};
console.log(JSON.stringify(measurement));
await engine.close();
