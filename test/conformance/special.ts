import type { Draft } from './cases.ts';
import type { Reply } from './client.ts';
import type { Request } from './valid.ts';
import { VALID } from './valid.ts';
import type { World } from './world.ts';

/** How to provoke what the contract data can't say by itself, by operation. */
export const SPECIAL: Record<string, Draft[]> = {
	enrich_bulk_contacts: [
		...[
			['an e-mail only', { email: 'jane@example.com' }],
			['no company', { first_name: 'Jane', last_name: 'Doe' }],
			['nothing', {}],
		].map(([what, contact]) => refused(`a contact with ${what as string}`, { contacts: [contact] })),
		...[
			['a LinkedIn URL', { linkedin_url: 'https://www.linkedin.com/in/jane-doe-example' }],
			['a name and a domain', { first_name: 'Jane', last_name: 'Doe', company_domain: 'acme.example' }],
			['an e-mail beside', { first_name: 'J', last_name: 'D', company_name: 'A', email: 'j@example.com' }],
			['a name in another script', { first_name: '美咲', last_name: '😀', company_name: 'شركة' }],
		].map(([what, contact]) => answered(`a contact with ${what as string}`, { contacts: [contact] })),
		refused('webhook_url = no URL', { webhook_url: 'nowhere' }),
		{ title: 'with no credits left', status: 402, owner: 'no credits' },
	],
	enrich_status_legacy: [
		{ title: 'of a task', status: 200, send: ofTask },
		{
			title: 'of a workflow and a task',
			status: 400,
			send: async (world, call) =>
				call({ query: { workflow_id: await world.workflow(), task_id: await world.task() } }),
		},
		{ title: 'of nothing', status: 400, query: { workflow_id: undefined } },
		{ title: 'of an unknown workflow', status: 404, query: { workflow_id: 'public_bulk_unknown' } },
		{
			title: 'of an unknown task',
			status: 404,
			send: (world, call) => call({ query: { task_id: world.nobodysId } }),
		},
		{ title: '?workflow_id twice', status: 422, query: { workflow_id: ['a', 'b'] } },
	],
	webhook_deliveries: [
		{ title: 'of all workflows', status: 200, query: { workflow_id: undefined } },
		{ title: 'of an unknown workflow', status: 404, query: { workflow_id: 'public_bulk_unknown' } },
		{ title: '?workflow_id twice', status: 422, query: { workflow_id: ['a', 'b'] } },
	],

	credits_estimate: [
		bad('tool unknown', { tool: 'conformance' }),
		bad('extra with a key the tool does not know', { extra: { conformance: 1 } }),
		bad('scope unknown', { scope: 'phone_only' }),
		bad('nothing to count', { tool: 'enrich_list' }),
		{ title: 'list_id unknown', status: 404, code: 'not_found', body: { list_id: 'unknown' } },
		...['enrich_list', 'enrich_person', 'run_smart_agent', 'sync_to_crm', 'sync_to_sequencer'].map((tool) =>
			answered(`tool = ${tool}`, { tool, row_count: 3 }),
		),
		answered('tool = add_person_enrichments', {
			tool: 'add_person_enrichments',
			data_points: ['Email', 'Phone'],
			row_count: 3,
		}),
		answered('tool = add_company_enrichments', { tool: 'add_company_enrichments', row_count: 3 }),
		answered('tool = bulk_import_csv', { tool: 'bulk_import_csv', row_count: 3 }),
		...['partial', 'full', 'phone-only'].map((scope) => answered(`scope = ${scope}`, { scope })),
		...['partial', 'full', 'phone_only'].map((type) =>
			answered(`enrichment_type = ${type}`, { enrichment_type: type }),
		),
		answered('filters', { filters: { b: 1, a: ['x'] } }),
		{
			title: 'of a list',
			status: 200,
			send: async (world, call) => call({ body: { tool: 'enrich_list', list_id: await world.list() } }),
		},
		{
			title: 'of a cohort',
			status: 200,
			send: async (world, call) =>
				call({
					body: {
						tool: 'add_person_enrichments',
						data_points: ['Email'],
						task_id: await world.cohort(),
					},
				}),
		},
	],

	create_list: [
		{
			title: 'with a name one has',
			status: 200,
			async send(world, call) {
				const body = { name: world.unique('twice') };
				await call({ body });
				return call({ body: { name: body.name.toUpperCase() } });
			},
		},
		refused('name = blanks', { name: '   ' }),
		{ title: 'folder_id unknown', status: 404, code: 'not_found', body: { folder_id: 'unknown' } },
	],
	list_lists: [
		badCursor(),
		{ title: '?folder_id unknown', status: 200, query: { folder_id: 'unknown' } },
		{ title: 'second page', status: 200, send: secondPage },
	],
	get_list: [],
	update_list: [
		{
			title: 'with nothing to change',
			status: 422,
			body: { description: undefined },
		},
		{ title: 'folder_id unknown', status: 404, code: 'not_found', body: { folder_id: 'unknown' } },
		onProtected({ description: 'Changed' }),
	],
	delete_list: [
		{
			title: 'twice',
			status: 404,
			code: 'not_found',
			async send(world, call) {
				const request = { params: { list_id: await world.newList() } };
				await call(request);
				return call(request);
			},
		},
		{ title: 'with a body that is not JSON', status: 422, raw: '{' },
		onProtected(),
	],
	list_leads_in_list: [badCursor(), { title: 'second page', status: 200, send: secondPage }],
	add_leads_to_list: [
		{
			title: 'with both modes at once',
			status: 422,
			send: async (world, call) =>
				call({
					params: { list_id: await world.newList() },
					body: { lead_ids: [world.nobodysId], task_id: await world.cohort() },
				}),
		},
		refused('in neither mode', { lead_ids: undefined }),
		{
			title: 'task_id unknown',
			status: 404,
			code: 'not_found',
			send: async (world, call) =>
				call({ params: { list_id: await world.newList() }, body: { task_id: 'cl-task_unknown' } }),
		},
	],
	remove_leads_from_list: [answered('with unknown ids', { lead_ids: ['unknown'] })],
	csv_import: [
		bad('column_mapping to no column', { column_mapping: { email: 'Nothing' } }, 'missing_column'),
		refused('column_mapping of an unknown field', { column_mapping: { shoe_size: 'E-mail' } }),
		...[
			'first_name',
			'last_name',
			'full_name',
			'email',
			'phone',
			'mobile_phone',
			'work_phone',
			'linkedin_url',
			'company_name',
			'company_domain',
			'job_title',
			'city',
			'state',
			'country',
		].map((key) => ({
			...answered(`column_mapping of ${key}`, { column_mapping: { [key]: 'Name', email: 'E-mail' } }),
			status: 201,
			...(key === 'email' ? { body: { column_mapping: { email: 'E-mail' } } } : {}),
		})),
		{
			title: 'of more than 150 KB',
			status: 413,
			body: { csv_content_base64: Buffer.alloc(150 * 1024 + 1, 'E').toString('base64') },
		},
		{
			title: 'of 150 KB',
			status: 201,
			body: {
				csv_content_base64: Buffer.concat([
					Buffer.from('E-mail,Name\na@example.com,'),
					Buffer.alloc(150 * 1024 - 26, 'x'),
				]).toString('base64'),
			},
		},
		{
			title: 'while it is switched off',
			status: 503,
			send: (world, call) => world.broken('csv import', async () => call(await VALID.csv_import!(world, {}))),
		},
		refused('dispatching without enrichment_type', { dispatch_enrichment: true }),
		{
			title: 'dispatching without the scope enrich:write',
			status: 403,
			code: 'insufficient_scope',
			owner: 'without enrich:write',
			body: { dispatch_enrichment: true, enrichment_type: 'partial' },
		},
		{
			title: 'dispatching with no credits left',
			status: 400,
			code: 'insufficient_credits',
			owner: 'no credits',
			body: { dispatch_enrichment: true, enrichment_type: 'partial' },
		},
		{
			title: 'dispatching',
			status: 201,
			async send(world, call) {
				const valid = await VALID.csv_import!(world, {});
				return call({
					...valid,
					body: { ...valid.body, dispatch_enrichment: true, enrichment_type: 'full' },
				});
			},
		},
		{
			title: 'again with the same idempotency_key',
			status: 201,
			async send(world, call) {
				const valid = await VALID.csv_import!(world, {});
				const request = { ...valid, body: { ...valid.body, idempotency_key: world.unique('key') } };
				await call(request);
				return call(request);
			},
		},
	],

	enrich_person: [
		refused('who is nobody', { email: undefined, linkedin_url: undefined }),
		{ title: 'into an unknown list', status: 404, code: 'not_found', body: { lead_list_id: 'unknown' } },
		{ title: 'with no credits left', status: 400, code: 'insufficient_credits', owner: 'no credits' },
		bad('quote_id = no quote', { quote_id: 'qte_1_2_3' }, 'quote_invalid'),
		usedQuote('enrich_person', (world) => world.quote({ tool: 'enrich_person' })),
	],
	enrich_company: [
		refused('that has no name', { domain: undefined, company_name: undefined }),
		{ title: 'with no credits left', status: 400, code: 'insufficient_credits', owner: 'no credits' },
	],
	enrich_by_task: [
		{ title: 'task_id unknown', status: 404, code: 'not_found', body: { task_id: 'cl-task_unknown' } },
		bad('quote_id = no quote', { quote_id: 'qte_1_2_3' }, 'quote_invalid'),
		bad('data_points unknown', { data_points: ['Shoes'] }),
	],
	enrich_list: [
		{ title: 'list_id unknown', status: 404, code: 'not_found', body: { list_id: 'unknown' } },
		bad('quote_id = no quote', { quote_id: 'qte_1_2_3' }, 'quote_invalid'),
		{
			title: 'with the quote of another tool',
			status: 400,
			code: 'quote_mismatch',
			send: async (world, call) => {
				const list_id = await world.newListWithLeads(1);
				return call({ body: { list_id, quote_id: await world.quote({ tool: 'enrich_person' }) } });
			},
		},
		usedQuote('enrich_list'),
		{
			title: 'with a quote that has expired',
			status: 400,
			code: 'quote_expired',
			async send(world, call) {
				const request = await VALID.enrich_list!(world, {});
				await world.pass(301_000);
				return call(request);
			},
		},
		{ title: 'with no credits left', status: 400, code: 'insufficient_credits', owner: 'no credits' },
	],
	enrichment_status: [
		{
			title: 'of a workflow of enrich/bulk',
			status: 200,
			send: async (world, call) => call({ params: { workflow_id: await world.workflow() } }),
		},
	],

	run_smart_agent: [
		bad('all of more than 500 leads', {}, 'approval_required', async (world) => {
			const list_id = await world.newListWithLeads(501);
			const quote_id = await world.quote({ tool: 'run_smart_agent', list_id });
			return { body: { list_id, column_name: 'All', prompt: 'Write', lead_scope: 'all', quote_id } };
		}),
		bad('without a prompt', { prompt: undefined }),
		{ title: 'list_id unknown', status: 404, code: 'not_found', body: { list_id: 'unknown' } },
		usedQuote('run_smart_agent'),
		{ title: 'with no credits left', status: 400, code: 'insufficient_credits', owner: 'no credits' },
	],
	list_smart_agents: [
		{
			title: 'of one list',
			status: 200,
			send: async (world, call) => {
				await world.agentRun();
				return call({ query: { list_id: await world.list() } });
			},
		},
		{ title: '?list_id unknown', status: 404, code: 'not_found', query: { list_id: 'unknown' } },
	],

	export_csv: [
		{ title: 'list_id unknown', status: 404, code: 'not_found', body: { list_id: 'unknown' } },
		bad('columns unknown', { columns: ['shoe_size'] }),
		answered('columns chosen', { columns: ['email', 'domain'] }),
	],
	export_json: [
		badCursor(),
		{ title: '?list_id unknown', status: 404, code: 'not_found', query: { list_id: 'unknown' } },
		{ title: '?columns repeated', status: 200, query: { columns: ['email', 'domain'] } },
		{ title: '?columns once', status: 200, query: { columns: 'email' } },
	],
};

