import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { answer, contacts, startReceiver, until } from '../../reference/harness.ts';
import type { Client } from '../../reference/harness.ts';
import type { Bench } from './bench.ts';

/** What the operations work on, in one account. */
export interface World {
	client: Client;
	/** A list of three leads. */
	list: string;
	leadIds: string[];
	/** The handle of that list's leads as a cohort. */
	cohort: string;
	/** A workflow of `enrich/bulk` that is over, whose webhook was delivered, and its tasks. */
	workflow: string;
	tasks: string[];
	/** A run of a smart agent that is over. */
	agentRun: string;
	/** A list of three leads of its own each time. */
	newList(): Promise<string>;
	/** One of a hundred such lists. */
	listOf(nth: number): Promise<string>;
}

/** @param owner may have fewer scopes than it takes to make this: the rest is the work of `maker`, of the same organization */
export async function makeWorld(bench: Bench, maker: Client, owner: Client = maker): Promise<World> {
	let made = 0;
	const newList = async () => {
		const leads = contacts(3, 10 * ++made);
		const name = `List ${made} of ${owner.userId}`;
		return (await bench.reference.createList({ ownerId: owner.userId, name, leads })).listId;
	};
	const lists: Promise<string>[] = [];
	const list = await newList();
	const own = await bench.reference.createList({
		ownerId: maker.userId,
		name: 'For the agent',
		leads: contacts(2),
	});
	// Runs are seen by those who see their list.
	await bench.reference.shareList(own.listId, 'organization');
	const page = (await asOwner('lists:read', `/api/v2/lead-lists/${list}/leads`)) as {
		leads: { lead_id: string }[];
		task_id: string;
	};
	const receiver = await startReceiver(answer(200));
	const submitted = await maker.submit(contacts(3), { webhook_url: receiver.url });
	const terms = { tool: 'run_smart_agent', list_id: own.listId, agent_type: 'company_intel' };
	const quote = (await maker.call('POST', '/api/v2/credits/estimate', terms)).body;
	const agent = await maker.call('POST', '/api/v2/smart-agents/run', {
		list_id: own.listId,
		agent_type: 'company_intel',
		column_name: 'Intel',
		quote_id: quote.quote_id,
	});
	await bench.clock.advance(60_000);
	await until(() => receiver.received.length > 0);
	await receiver.close();
	return {
		client: owner,
		list,
		leadIds: page.leads.map(({ lead_id }) => lead_id),
		cohort: page.task_id,
		workflow: submitted.workflow_id,
		tasks: submitted.task_ids,
		agentRun: agent.body.smart_agent_task_id,
		newList,
		listOf: (nth) => (lists[nth % 100] ??= newList()),
	};

	/** Leads and cohorts belong to their user: one who may read is asked where the owner may not. */
	async function asOwner(scope: string, path: string): Promise<unknown> {
		const reply = await owner.get(path);
		if (reply.status === 200) return reply.body;
		if (reply.body.error?.code !== 'insufficient_scope')
			throw new Error(`${scope}: ${JSON.stringify(reply)}`);
		await bench.reference.shareList(list, 'organization');
		return (await maker.get(path)).body;
	}
}

export interface Case {
	/** Parameters that work, read from the item where something may differ by item. */
	parameters: IDataObject;
	/** What the `nth` item holds for them. */
	item?: (world: World, nth: number) => IDataObject | Promise<IDataObject>;
	binary?: INodeExecutionData['binary'];
	/** Several items put out for one, or none. */
	many?: true;
	/** What an item holds that is refused while the others are not; absent where nothing is read from items. */
	spoilt?: IDataObject;
	/** What is refused: parameters in place of the good ones, and what the refusal says. */
	bad: [what: string, parameters: IDataObject, message: string | RegExp][];
	/** Scopes that are needed only with other parameters than these. */
	unusedScopes?: string[];
}

