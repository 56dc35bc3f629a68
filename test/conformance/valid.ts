import type { World } from './world.ts';

export interface Request {
	params?: Record<string, string>;
	query?: Record<string, string | string[]>;
	body?: Record<string, unknown>;
}

/**
 * A request each operation answers with success, by the operation's name.
 *
 * @param given fields that the request will have instead: a quote has to be for them
 */
type Valid = (world: World, given: Record<string, unknown>) => Request | Promise<Request>;

const CONTACT = { first_name: 'Jane', last_name: 'Doe', company_name: 'Acme' };

const anyList = async (world: World): Promise<Request> => ({ params: { list_id: await world.list() } });
const ownList = async (world: World): Promise<Request> => ({ params: { list_id: await world.newList() } });

export const VALID: Record<string, Valid> = {
	validate_key: () => ({}),
	whoami: () => ({}),
	credits_balance: () => ({}),
	list_api_keys: () => ({}),
	usage_report: () => ({}),
	list_lists: () => ({}),
	list_smart_agents: () => ({}),

	credits_estimate: () => ({ body: { tool: 'enrich_person' } }),

	create_list: (world) => ({ body: { name: world.unique('made') } }),
	get_list: anyList,
	list_leads_in_list: anyList,
	update_list: async (world) => ({ ...(await ownList(world)), body: { description: 'Changed' } }),
	delete_list: ownList,
	add_leads_to_list: async (world, given) => ({
		...(await ownList(world)),
		body:
			'task_id' in given || 'entity_ids' in given
				? { task_id: await world.cohort() }
				: { lead_ids: await world.leadIds(await world.list()) },
	}),
	remove_leads_from_list: async (world) => {
		const listId = await world.newListWithLeads();
		return { params: { list_id: listId }, body: { lead_ids: await world.leadIds(listId) } };
	},
	csv_import: async (world) => ({
		...(await ownList(world)),
		body: {
			csv_content_base64: Buffer.from('E-mail,Name\njane@example.com,Jané 🐝\n').toString('base64'),
			column_mapping: { email: 'E-mail' },
			dispatch_enrichment: false,
		},
	}),

	enrich_bulk_contacts: () => ({ body: { contacts: [CONTACT] } }),
	enrich_status_legacy: async (world) => ({ query: { workflow_id: await world.workflow() } }),
	webhook_deliveries: async (world) => ({ query: { workflow_id: await world.workflow() } }),

	enrich_person: async (world) => {
		const list = await world.newList();
		return {
			body: {
				lead_list_id: list,
				email: 'jane.doe@example.com',
				linkedin_url: 'https://www.linkedin.com/in/jane-doe-example',
			},
		};
	},
	enrich_company: () => ({ body: { domain: 'acme.example', company_name: 'Acme' } }),
	enrich_by_task: async (world, given) => {
		const { data_points = ['Email'] } = given;
		const [first] = Array.isArray(data_points) ? (data_points as unknown[]) : [];
		const isPerson = ['Email', 'Phone', 'LinkedIn'].includes(first as string);
		const task_id = await world.cohort();
		const quoted = isPerson
			? { tool: 'add_person_enrichments', data_points: [first] }
			: { tool: 'add_company_enrichments' };
		const quote_id = await world.quote({ ...quoted, task_id });
		return { body: { task_id, data_points: ['Email'], quote_id } };
	},
	enrich_list: async (world, { scope }) => {
		const list_id = await world.newListWithLeads(1);
		const type = scope === 'full' || scope === 'phone-only' ? scope : 'partial';
		return { body: { list_id, quote_id: await world.quote({ tool: 'enrich_list', list_id, scope: type }) } };
	},
	enrichment_status: async (world) => ({ params: { workflow_id: await world.personRun() } }),

	run_smart_agent: async (world, { agent_type }) => {
		const list_id = await world.newListWithLeads(1);
		const known = ['cold_intro_email', 'title_normalizer', 'company_intel', 'pain_point_hypothesis'];
		const type = known.includes(agent_type as string) ? agent_type : 'custom_ai';
		const quote_id = await world.quote({ tool: 'run_smart_agent', list_id, agent_type: type });
		return { body: { list_id, column_name: 'Written', prompt: 'Write a line', quote_id } };
	},
	get_smart_agent_results: async (world) => ({ params: { smart_agent_task_id: await world.agentRun() } }),

	export_csv: async (world) => ({ body: { list_id: await world.list() } }),
	export_json: async (world) => ({ query: { list_id: await world.list() } }),
};