type CallIt = (request: Request) => Promise<Reply>;

function answered(title: string, body: Record<string, unknown>): Draft {
	return { title, status: 200, body };
}

function refused(title: string, body: Record<string, unknown>): Draft {
	return { title, status: 422, body };
}

function bad(
	title: string,
	body: Record<string, unknown>,
	code = 'validation_error',
	request?: (world: World) => Promise<Request>,
): Draft {
	const send: Draft['send'] = request && (async (world, call) => call(await request(world)));
	return { title, status: 400, code, body, ...(send ? { send } : {}) };
}

function badCursor(): Draft {
	return {
		title: '?cursor malformed',
		status: 400,
		code: 'validation_error',
		query: { cursor: 'conformance' },
	};
}

function onProtected(body?: Record<string, unknown>): Draft {
	return {
		title: 'on a protected list',
		status: 403,
		code: 'list_protected',
		send: async (world, call) =>
			call({ params: { list_id: await world.protectedList() }, ...(body ? { body } : {}) }),
	};
}

/** A quote is good for one call. */
function usedQuote(operation: string, quote?: (world: World) => Promise<string>): Draft {
	return {
		title: 'with a quote that was used',
		status: 409,
		code: 'quote_used',
		async send(world, call) {
			const valid = await VALID[operation]!(world, {});
			const request = quote ? { ...valid, body: { ...valid.body, quote_id: await quote(world) } } : valid;
			await call(request);
			return call(request);
		},
	};
}

async function ofTask(world: World, call: CallIt): Promise<Reply> {
	return call({ query: { task_id: await world.task() } });
}

async function secondPage(world: World, call: CallIt): Promise<Reply> {
	const params = { list_id: await world.list() };
	const first = await call({ params, query: { limit: '1' } });
	return call({ params, query: { limit: '1', cursor: first.body.cursor as string } });
}