const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const LIST = { leadList: byId('={{ $json.list }}') };
const ofList = (world: World) => ({ list: world.list });
const ownList = async (world: World) => ({ list: await world.newList() });
const NO_LIST: Case['bad'] = [
	['no list', { leadList: byId('={{ $json.nothing }}') }, 'No lead list is chosen'],
	['an unknown list', { leadList: byId('nope') }, 'The lead list was not found'],
	['a list that is a path', { leadList: byId('={{ "../whoami" }}') }, 'The lead list was not found'],
];
const NO_LIMIT: Case['bad'] = [
	['no limit', { limit: 0 }, /whole number from 1/],
	['half a limit', { limit: 1.5 }, /whole number from 1/],
];
const PERSON = {
	inputMode: 'fields',
	firstName: '={{ $json.first }}',
	lastName: 'Last',
	companyName: 'Acme',
	enrichmentType: '={{ $json.type }}',
};
const somebody = (_: World, nth: number) => ({ first: `First${nth}`, type: 'partial' });
const NO_CONTACTS: Case['bad'] = [
	['an unknown type', { enrichmentType: 'phones' }, 'There is no enrichment type "phones"'],
	['JSON that is none', { inputMode: 'json', contactsJson: '{"a":' }, /is not valid JSON/],
	['JSON of no contacts', { inputMode: 'json', contactsJson: '={{ [5] }}' }, /is not a contact object/],
	['251 in a request', { options: { contactsPerRequest: 251 } }, /takes 1 to 250 contacts/],
	[
		'nobody, where that stops it',
		{ firstName: '={{ "" }}', options: { whenNotSendable: 'stop' } },
		'The contact of this item can not be sent',
	],
];
const NO_FIELDS: Case['bad'] = [
	['no chosen fields', { output: 'selectedFields', outputFields: '={{ [] }}' }, 'No fields are chosen'],
];
/** What everything refuses, for operations without parameters to get wrong. */
export const NO_ACCESS: Case['bad'] = [
	['a wrong key', { credential: 'wrong' }, 'Cleanlist does not accept the API key'],
	['an address where nobody answers', { credential: 'nowhere' }, 'Cleanlist could not be reached'],
	['an address that is none', { credential: 'odd' }, 'The credential holds no usable address: "api"'],
];

