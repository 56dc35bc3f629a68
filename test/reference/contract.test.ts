import * as contract from '../../relay/src/contract/index.ts';
import { contacts, startReference } from './harness.ts';
import type { Client, Harness, Reply } from './harness.ts';
import api from '../contract/cleanlist-api.json';

/**
 * Every endpoint this build serves, called on every path the contract data names, and each answer held against
 * both the strict schema and the contract data's own list of fields.
 */

interface Field {
	name: string;
	type: string;
	required: boolean;
	nullable: boolean;
	enum?: string[];
	const?: string;
	items?: Field[];
}
interface World {
	client: Client;
	listId: string;
	workflowId: string;
	taskId: string;
	leadId: string;
	/** A list that has leads. */
	fullListId: string;
	cohort: string;
	runId: string;
	agentTaskId: string;
	quote(request: object): Promise<string>;
}
interface Served {
	schema: { parse(value: unknown): unknown };
	/** Of a successful call. */
	status?: number;
	/** Or a promise of it. */
	body?: (world: World) => unknown;
	query?: (world: World) => string;
	scope: string | null;
	planGated: boolean;
}

const LEGACY_ONLY = ['validate_key', 'enrich_bulk_contacts', 'enrich_status_legacy', 'webhook_deliveries'];

let made = 0;

const SERVED: Record<string, Served> = {
	validate_key: { schema: contract.ValidateKeyResponse, scope: null, planGated: false },
	whoami: { schema: contract.WhoamiResponse, scope: null, planGated: false },
	credits_balance: { schema: contract.CreditsBalanceResponse, scope: 'credits:read', planGated: true },
	create_list: {
		schema: contract.ListDetailResponse,
		status: 201,
		body: () => ({ name: `List ${++made}`, description: 'A list', folder_id: null }),
		scope: 'lists:write',
		planGated: true,
	},
	list_lists: { schema: contract.ListsPageResponse, scope: 'lists:read', planGated: true },
	get_list: { schema: contract.ListDetailResponse, scope: 'lists:read', planGated: true },
	update_list: {
		schema: contract.ListDetailResponse,
		body: () => ({ description: 'Changed' }),
		scope: 'lists:write',
		planGated: true,
	},
	list_leads_in_list: { schema: contract.LeadsPageResponse, scope: 'lists:read', planGated: true },
	credits_estimate: {
		schema: contract.EstimateResponse,
		body: () => ({ tool: 'enrich_person' }),
		scope: 'credits:read',
		planGated: true,
	},
	list_api_keys: { schema: contract.ApiKeysResponse, scope: 'admin:api_keys', planGated: true },
	usage_report: {
		schema: contract.UsageResponse,
		query: () => '?days=365&group_by=day',
		scope: 'admin:api_keys',
		planGated: true,
	},
	add_leads_to_list: {
		schema: contract.AddLeadsResponse,
		body: ({ leadId }) => ({ lead_ids: [leadId] }),
		scope: 'lists:write',
		planGated: true,
	},
	remove_leads_from_list: {
		schema: contract.RemoveLeadsResponse,
		body: ({ leadId }) => ({ lead_ids: [leadId] }),
		scope: 'lists:write',
		planGated: true,
	},
	csv_import: {
		schema: contract.CsvImportResponse,
		status: 201,
		body: () => ({
			csv_content_base64: Buffer.from('E-mail\njane@example.com\njane@example.com\n').toString('base64'),
			column_mapping: { email: 'E-mail' },
			dispatch_enrichment: false,
		}),
		scope: 'lists:write',
		planGated: true,
	},
	enrich_bulk_contacts: {
		schema: contract.BulkEnrichResponse,
		body: () => ({ enrichment_type: 'full', contacts: contacts(1) }),
		scope: 'enrich:write',
		planGated: true,
	},
	enrich_status_legacy: {
		schema: contract.WorkflowStatusResponse,
		query: ({ workflowId }) => `?workflow_id=${workflowId}`,
		scope: 'enrich:read',
		planGated: true,
	},
	webhook_deliveries: {
		schema: contract.WebhookDeliveriesResponse,
		query: ({ workflowId }) => `?workflow_id=${workflowId}`,
		scope: 'enrich:read',
		planGated: true,
	},
	enrich_person: {
		schema: contract.EnrichPersonResponse,
		body: ({ listId }) => ({ lead_list_id: listId, email: 'jane@example.com' }),
		scope: 'enrich:write',
		planGated: true,
	},
	enrich_company: {
		schema: contract.EnrichCompanyResponse,
		body: () => ({ domain: 'acme.example' }),
		scope: 'enrich:write',
		planGated: true,
	},
	enrich_by_task: {
		schema: contract.EnrichByTaskResponse,
		body: async ({ cohort, quote }) => ({
			task_id: cohort,
			data_points: ['Industry'],
			quote_id: await quote({ tool: 'add_company_enrichments', task_id: cohort }),
		}),
		scope: 'enrich:write',
		planGated: true,
	},
	enrich_list: {
		schema: contract.EnrichListResponse,
		body: async ({ fullListId, quote }) => ({
			list_id: fullListId,
			quote_id: await quote({ tool: 'enrich_list', list_id: fullListId }),
		}),
		scope: 'enrich:write',
		planGated: true,
	},
	enrichment_status: { schema: contract.EnrichmentStatusResponse, scope: 'enrich:read', planGated: true },
	run_smart_agent: {
		schema: contract.RunSmartAgentResponse,
		body: async ({ fullListId, quote }) => ({
			list_id: fullListId,
			column_name: 'Note',
			prompt: 'Why them?',
			quote_id: await quote({ tool: 'run_smart_agent', list_id: fullListId }),
		}),
		scope: 'smart_agents:write',
		planGated: true,
	},
	list_smart_agents: {
		schema: contract.SmartAgentRunsResponse,
		scope: 'smart_agents:read',
		planGated: true,
	},
	get_smart_agent_results: {
		schema: contract.SmartAgentResultsResponse,
		scope: 'smart_agents:read',
		planGated: true,
	},
	export_csv: {
		schema: contract.ExportCsvResponse,
		body: ({ fullListId }) => ({ list_id: fullListId }),
		scope: 'export:read',
		planGated: true,
	},
	export_json: {
		schema: contract.ExportJsonResponse,
		query: ({ fullListId }) => `?list_id=${fullListId}`,
		scope: 'export:read',
		planGated: true,
	},
	// Last: it deletes the list the others use.
	delete_list: { schema: contract.DeleteListResponse, scope: 'lists:write', planGated: true },
};

