import type { IDataObject } from 'n8n-workflow';
import type { N8nEngine } from '../support/n8n-engine.ts';
import { cleanlistCredential, engineWith, runCleanlist } from './support/bench.ts';
import type { RunOptions } from './support/bench.ts';
import { json, startServer } from './support/scripted-server.ts';
import type { ScriptedServer } from './support/scripted-server.ts';

const LIST = { leadList: { __rl: true, mode: 'id', value: ' l1 ' } };
const op = (name: string, more: IDataObject): IDataObject => {
	const [resource, operation] = name.split('/');
	return { resource, operation, ...more };
};
/** One item that holds what sheets, CRMs and other nodes hand over. */
const ITEM = {
	text: '  Zoë 🚀 ',
	empty: '',
	blank: ' \t',
	none: null,
	ten: '10',
	blankTen: ' 10 ',
	number: 1800,
	yes: 'true',
	no: 'false',
	off: 'FALSE',
	many: 'many',
};

describe('values as expressions give them', () => {
	let api: ScriptedServer;
	let engine: N8nEngine;
	beforeAll(async () => {
		api = await startServer(
			json(200, {
				...{
					list_id: 'l1',
					lists: [],
					leads: [],
					runs: [],
					deliveries: [],
					quote_id: 'q',
					estimated_cost: 1,
				},
				...{ workflow_id: 'w', task_ids: ['t'], smart_agent_task_id: 'r', credits_charged: 0 },
			}),
		);
		engine = engineWith({ api: cleanlistCredential('clapi_x', api.url) });
	});
	afterAll(async () => {
		await engine.close();
		await api.close();
	});
	beforeEach(() => {
		api.seen.length = 0;
	});
	const run = (parameters: IDataObject, options: RunOptions = {}) =>
		runCleanlist(engine, parameters, { items: [ITEM], ...options });
	/** What the last request asked for: its query, and its body. */
	const asked = () => {
		const { path, body } = api.seen.at(-1)!;
		return { ...Object.fromEntries(new URL(path, api.url).searchParams), ...(body as object) };
	};

	it.each<[string, string, IDataObject, IDataObject]>([
		['a limit as text', 'leadList/getAll', { limit: '={{ $json.blankTen }}' }, { limit: '10' }],
		['days as text', 'account/getUsage', { days: '={{ $json.ten }}' }, { days: '10' }],
		[
			'leads as text',
			'smartAgent/run',
			{
				...LIST,
				agentType: 'company_intel',
				columnName: '={{ $json.number }}',
				maxRows: '={{ $json.ten }}',
				options: { mostCredits: '={{ $json.ten }}', overwrite: '={{ $json.off }}' },
			},
			{ max_rows: 10, column_name: '1800', overwrite: false },
		],
		[
			'contacts per request as text',
			'enrichment/start',
			{
				delivery: 'poll',
				firstName: '={{ $json.text }}',
				lastName: '={{ $json.number }}',
				companyName: ' Acme',
				companyDomain: '={{ $json.missing }}',
				email: '={{ $json.blank }}',
				options: { contactsPerRequest: '={{ $json.ten }}' },
			},
			{ contacts: [{ first_name: 'Zoë 🚀', last_name: '1800', company_name: 'Acme' }] },
		],
		[
			'a name with blanks, and nothing for the rest',
			'leadList/create',
			{
				name: '={{ $json.text }}',
				additionalFields: { description: '={{ $json.blank }}', folderId: '={{ $json.missing }}' },
			},
			{ name: 'Zoë 🚀' },
		],
		[
			'a name that is a number, and a folder with blanks',
			'leadList/create',
			{ name: '={{ $json.number }}', additionalFields: { description: ' For it ', folderId: ' f ' } },
			{ name: '1800', description: 'For it', folder_id: 'f' },
		],
		[
			'an empty text that removes, and nothing that leaves as it was',
			'leadList/update',
			{ ...LIST, updateFields: { description: '={{ $json.empty }}', folderId: '={{ $json.missing }}' } },
			{ description: null },
		],
		[
			'null and blanks that remove',
			'leadList/update',
			{ ...LIST, updateFields: { description: '={{ $json.none }}', folderId: '={{ $json.blank }}' } },
			{ description: null, folder_id: null },
		],
		[
			'blanks for a folder',
			'leadList/getAll',
			{ filters: { folderId: '={{ $json.blank }}' } },
			{ limit: '50' },
		],
		[
			'a provider that is none',
			'account/estimateCost',
			{ ...LIST, tool: 'sync_to_crm', provider: '={{ $json.missing }}' },
			{ tool: 'sync_to_crm', list_id: 'l1' },
		],
		[
			'people as text',
			'account/estimateCost',
			{ tool: 'enrich_person', rowCount: '={{ $json.ten }}' },
			{ row_count: 10 },
		],
		[
			'a switch that is off as text',
			'smartAgent/run',
			{ ...LIST, agentType: 'company_intel', columnName: 'C', options: { overwrite: '={{ $json.no }}' } },
			{ overwrite: false },
		],
		[
			'a switch that is on as text',
			'smartAgent/run',
			{ ...LIST, agentType: 'company_intel', columnName: 'C', options: { overwrite: '={{ $json.yes }}' } },
			{ overwrite: true },
		],
		[
			'no columns',
			'export/getJson',
			{ ...LIST, columns: '={{ $json.none }}', furtherColumns: '={{ $json.none }}' },
			{ list_id: 'l1', limit: '50' },
		],
	])('%s: %s', async (_, name, parameters, expected) => {
		const { error } = await run(op(name, parameters));
		expect(error?.message).toBeUndefined();
		const body = asked() as IDataObject;
		expect(body).toMatchObject(expected);
		for (const key of ['description', 'folder_id', 'provider', 'columns'])
			expect(key in body).toBe(key in expected);
	});

	it('"Return All" of what has no pages asks for all that there is', async () => {
		await run(op('smartAgent/getAll', { returnAll: '={{ $json.yes }}' }));
		expect(asked()).toEqual({ limit: '100' });
	});

	it('"Return All" that is off as text is off', async () => {
		await run(op('leadList/getAll', { returnAll: '={{ $json.no }}', limit: 3 }));
		expect(asked()).toMatchObject({ limit: '3' });
		await run(op('leadList/getAll', { returnAll: '={{ $json.yes }}', limit: 3 }));
		expect(asked()).toMatchObject({ limit: '100' });
	});

	it('a webhook URL is kept out of the output unless the switch is on', async () => {
		api.answer = json(200, { deliveries: [{ delivery_id: 'd', webhook_url: 'https://h.example/secret' }] });
		const get = (includeUrl: string) =>
			run(op('webhookDelivery/getAll', { workflowId: 'w', includeUrl })).then(({ json: [out] }) => out);
		expect(await get('={{ $json.no }}')).toEqual({ delivery_id: 'd', webhook_host: 'h.example' });
		expect(await get('={{ $json.yes }}')).toMatchObject({ webhook_url: 'https://h.example/secret' });
		api.answer = json(200, { list_id: 'l1' });
	});

	it.each<[string, IDataObject, string | RegExp]>([
		['leadList/getAll', { limit: '={{ $json.missing }}' }, "'Limit' is empty, and it must be a whole number"],
		['leadList/getAll', { limit: '={{ $json.many }}' }, /'Limit' is many, and it must be a whole number/],
		['enrichment/start', { enrichmentType: '={{ $json.missing }}' }, 'The enrichment type is empty'],
		['leadList/update', { ...LIST, updateFields: { name: '={{ $json.missing }}' } }, /name .* is empty/],
		['leadList/update', { ...LIST, updateFields: { folderId: '={{ $json.missing }}' } }, /nothing to change/],
		['account/estimateCost', { tool: 'enrich_ducks' }, 'There is no tool "enrich_ducks"'],
		['account/estimateCost', { tool: 'constructor' }, 'There is no tool "constructor"'],
		['account/estimateCost', { tool: 'toString' }, 'There is no tool "toString"'],
		['account/estimateCost', { tool: '' }, 'The tool is empty'],
		[
			'enrichment/start',
			{ enrichmentType: '={{ "constructor" }}' },
			'There is no enrichment type "constructor"',
		],
		[
			'account/estimateCost',
			{ ...LIST, tool: 'run_smart_agent', agentType: '={{ $json.missing }}' },
			'The agent is empty',
		],
		[
			'smartAgent/run',
			{ ...LIST, columnName: 'C', agentType: '={{ $json.missing }}', prompt: 'P' },
			'The agent is empty',
		],
		[
			'smartAgent/run',
			{ ...LIST, columnName: 'C', agentType: 'company_intel', leadScope: '={{ $json.missing }}' },
			/is empty/,
		],
	])('what is missing or wrong in %s %j is named', async (name, parameters, message) => {
		const { error } = await run(op(name, parameters));
		expect(error.message).toMatch(message);
		expect(error.description).toMatch(/\S/);
		expect(api.seen).toEqual([]);
	});

	it('columns that nobody has mapped yet are a contact that can not be sent', async () => {
		for (const value of [null, {}]) {
			const { json: out } = await run(
				op('enrichment/start', {
					delivery: 'poll',
					inputMode: 'columns',
					columns: { mappingMode: 'defineBelow', value },
				}),
			);
			expect(out).toEqual([expect.objectContaining({ status: 'not_sent' })]);
		}
	});

	it('an output that is none of the choices is the simplified one', async () => {
		api.answer = json(200, { leads: [{ lead_id: 'a', email: 'a@b.example' }] });
		const { json: out } = await run(
			op('lead/getAll', { ...LIST, output: '={{ $json.missing }}', outputFields: ['email'] }),
		);
		expect(out).toEqual([expect.objectContaining({ lead_id: 'a', email: 'a@b.example', full_name: null })]);
		api.answer = json(200, { list_id: 'l1' });
	});

	describe('of a file', () => {
		const csv = Buffer.from('Email\nada@example.com\n').toString('base64');
		const binaries = [{ data: { data: csv, mimeType: 'text/csv' } }];

		it('are text though they are numbers', async () => {
			const { error } = await run(
				op('lead/importCsv', {
					...LIST,
					dispatchEnrichment: '={{ $json.yes }}',
					options: { idempotencyKey: '={{ $json.number }}', quoteId: '={{ $json.number }}' },
				}),
				{ binaries },
			);
			expect(error?.message).toBeUndefined();
			expect(asked()).toMatchObject({
				idempotency_key: '1800',
				quote_id: '1800',
				dispatch_enrichment: true,
				enrichment_type: 'partial',
			});
		});

		it('are left out where they are blank', async () => {
			await run(
				op('lead/importCsv', {
					...LIST,
					dispatchEnrichment: '={{ $json.no }}',
					options: { idempotencyKey: '={{ $json.blank }}', quoteId: '={{ $json.none }}' },
				}),
				{ binaries },
			);
			expect(asked()).toMatchObject({
				idempotency_key: expect.stringMatching(/^[0-9a-f]{64}$/),
				dispatch_enrichment: false,
			});
			expect(asked()).not.toHaveProperty('quote_id');
		});

		it('name it', async () => {
			api.answer = (response, request, nth) =>
				request.method === 'POST'
					? json(200, { download_url: `${api.url}/file` })(response, request, nth)
					: void response.end('a,b');
			const { json: out, error } = await run(
				op('export/getCsv', {
					...LIST,
					options: { fileName: '={{ $json.number }}', includeSmartAgents: '={{ $json.no }}' },
				}),
			);
			expect(error?.message).toBeUndefined();
			expect(out).toEqual([expect.objectContaining({ file_name: '1800' })]);
			expect(api.seen[0]!.body).toMatchObject({ include_smart_agents: false });
		});
	});
});