/** Every operation of the node, by resource and operation. */
export const CASES: Record<string, Case> = {
	'account/estimateCost': {
		parameters: { tool: 'enrich_person', rowCount: '={{ $json.rows }}', enrichmentType: 'full' },
		item: (_, nth) => ({ rows: nth + 1 }),
		spoilt: { rows: 0 },
		bad: [
			['nobody', { rowCount: 0 }, /must be a whole number from 1/],
			['an unknown list', { tool: 'enrich_list', leadList: byId('nope') }, 'The lead list was not found'],
			['no cohort', { tool: 'add_person_enrichments', cohortTaskId: ' ' }, 'The ID of the cohort is empty'],
			['an unknown type', { enrichmentType: 'x' }, 'There is no enrichment type "x"'],
		],
	},
	'account/get': { parameters: {}, bad: NO_ACCESS },
	'account/getApiKeys': { parameters: {}, many: true, bad: NO_ACCESS },
	'account/getCreditBalance': { parameters: {}, bad: NO_ACCESS },
	'account/getUsage': {
		parameters: { days: '={{ $json.days }}' },
		item: (_, nth) => ({ days: 1 + (nth % 365) }),
		spoilt: { days: 366 },
		bad: [
			['no days', { days: 0 }, /whole number from 1 to 365/],
			['more than a year', { days: 366 }, /whole number from 1 to 365/],
			['an unknown group', { groupBy: 'planet' }, /'Group By'/],
		],
	},

	'enrichment/enrichAndWait': {
		parameters: PERSON,
		item: somebody,
		spoilt: { type: 'phones' },
		bad: [...NO_CONTACTS, ...NO_FIELDS, ['no time', { waitUpTo: 0 }, /'Wait Up To' is 0/]],
	},
	'enrichment/enrichCompany': {
		parameters: { companyDomain: '={{ $json.domain }}' },
		item: (_, nth) => ({ domain: `c${nth}.example` }),
		spoilt: { domain: ' ' },
		bad: [
			...NO_FIELDS,
			[
				'nothing, where that stops it',
				{ companyDomain: '={{ "" }}', options: { whenNotSendable: 'stop' } },
				/can not be sent/,
			],
			['no credits', { credential: 'poor' }, 'Not enough Cleanlist credits: 1 are missing'],
		],
	},
	'enrichment/enrichList': {
		parameters: LIST,
		item: async (world, nth) => ({ list: await world.listOf(nth) }),
		unusedScopes: ['enrich:read'],
		spoilt: { list: 'nope' },
		bad: [
			...NO_LIST,
			['an unknown type', { enrichmentType: 'none' }, 'There is no enrichment type "none"'],
			['a made-up quote', { options: { quoteId: 'qte_x' } }, /quote/],
			[
				'too little to spend',
				{ options: { mostCredits: 2 } },
				'The run may cost 3 credits, and 2 may be spent',
			],
		],
	},
	'enrichment/enrichPerson': {
		parameters: { ...LIST, firstName: '={{ $json.first }}', lastName: 'Last', companyName: 'Acme' },
		item: (world, nth) => ({ ...ofList(world), first: `First${nth}` }),
		spoilt: { list: 'nope' },
		bad: [
			...NO_LIST,
			...NO_FIELDS,
			['no profile', { linkedinUrl: 'https://example.com/ada' }, /LinkedIn/],
			['a made-up quote', { options: { quoteId: 'qte_x' } }, /quote/],
			[
				'nobody, where that stops it',
				{ firstName: '={{ "" }}', options: { whenNotSendable: 'stop' } },
				/can not be sent/,
			],
		],
	},
	'enrichment/get': {
		parameters: { getBy: 'task', taskId: '={{ $json.task }}' },
		item: (world, nth) => ({ task: world.tasks[nth % world.tasks.length]! }),
		spoilt: { task: 'nope' },
		bad: [
			...NO_FIELDS,
			['no task', { taskId: ' ' }, 'The ID of the task is empty'],
			['an unknown task', { taskId: 'nope' }, 'The task was not found'],
			['no workflow', { getBy: 'workflow', workflowId: '={{ "" }}' }, 'The ID of the workflow is empty'],
			['an unknown workflow', { getBy: 'workflow', workflowId: 'enrich-x' }, 'The workflow was not found'],
		],
	},
	'enrichment/start': {
		parameters: { ...PERSON, delivery: 'poll' },
		item: somebody,
		spoilt: { type: 'phones' },
		bad: [...NO_CONTACTS, ['no webhook', { delivery: 'webhook', webhookUrl: 'example.com' }, /is not a URL/]],
	},

	'export/getCsv': {
		parameters: LIST,
		item: ofList,
		spoilt: { list: 'nope' },
		bad: [
			...NO_LIST,
			['an unknown column', { furtherColumns: 'Shoe size' }, /Shoe size/],
			['no field', { binaryPropertyName: '={{ "" }}' }, 'The name of the output field is empty'],
		],
	},
	'export/getJson': {
		parameters: { ...LIST, returnAll: true },
		item: ofList,
		many: true,
		spoilt: { list: 'nope' },
		bad: [
			...NO_LIST,
			['an unknown column', { furtherColumns: 'Shoe size' }, /Shoe size/],
			['no limit', { returnAll: false, limit: 0 }, /whole number from 1/],
		],
	},

	'lead/addToList': {
		parameters: { ...LIST, addBy: 'leadIds', leadIds: '={{ $json.lead }}' },
		item: (world, nth) => ({ list: world.list, lead: world.leadIds[nth % 3]! }),
		spoilt: { list: 'nope' },
		bad: [
			...NO_LIST,
			['no lead', { leadIds: '={{ "" }}' }, 'There is no lead ID'],
			['no cohort', { addBy: 'cohort', cohortTaskId: '={{ "" }}' }, 'The ID of the cohort is empty'],
			['an unknown cohort', { addBy: 'cohort', cohortTaskId: 'cl-task_x' }, /was not found/],
		],
	},
	'lead/getAll': {
		parameters: { ...LIST, returnAll: true },
		item: ofList,
		many: true,
		spoilt: { list: 'nope' },
		bad: [
			...NO_LIST,
			...NO_FIELDS,
			...NO_LIMIT.map(([what, more, message]): Case['bad'][number] => [
				what,
				{ ...more, returnAll: false },
				message,
			]),
		],
	},
	'lead/importCsv': {
		parameters: { ...LIST, options: { idempotencyKey: '={{ $json.key }}' } },
		item: (world, nth) => ({ list: world.list, key: `${world.list} ${nth}` }),
		binary: {
			data: {
				data: Buffer.from('Email,Name\nada@example.com,Ada Lovelace\n').toString('base64'),
				mimeType: 'text/csv',
				fileName: 'leads.csv',
			},
		},
		unusedScopes: ['enrich:write'],
		spoilt: { list: 'nope' },
		bad: [
			...NO_LIST,
			['no file', { binaryPropertyName: 'file' }, /file/],
			['no column', { columnMode: 'define', columns: {} }, 'No column is chosen'],
			[
				'a column that the file has not',
				{ columnMode: 'define', columns: { values: [{ field: 'email', header: 'Mail' }] } },
				'The file has no column "Mail"',
			],
		],
	},
	'lead/removeFromList': {
		parameters: { ...LIST, leadIds: '={{ $json.lead }}' },
		item: (world, nth) => ({ list: world.list, lead: world.leadIds[nth % 3]! }),
		spoilt: { list: 'nope' },
		bad: [...NO_LIST, ['no lead', { leadIds: '={{ [] }}' }, 'There is no lead ID']],
	},

	'leadList/create': {
		parameters: { name: '={{ $json.name }}' },
		item: (_, nth) => ({ name: `New list ${nth} 🚀` }),
		spoilt: { name: ' ' },
		bad: [
			['no name', { name: ' ' }, 'The name of the lead list is empty'],
			['too long a name', { name: 'n'.repeat(201) }, /201 characters/],
			['an unknown folder', { additionalFields: { folderId: 'nope' } }, 'The folder was not found'],
		],
	},
	'leadList/delete': { parameters: LIST, item: ownList, spoilt: { list: 'nope' }, bad: NO_LIST },
	'leadList/get': { parameters: LIST, item: ofList, spoilt: { list: 'nope' }, bad: NO_LIST },
	'leadList/getAll': {
		parameters: { returnAll: '={{ $json.all }}', limit: '={{ $json.limit }}' },
		item: () => ({ all: true, limit: 1 }),
		spoilt: { all: false, limit: 0 },
		many: true,
		bad: [
			...NO_LIMIT.map(([what, more, message]): Case['bad'][number] => [
				what,
				{ ...more, returnAll: false },
				message,
			]),
			['a limit in words', { limit: '={{ "many" }}', returnAll: false }, /whole number from 1/],
		],
	},
	'leadList/update': {
		parameters: { ...LIST, updateFields: { description: '={{ $json.text }}' } },
		item: (world, nth) => ({ ...ofList(world), text: `Text ${nth}` }),
		spoilt: { list: 'nope' },
		bad: [
			...NO_LIST,
			['nothing to change', { updateFields: {} }, 'There is nothing to change'],
			['an empty name', { updateFields: { name: '' } }, 'The name of the lead list is empty'],
		],
	},

	'smartAgent/get': {
		parameters: { run: byId('={{ $json.run }}') },
		item: (world) => ({ run: world.agentRun }),
		spoilt: { run: 'nope' },
		bad: [
			['no run', { run: byId('={{ "" }}') }, 'The ID of the run is empty'],
			['an unknown run', { run: byId('nope') }, 'The smart agent run was not found'],
			['a path', { run: byId('={{ "../whoami" }}') }, 'The smart agent run was not found'],
		],
	},
	'smartAgent/getAll': {
		parameters: { limit: '={{ $json.limit }}' },
		item: (_, nth) => ({ limit: 1 + (nth % 100) }),
		many: true,
		spoilt: { limit: 101 },
		bad: [
			['no limit', { limit: 0 }, "'Limit' is 0"],
			['too high a limit', { limit: 101 }, "'Limit' is 101"],
			['an unknown list', { runsOn: 'list', leadList: byId('nope') }, 'The lead list was not found'],
		],
	},
	'smartAgent/run': {
		parameters: { ...LIST, agentType: 'company_intel', columnName: '={{ $json.column }}' },
		item: (world, nth) => ({ ...ofList(world), column: `Column ${nth}` }),
		spoilt: { column: '' },
		bad: [
			...NO_LIST,
			['no column', { columnName: '={{ "" }}' }, 'The name of the column is empty'],
			['no prompt', { agentType: 'custom_ai', prompt: '={{ "" }}' }, 'The prompt is empty'],
			['no leads', { maxRows: 0 }, /'Most Leads' is 0/],
		],
	},

	'webhookDelivery/getAll': {
		parameters: { workflowId: '={{ $json.workflow }}' },
		item: (world) => ({ workflow: world.workflow }),
		many: true,
		spoilt: { workflow: 'nope' },
		bad: [
			['no workflow', { workflowId: '={{ "" }}' }, 'The ID of the workflow is empty'],
			['an unknown workflow', { workflowId: 'nope' }, 'The workflow was not found'],
			['no text', { workflowId: '={{ {} }}' }, 'The ID of the workflow is empty'],
			...NO_LIMIT,
		],
	},
};