const endpoints = Object.keys(SERVED).flatMap((name) => {
	const endpoint = api.endpoints.find((candidate) => candidate.name === name)!;
	return endpoint.paths.map((path) => ({
		name,
		path,
		method: endpoint.method,
		endpoint,
		served: SERVED[name]!,
	}));
});

const pathOf = (world: World, path: string) =>
	path
		.replace('{list_id}', world.listId)
		.replace('{workflow_id}', world.runId)
		.replace('{smart_agent_task_id}', world.agentTaskId);

const call = async (
	world: World,
	{ method, path, served }: (typeof endpoints)[number],
	client = world.client,
) => client.call(method, pathOf(world, path) + (served.query?.(world) ?? ''), await served.body?.(world));

const TYPES: Record<string, (value: unknown) => boolean> = {
	string: (value) => typeof value === 'string',
	enum: (value) => typeof value === 'string',
	integer: Number.isInteger,
	number: (value) => typeof value === 'number',
	boolean: (value) => typeof value === 'boolean',
	object: (value) => typeof value === 'object',
	const: (value) => typeof value === 'string',
	any: () => true,
	'object<string>': (value) => Object.values(value as object).every((entry) => typeof entry === 'string'),
	'object<integer>': (value) => Object.values(value as object).every(Number.isInteger),
};

function faults(fields: Field[], value: Record<string, unknown>, at: string): string[] {
	const found = fields.flatMap((field) => {
		if (field.name === '*') return [];
		const path = `${at}.${field.name}`;
		const given = value[field.name];
		if (given === undefined) return field.required ? [`${path} is missing`] : [];
		if (given === null) return field.nullable ? [] : [`${path} is null`];
		if (field.enum && !field.enum.includes(given as string)) return [`${path} is ${given as string}`];
		if (field.const !== undefined && field.const !== given) return [`${path} is ${given as string}`];
		if (field.type.startsWith('array')) {
			if (!Array.isArray(given)) return [`${path} is no array`];
			return given.flatMap((item, index) => faults(field.items ?? [], item, `${path}[${index}]`));
		}
		const check = TYPES[field.type];
		if (!check) return [`${path}: the test knows no type ${field.type}`];
		return check(given) ? [] : [`${path} is no ${field.type}`];
	});
	const open = fields.length === 0 || fields.some(({ name }) => name === '*');
	const names = new Set(fields.map(({ name }) => name));
	const unknown = open ? [] : Object.keys(value).filter((key) => !names.has(key));
	return [...found, ...unknown.map((key) => `${at}.${key} is not in the contract`)];
}

