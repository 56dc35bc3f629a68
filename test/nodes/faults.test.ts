import type { IDataObject } from 'n8n-workflow';
import type { Behaviours } from '../../relay/src/reference/index.ts';
import { startBench } from './support/bench.ts';
import type { Bench } from './support/bench.ts';
import { makeWorld } from './support/operations.ts';
import type { World } from './support/operations.ts';
import { liveIn } from './support/virtual-time.ts';

jest.mock('../../nodes/Cleanlist/transport/clock.ts', () => ({ now: jest.fn() }));
jest.mock('../../nodes/Cleanlist/transport/pause.ts', () => ({ pause: jest.fn() }));

const byId = (value: string) => ({ __rl: true, mode: 'id', value });
const people = (count: number) =>
	Array.from({ length: count }, (_, n) => ({ 'First Name': `First${n}`, lastName: 'Last', Company: 'Acme' }));
const WAIT = { resource: 'enrichment', operation: 'enrichAndWait', enrichmentType: 'full' };

let bench: Bench;
let world: World;
beforeEach(async () => {
	bench = await startBench();
	liveIn(bench.clock);
	world = await makeWorld(bench, bench.accounts.api!);
});
afterEach(() => bench.close());

/** What the API's log says was asked for by that name, and took place: its answer may have been lost. */
const asked = (operation: string) =>
	bench.reference.recorder.page(1_000, null).requests.filter((request) => request.operation === operation);
const order = (
	operation: string | null,
	times: number,
	fault: Parameters<Bench['reference']['control']['fault']>[0]['fault'],
) => bench.reference.control.fault({ match: operation ? { operation } : {}, times, fault });
const credits = async () => (await bench.accounts.api!.get('/api/v2/credits/balance')).body.credits as number;

describe.each([
	[
		'enrichment/start',
		'enrich_bulk_contacts',
		{ delivery: 'poll', inputMode: 'fields', firstName: 'Ada', lastName: 'L', companyName: 'Acme' },
		/the 1 contacts were accepted/,
		/look in the Cleanlist portal whether the list "Extension Leads" \(older accounts: "DEFAULT"\)/,
	],
	[
		'enrichment/enrichAndWait',
		'enrich_bulk_contacts',
		{ inputMode: 'fields', firstName: 'Ada', lastName: 'L', companyName: 'Acme' },
		/the 1 contacts were accepted/,
		/its events \(GET \/relay\/v1\/events\) show a workflow ID/,
	],
	[
		'enrichment/enrichPerson',
		'enrich_person',
		{ firstName: 'Ada', lastName: 'L', companyName: 'Acme' },
		/the person was accepted/,
		/Lead → Get Many/,
	],
	[
		'enrichment/enrichCompany',
		'enrich_company',
		{ companyDomain: 'globex.com' },
		/the company was/,
		/Credit Balance/,
	],
	['enrichment/enrichList', 'enrich_list', {}, /the list was accepted/, /Credit Balance/],
	[
		'smartAgent/run',
		'run_smart_agent',
		{ agentType: 'company_intel', columnName: 'C' },
		/the run was accepted/,
		/Smart Agent → Get Many/,
	],
] as const)('%s, which is paid for', (name, operation, parameters, what, whereToLook) => {
	const [resource, value] = name.split('/');
	/** Requests that `makeWorld` made. */
	let before: number;
	beforeEach(() => {
		before = asked(operation).length;
	});
	const run = (more: IDataObject = {}) =>
		bench.run({
			resource,
			operation: value,
			enrichmentType: 'partial',
			leadList: byId(world.list),
			...parameters,
			...more,
		});

	it.each([
		['the connection was reset', { type: 'reset', when: 'after' }],
		['there was no answer', { type: 'empty_reply', when: 'after' }],
		['a server error came', { type: 'status', status: 502, when: 'after' }],
		['the answer was cut off', { type: 'malformed_json' }],
	] as const)('is not sent again when it was processed and %s: the charge is unknown', async (_, fault) => {
		order(operation, 100, fault);
		const { error } = await run();
		expect(asked(operation)).toHaveLength(before + 1);
		expect(error.description).toMatch(what);
		expect(error.description).toMatch(/is unknown/);
		expect(error.description).toMatch(whereToLook);
	});

	it('is sent again after 429, which says that nothing was processed, and so is charged once', async () => {
		order(operation, 3, { type: 'rate_limit', retry_after_s: 20 });
		const began = bench.clock.now();
		const { json, error } = await run({ waitForResult: false });
		expect(error).toBeUndefined();
		expect(json).toHaveLength(1);
		expect(
			asked(operation)
				.map(({ status }) => status)
				.slice(0, 4),
		).toEqual([200, 429, 429, 429]);
		expect(bench.clock.now() - began).toBeGreaterThanOrEqual(60_000);
	});

	it('is given up in a storm of 429, with nothing charged', async () => {
		const had = await credits();
		order(operation, 100, { type: 'rate_limit', retry_after_s: 5 });
		const { error } = await run();
		expect(error.message).toBe('Cleanlist receives too many requests');
		expect(error.description).toContain('Nothing was processed');
		expect(asked(operation)).toHaveLength(before + 5);
		expect(await credits()).toBe(had);
	});
});