describe('every endpoint, on every path the contract names', () => {
	let harness: Harness;
	const worlds = new Map<string, World>();

	beforeAll(async () => {
		harness = await startReference();
		for (const prefix of ['/api/v2', '/api/v1/public']) {
			const client = await harness.client({ email: 'ada@example.com' });
			const list = await client.call('POST', '/api/v2/lead-lists', { name: 'Mine' });
			const workflow = await client.submit(contacts(3));
			await harness.clock.advance(1_500);
			const { body: lists } = await client.get('/api/v2/lead-lists');
			const protectedList = lists.lists.find((one: { name: string }) => one.name === 'Extension Leads');
			const fullListId = protectedList.list_id as string;
			const page = await client.get(`/api/v2/lead-lists/${fullListId}/leads?limit=1`);
			const quote = async (request: object) =>
				(await client.call('POST', '/api/v2/credits/estimate', request)).body.quote_id as string;
			const person = { lead_list_id: fullListId, email: 'joan@example.com' };
			const run = await client.call('POST', '/api/v2/enrichment/person', person);
			const agent = await client.call('POST', '/api/v2/smart-agents/run', {
				list_id: fullListId,
				column_name: 'Intro',
				agent_type: 'cold_intro_email',
				quote_id: await quote({
					tool: 'run_smart_agent',
					list_id: fullListId,
					agent_type: 'cold_intro_email',
				}),
			});
			await harness.clock.advance(1_500);
			worlds.set(prefix, {
				client,
				listId: list.body.list_id,
				workflowId: workflow.workflow_id,
				taskId: workflow.task_ids[0],
				leadId: page.body.leads[0].lead_id,
				fullListId,
				cohort: page.body.task_id,
				runId: run.body.workflow_id,
				agentTaskId: agent.body.smart_agent_task_id,
				quote,
			});
		}
	});
	afterAll(() => harness.close());

	const worldOf = (path: string) => worlds.get(path.startsWith('/api/v2') ? '/api/v2' : '/api/v1/public')!;

	it('is every endpoint of the contract', () => {
		expect(Object.keys(SERVED).sort()).toEqual(api.endpoints.map(({ name }) => name).sort());
	});

	it('is served where the contract says and nowhere else', () => {
		for (const { name, paths } of api.endpoints.filter(({ name }) => name in SERVED)) {
			expect([name, paths.some((path) => path.startsWith('/api/v2'))]).toEqual([
				name,
				!LEGACY_ONLY.includes(name),
			]);
		}
	});

	it.each(endpoints)('$method $path answers in the shape of the contract', async (target) => {
		const { endpoint, served, name, path } = target;
		const reply = await call(worldOf(path), target);
		expect(reply.status).toBe(served.status ?? 200);
		expect(reply.headers.get('content-type')).toMatch(/^application\/json/);

		const legacyBalance = name === 'credits_balance' && !path.startsWith('/api/v2');
		const schema = legacyBalance ? contract.LegacyCreditsBalanceResponse : served.schema;
		expect(schema.parse(reply.body)).toEqual(reply.body);

		const hasEnvelope = endpoint.response_has_envelope && !legacyBalance;
		const fields = [
			...(endpoint.response_fields as Field[]),
			...(hasEnvelope ? (api.envelope_fields as Field[]) : []),
		];
		expect(faults(fields, reply.body, name)).toEqual([]);
		if (hasEnvelope) expect(reply.body.timestamp_ms).toBe(harness.clock.now());
	});

	it.each(endpoints)('$method $path refuses a caller without a key: 401', async (target) => {
		const reply = await call(worldOf(target.path), target, harness.withKey(null));
		expect(reply.status).toBe(401);
		expect(reply.headers.get('www-authenticate')).toBe('Bearer');
		expectError(reply, target.endpoint.error_format, 'unauthorized');
		if (target.endpoint.error_format === 'legacy')
			expect(reply.body).toEqual({ detail: 'Not authenticated' });
	});

	it.each(endpoints)('$method $path asks for its scope: 403', async (target) => {
		const { served } = target;
		const others = contract.SCOPES.filter((scope) => scope !== served.scope);
		const reply = await call(worldOf(target.path), target, await harness.client({ scopes: others }));
		if (served.scope === null) {
			expect(reply.status).toBe(200);
			return;
		}
		expect(reply.status).toBe(403);
		expectError(reply, target.endpoint.error_format, 'insufficient_scope');
		if (target.endpoint.error_format === 'v2') {
			expect(reply.body.error.details).toEqual({ required: [served.scope], granted: others });
		} else {
			expect(reply.body.detail).toContain(served.scope);
			for (const granted of others) expect(reply.body.detail).toContain(granted);
		}
	});

	it.each(endpoints)('$method $path asks for a plan with the API: 403', async (target) => {
		const client = await harness.client({ tier: 'starter', scopes: [] });
		const reply = await call(worldOf(target.path), target, client);
		if (!target.served.planGated) {
			expect(reply.status).toBe(200);
			return;
		}
		expect(reply.status).toBe(403);
		expectError(reply, target.endpoint.error_format, 'feature_gated');
		expect(JSON.stringify(reply.body)).toContain('Upgrade to Pro');
	});

	it.each(endpoints)('$method $path is rate limited: 429', async (target) => {
		const limited = await startReference({ limits: { perKeyPerMinute: 0, perOrganizationPerMinute: 0 } });
		try {
			const reply = await call(worldOf(target.path), target, await limited.client());
			expect(reply.status).toBe(429);
			expect(reply.headers.get('retry-after')).toBe('60');
			expectError(reply, target.endpoint.error_format, 'rate_limited');
			if (target.endpoint.error_format === 'v2') {
				expect(reply.body.error).toMatchObject({ retryable: true, retry_after_ms: 60_000 });
			}
		} finally {
			await limited.close();
		}
	});

	it('serves no legacy endpoint on v2, and says so in the format of v2', async () => {
		const world = worldOf('/api/v2');
		for (const name of LEGACY_ONLY) {
			const target = endpoints.find((endpoint) => endpoint.name === name)!;
			const path = target.path.replace('/api/v1/public', '/api/v2');
			const reply = await call(world, { ...target, path });
			expect(reply.status).toBe(404);
			expectError(reply, 'v2', 'not_found');
		}
	});

	it('answers an unknown path below either prefix in its format', async () => {
		const { client } = worldOf('/api/v2');
		const v2 = await client.get('/api/v2/nothing?x=1');
		expect(v2.status).toBe(404);
		expectError(v2, 'v2', 'not_found');
		expect(v2.body.error.problem).toBe('There is no GET /api/v2/nothing.');
		expect((await client.get('/api/v1/public/nothing')).body).toEqual({ detail: 'Not Found' });
	});

	const withBody = endpoints.filter(({ served }) => served.body);

	it.each(withBody)('$method $path refuses a body that is not JSON: 422', async (target) => {
		const world = worldOf(target.path);
		const path = pathOf(world, target.path);
		for (const body of ['{"name":', '\u0000', '"\\ud"']) {
			const reply = await world.client.call(target.method, path, body);
			expect(reply.status).toBe(422);
			expect(contract.DetailError.parse(reply.body).detail).toEqual([
				expect.objectContaining({ type: 'json_invalid', loc: ['body'] }),
			]);
		}
		const form = await world.client.call(target.method, path, 'name=x', {
			'content-type': 'application/x-www-form-urlencoded',
		});
		expect(form.status).toBe(422);
		expect(JSON.stringify(form.body)).toContain('Content-Type: application/json');
	});

	it.each(withBody)('$method $path refuses a body that is missing or no object: 422', async (target) => {
		const world = worldOf(target.path);
		const path = pathOf(world, target.path);
		for (const body of [undefined, '', '[]', 'null', '"text"', '5']) {
			const reply = await world.client.call(target.method, path, body);
			expect(reply.status).toBe(422);
			expect(Array.isArray(contract.DetailError.parse(reply.body).detail)).toBe(true);
		}
	});
});

/** Strictly in the endpoint's own format, with its code where the format has one. */
function expectError(reply: Reply, format: string, code: string) {
	if (format === 'legacy') {
		expect(typeof contract.DetailError.parse(reply.body).detail).toBe('string');
		return;
	}
	const { error } = contract.V2Error.parse(reply.body);
	expect(error.code).toBe(code);
	expect(error.docs_url).toBe(`https://docs.cleanlist.ai/errors/${code.replaceAll('_', '-')}`);
	expect(error.request_id).toMatch(/^req_[0-9a-f]{32}$/);
}