describe('Enrich and Wait, while it asks for the results', () => {
	it.each([
		['a storm of 429', { type: 'rate_limit', retry_after_s: 7 }, 12],
		['500 before 200', { type: 'status', status: 500 }, 3],
		['broken connections', { type: 'reset' }, 3],
		['answers that never come', { type: 'empty_reply' }, 3],
		['JSON that breaks off', { type: 'malformed_json' }, 3],
	] as const)('bears with %s, and has them all', async (_, fault, times) => {
		order('enrich_status_legacy', times, fault);
		const { json, error } = await bench.run({ ...WAIT, waitUpTo: 10 }, { items: people(20) });
		expect(error).toBeUndefined();
		expect(json.map(({ full_name }) => full_name)).toEqual(
			people(20).map((each) => `${each['First Name']} Last`),
		);
		expect(json.some(({ found }) => found)).toBe(true);
		expect(json.filter(({ status }) => !['completed', 'failed'].includes(status as string))).toEqual([]);
		// Two submissions: the one of makeWorld, and this one.
		expect(asked('enrich_bulk_contacts')).toHaveLength(2);
	});

	it('says at the end of its time that the results are still to come, when it can not ask at all', async () => {
		order('enrich_status_legacy', 10_000, { type: 'status', status: 503 });
		const { json, error } = await bench.run({ ...WAIT, waitUpTo: 2 }, { items: people(2) });
		expect(error).toBeUndefined();
		expect(json.map(({ status }) => status)).toEqual(['timeout', 'timeout']);
	});

	it('fails one request of several, and says of it what is unknown; the others are waited for', async () => {
		const parameters = { ...WAIT, options: { contactsPerRequest: 2 } };
		order('enrich_bulk_contacts', 1, { type: 'reset', when: 'after' });
		const { json, items } = await bench.run(parameters, {
			items: people(6),
			onError: 'continueRegularOutput',
		});
		expect(items.map(({ pairedItem }) => pairedItem)).toEqual(people(6).map((_, item) => ({ item })));
		expect(json.slice(0, 2)).toEqual(
			Array(2).fill(
				expect.objectContaining({ message: expect.stringContaining('the 2 contacts were accepted') }),
			),
		);
		expect(json.slice(2).every(({ workflow_id }) => workflow_id !== undefined)).toBe(true);
		expect(asked('enrich_bulk_contacts')).toHaveLength(1 + 3);
	});
});

it.each([
	['leadList', 'getAll', 'list_lists'],
	['lead', 'getAll', 'list_leads_in_list'],
	['export', 'getJson', 'export_json'],
	['account', 'get', 'whoami'],
])(
	'%s → %s, which only reads, is asked again after 500, a reset and 429',
	async (resource, operation, name) => {
		order(name, 1, { type: 'status', status: 500 });
		order(name, 1, { type: 'reset' });
		order(name, 1, { type: 'rate_limit', retry_after_s: 3 });
		const { error, json } = await bench.run({ resource, operation, leadList: byId(world.list) });
		expect(error).toBeUndefined();
		expect(json.length).toBeGreaterThan(0);
		order(name, 1, { type: 'malformed_json' });
		const cut = await bench.run({ resource, operation, leadList: byId(world.list) });
		expect(cut.error.message).toBe('Cleanlist answered with something that is not JSON');
	},
);

it('lead/importCsv is not sent again after a server error when it enriches, which is paid for', async () => {
	const csv = Buffer.from('Email\nada@example.com\n').toString('base64');
	order('csv_import', 1, { type: 'status', status: 503, when: 'after' });
	const { error } = await bench.run(
		{ resource: 'lead', operation: 'importCsv', leadList: byId(world.list), dispatchEnrichment: true },
		{ binaries: [{ data: { data: csv, mimeType: 'text/csv' } }] },
	);
	expect(asked('csv_import')).toHaveLength(1);
	expect(error.description).toMatch(/Whether the file was accepted is unknown/);
});

describe.each<[string, string, IDataObject]>([
	['account/estimateCost', 'credits_estimate', { tool: 'enrich_list' }],
	['export/getCsv', 'export_csv', {}],
	['leadList/create', 'create_list', { name: 'Once 🚀' }],
	['leadList/update', 'update_list', { updateFields: { name: 'Renamed' } }],
	['leadList/delete', 'delete_list', {}],
	['lead/addToList', 'add_leads_to_list', { leadIds: '={{ $json.lead }}' }],
	['lead/removeFromList', 'remove_leads_from_list', { leadIds: '={{ $json.lead }}' }],
	['lead/importCsv', 'csv_import', {}],
])('%s, which is free and does no harm when it is done twice', (name, operation, parameters) => {
	const [resource, value] = name.split('/');
	const csv = Buffer.from('Email,Name\nada@example.com,Ada Lovelace\n').toString('base64');
	const run = () =>
		bench.run(
			{ resource, operation: value, leadList: byId(world.list), ...parameters },
			{ items: [{ lead: world.leadIds[0]! }], binaries: [{ data: { data: csv, mimeType: 'text/csv' } }] },
		);

	it.each(['before', 'after'] as const)(
		'is sent again after a server error that came %s it was done',
		async (when) => {
			order(operation, 2, { type: 'status', status: 503, when });
			const { error, json } = await run();
			const gone = name === 'leadList/delete' && when === 'after';
			expect(error?.message).toBe(gone ? 'The lead list was not found' : undefined);
			if (!gone) expect(json).toHaveLength(1);
			expect(asked(operation).length).toBeGreaterThanOrEqual(gone ? 2 : 3);
		},
	);

	it('is not sent again after a broken connection', async () => {
		order(operation, 1, { type: 'reset', when: 'after' });
		expect((await run()).error.message).toMatch(/did not answer/);
	});
});

describe('where sources on the API disagree, any variant will do:', () => {
	const outcome = async () => {
		const { json, error } = await bench.run(WAIT, { items: people(10) });
		expect(error).toBeUndefined();
		return json.map(({ found, status, email, phone, full_name, company_name, credits_used }) => ({
			...{ found, status, email, phone, full_name, company_name, credits_used },
		}));
	};

	it.each<[string, Partial<Behaviours>]>([
		['results by task at the top level', { taskResult: 'top_level' }],
		['results by task in a list', { taskResult: 'results_0' }],
		['results by task in a list of another name', { taskResult: 'data_0' }],
		['results nested', { taskResult: 'result', webhookItems: 'nested' }],
		['results in the answer by workflow', { workflowStatusResults: true }],
		['the list named DEFAULT', { protectedListName: 'DEFAULT' }],
		['older email statuses', { emailStatuses: 'reliable' }],
		['other IDs of lists', { listIds: 'll_' }],
	])('%s', async (_, behaviours) => {
		const usual = await outcome();
		expect(usual.some(({ found }) => found)).toBe(true);
		bench.reference.control.setBehaviours(behaviours);
		expect(await outcome()).toEqual(usual);
	});

	it('the list of the API named DEFAULT is protected like the other', async () => {
		bench.reference.control.setBehaviours({ protectedListName: 'DEFAULT' });
		await bench.addAccount('older', {});
		await bench.run(WAIT, { items: people(1), api: 'older' });
		const { json: lists } = await bench.run({ resource: 'leadList', operation: 'getAll' }, { api: 'older' });
		expect(lists.map(({ name }) => name)).toEqual(['DEFAULT']);
		const { error } = await bench.run(
			{ resource: 'leadList', operation: 'delete', leadList: byId(lists[0]!.list_id as string) },
			{ api: 'older' },
		);
		expect(error.message).toBe('The lead list is protected');
	});

	it.each<[string, Partial<Behaviours>]>([
		['accepted', { v2StatusOfBulkIds: 'accepted' }],
		['not known', { v2StatusOfBulkIds: '404' }],
	])('the ID of an older workflow %s by v2', async (_, behaviours) => {
		bench.reference.control.setBehaviours(behaviours);
		const { json } = await bench.run({
			resource: 'enrichment',
			operation: 'get',
			workflowId: world.workflow,
		});
		expect(json).toEqual([
			expect.objectContaining({ workflow_id: world.workflow, finished: true, total: 3 }),
		]);
	});

	it.each<[string, Partial<Behaviours>]>([
		['the usual cursors', {}],
		['numeric cursors', { cursors: 'numeric' }],
	])('%s', async (_, behaviours) => {
		bench.reference.control.setBehaviours(behaviours);
		for (let n = 0; n < 105; n++) await world.newList();
		const { json } = await bench.run({ resource: 'leadList', operation: 'getAll', returnAll: true });
		expect(json.length).toBeGreaterThan(105);
		expect(new Set(json.map(({ list_id }) => list_id)).size).toBe(json.length);
	});

	it.each<[string, Partial<Behaviours>]>([
		['422 with details', { v2Validation: '422_detail' }],
		['400 in the other format', { v2Validation: '400_envelope' }],
	])('a refusal as %s', async (_, behaviours) => {
		bench.reference.control.setBehaviours(behaviours);
		const { error } = await bench.run({
			resource: 'enrichment',
			operation: 'enrichPerson',
			leadList: byId(world.list),
			linkedinUrl: 'https://example.com/ada',
		});
		expect(error.message).toMatch(/LinkedIn/);
	});

	it.each<[string, Partial<Behaviours>, string]>([
		['enrich:write', { scopeNames: 'enrich' }, 'The API key lacks the scope enrich:write'],
		['enrichment:write', { scopeNames: 'enrichment' }, 'The API key lacks the scope enrichment:write'],
	])('the scope named %s', async (_, behaviours, message) => {
		bench.reference.control.setBehaviours(behaviours);
		await bench.addAccount('reader', { scopes: ['lists:read'] });
		const { error } = await bench.run(
			{ resource: 'enrichment', operation: 'enrichCompany', companyDomain: 'globex.com' },
			{ api: 'reader' },
		);
		expect(error.message).toBe(message);
	});
});
