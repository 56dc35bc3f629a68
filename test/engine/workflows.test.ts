import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { IDataObject, INodeType, IRun } from 'n8n-workflow';
import { Cleanlist, CleanlistApi, CleanlistRelayApi, CleanlistTrigger } from '../../index.ts';
import { startReference } from '../reference/harness.ts';
import type { StoredCredential } from '../support/n8n-credentials.ts';
import { createN8nEngine, errorOf, itemsOf } from '../support/n8n-engine.ts';
import type { N8nEngine, WorkflowJson } from '../support/n8n-engine.ts';
import { asTool, createStandIns } from '../support/n8n-stand-ins.ts';
import type { StandIns } from '../support/n8n-stand-ins.ts';
import { startRelay } from '../support/relay-process.ts';
import type { RelayProcess } from '../support/relay-process.ts';
import { until } from '../support/until.ts';

// The node asks again at once instead of after seconds.
jest.mock('../../nodes/Cleanlist/transport/pause.ts', () => ({
	pause: () => new Promise((resolve) => setImmediate(resolve)),
}));

const FOLDER = resolve(import.meta.dirname, '../../docs/workflows');
const CLEANLIST = 'n8n-nodes-cleanlist.';

type Example = WorkflowJson & { name: string };
const read = (file: string) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Example;

/** The workflow as a user leaves it who did what its note says: credentials chosen, and the parameters given here. */
function filledIn(file: string, choices: Record<string, IDataObject> = {}): Example {
	const example = read(file);
	for (const node of example.nodes) {
		if (node.type.startsWith(CLEANLIST)) {
			node.credentials = {
				cleanlistApi: { id: 'api', name: 'api' },
				cleanlistRelayApi: { id: 'relay', name: 'relay' },
			};
		}
		Object.assign(node.parameters!, choices[node.name]);
	}
	return example;
}

const items = (...rows: IDataObject[]) => rows.map((json) => ({ json }));
const statusOf = (run: IRun) => ({ status: run.status, error: run.data.resultData.error?.message });

let relay: RelayProcess;
let engine: N8nEngine;
let standIns: StandIns;
let nodeTypes: Record<string, INodeType>;
let credentials: Record<string, StoredCredential>;

beforeAll(async () => {
	relay = await startRelay({ env: { RELAY_REFERENCE_COMPLETION_MS: '20', RELAY_REFERENCE_LIMITS: 'off' } });
});
afterAll(() => relay.dispose());

beforeEach(() => {
	standIns = createStandIns();
	nodeTypes = {
		...standIns.nodes,
		[`${CLEANLIST}cleanlist`]: new Cleanlist(),
		[`${CLEANLIST}cleanlistTool`]: asTool(new Cleanlist()),
		[`${CLEANLIST}cleanlistTrigger`]: new CleanlistTrigger(),
	};
	credentials = {
		api: {
			type: 'cleanlistApi',
			data: { apiKey: relay.demoKey, baseUrl: relay.referenceUrl, requestsPerMinute: 0 },
		},
		relay: { type: 'cleanlistRelayApi', data: { url: relay.url, token: relay.token } },
	};
	engine = createN8nEngine({
		nodes: nodeTypes,
		credentialTypes: [new CleanlistApi(), new CleanlistRelayApi()],
		credentials,
	});
});
afterEach(() => engine.close());

describe('each example workflow', () => {
	const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

	it.each(files)('%s can be imported: whole, connected, and without anybody’s data', (file) => {
		const { name, nodes, connections } = read(file);
		expect(name).toMatch(/^[A-Z]/);
		const names = nodes.map((node) => node.name);
		expect(new Set(names).size).toBe(names.length);
		expect(new Set(nodes.map(({ id }) => id)).size).toBe(nodes.length);
		for (const node of nodes) {
			expect(node).toMatchObject({ id: expect.any(String), typeVersion: expect.any(Number) });
			expect(node.position).toHaveLength(2);
			// A credential's id holds on one n8n only.
			expect(node).not.toHaveProperty('credentials');
		}
		for (const [from, outputs] of Object.entries(connections)) {
			expect(names).toContain(from);
			for (const { node } of Object.values(outputs)
				.flat(2)
				.filter((to) => to !== null)) {
				expect(names).toContain(node);
			}
		}
		const connected = new Set([
			...Object.keys(connections),
			...Object.values(connections).flatMap((outputs) =>
				Object.values(outputs)
					.flat(2)
					.flatMap((to) => to?.node ?? []),
			),
		]);
		const loose = nodes.filter((node) => !connected.has(node.name));
		expect(loose.map(({ type }) => type)).toEqual(['n8n-nodes-base.stickyNote']);
	});

	it.each(files)('%s sets only parameters that the Cleanlist nodes have', (file) => {
		const ours = read(file).nodes.filter(({ type }) => type.startsWith(CLEANLIST));
		expect(ours).not.toEqual([]);
		for (const { type, parameters = {} } of ours) {
			const names = nodeTypes[type]!.description.properties.map(({ name }) => name);
			expect(Object.keys(parameters).filter((key) => !names.includes(key))).toEqual([]);
		}
	});

	it.each(files)('%s is described in the README', (file) => {
		expect(readFileSync(join(FOLDER, 'README.md'), 'utf8')).toContain(`(${file})`);
	});
});

const READY = { startNode: "When clicking 'Execute workflow'" };
const person = (number: number): IDataObject => ({
	first_name: `Zoë${number}`,
	last_name: 'Brontë',
	company_name: 'Blue Kettle 🚀',
});
const json = (run: IRun, node: string) => itemsOf(run, node).map((item) => item.json);
const succeeded = { status: 'success', error: undefined };

interface Answer {
	list_id: string;
	lead_list_id: string;
	leads: { lead_id: string; email: string | null }[];
	status: string;
	workflow_id: string;
}
/** Calls the reference API as the demo account. */
const api = async (method: string, path: string, body?: object) => {
	const answer = await fetch(`${relay.referenceUrl}/api${path}`, {
		method,
		headers: { authorization: `Bearer ${relay.demoKey}`, 'content-type': 'application/json' },
		...(body && { body: JSON.stringify(body) }),
	});
	return (await answer.json()) as Answer;
};

describe('enrich-sheet-rows.json', () => {
	const rows: IDataObject[] = [
		...Array.from({ length: 20 }, (_, index) => ({
			row_number: index + 2,
			'First Name': `Zoë${index}`,
			'Last Name': 'Brontë',
			Company: 'Blue Kettle 🚀',
			Notes: null,
		})),
		{ row_number: 22, 'First Name': 'Nobody' },
	];
	const cells = (node: string) =>
		standIns.written
			.filter((written) => written.node === node)
			.map(({ parameters }) => (parameters.columns as { value: IDataObject }).value);

	it('writes to each row what was found for it, or why there is nothing', async () => {
		const run = await engine.run(filledIn('enrich-sheet-rows.json'), {
			...READY,
			inputItems: items(...rows),
		});
		expect(statusOf(run)).toEqual(succeeded);

		const answers = json(run, 'Enrich and Wait');
		expect(answers.slice(0, 20).map(({ full_name }) => full_name)).toEqual(
			rows.slice(0, 20).map((row) => `${row['First Name'] as string} Brontë`),
		);
		const numbered: IDataObject[] = answers.map((answer, index) => ({
			...answer,
			row: rows[index]!.row_number,
		}));
		const found = numbered.filter((answer) => answer.found);
		const missed = numbered.filter((answer) => !answer.found);
		expect(found.length).toBeGreaterThan(0);
		expect(missed.length).toBeGreaterThan(1);

		expect(cells('Write Result')).toEqual(
			found.map(({ row, email, email_status }) => ({
				row_number: row,
				'Found Email': email,
				'Email Status': email_status,
				Enrichment: 'found',
			})),
		);
		expect(cells('Write Not Found')).toEqual([
			...missed.slice(0, -1).map(({ row }) => ({ row_number: row, Enrichment: 'not found' })),
			{ row_number: 22, Enrichment: expect.stringMatching(/^not_sent: .*last name.*company/) },
		]);
	});

	it('does nothing with an empty sheet', async () => {
		const run = await engine.run(filledIn('enrich-sheet-rows.json'), { ...READY, inputItems: [] });
		expect(statusOf(run)).toEqual(succeeded);
		expect(standIns.written).toEqual([]);
	});
});

describe('results-to-list-and-slack.json', () => {
	it('puts the leads of an enrichment that have an address on the list, and tells how many', async () => {
		const { list_id } = await api('POST', '/v2/lead-lists', { name: 'With an address' });
		const active = await engine.activate(
			filledIn('results-to-list-and-slack.json', {
				'Add to List': { leadList: { __rl: true, mode: 'list', value: list_id } },
			}),
		);
		const start = filledIn('credit-guard.json');
		const run = await engine.run(start, {
			...READY,
			inputItems: items(...Array.from({ length: 30 }, (_, index) => person(1_000 + index))),
		});
		expect(statusOf(run)).toEqual(succeeded);
		const [execution] = await active.waitForExecutions(1);
		expect(statusOf(execution!)).toEqual(succeeded);

		const [event] = json(execution!, 'Cleanlist Trigger') as { results: { email: string | null }[] }[];
		const addresses = event!.results.flatMap(({ email }) => email ?? []);
		expect(addresses.length).toBeGreaterThan(0);
		expect(addresses.length).toBeLessThan(30);
		const { leads } = await api('GET', `/v2/lead-lists/${list_id}/leads?limit=100`);
		expect(leads.map(({ email }) => email).sort()).toEqual(addresses.sort());
		expect(standIns.written).toEqual([
			{
				node: 'Tell the Team',
				parameters: {
					text: `${addresses.length} enriched leads are on the list now, 0 of them already before.`,
				},
			},
		]);
		await active.deactivate();
	});
});

describe('nightly-list-export.json', () => {
	const exporting = (list: string) =>
		engine.run(
			filledIn('nightly-list-export.json', {
				'Export CSV': { leadList: { __rl: true, mode: 'list', value: list } },
			}),
			{ startNode: 'Every Night', inputItems: items({ timestamp: '2026-01-05T02:00:00.000+00:00' }) },
		);
	const uploads = () => standIns.written.filter(({ node }) => node === 'Upload');
	const fileName = expect.stringMatching(/^leads-\d{4}-\d\d-\d\d\.csv$/) as string;

	it('uploads the whole list as a CSV file of the day', async () => {
		const { list_id } = await api('POST', '/v2/lead-lists', { name: 'Nightly' });
		const { workflow_id } = await api('POST', '/v1/public/enrich/bulk', {
			enrichment_type: 'none',
			contacts: Array.from({ length: 25 }, (_, index) => person(2_000 + index)),
		});
		const workflow = () => api('GET', `/v1/public/enrich/status?workflow_id=${workflow_id}`);
		await until('the leads are there', async () => (await workflow()).status === 'completed');
		const { lead_list_id } = await workflow();
		const { leads } = await api('GET', `/v2/lead-lists/${lead_list_id}/leads?limit=25`);
		expect(leads).toHaveLength(25);
		const leadIds = leads.map(({ lead_id }) => lead_id);
		await api('POST', `/v2/lead-lists/${list_id}/leads`, { lead_ids: leadIds });

		const run = await exporting(list_id);
		expect(statusOf(run)).toEqual(succeeded);
		const [upload] = uploads();
		expect(uploads()).toHaveLength(1);
		expect(upload).toMatchObject({
			parameters: { name: fileName },
			binary: { fileName, mimeType: 'text/csv' },
		});
		const lines = upload!.binary!.content.trim().split(/\r?\n/);
		expect(lines[0]).toMatch(/^\uFEFF?lead_id,first_name,last_name,email/);
		expect(lines).toHaveLength(1 + leadIds.length);
		expect(lines.filter((line) => leadIds.some((leadId) => line.startsWith(leadId)))).toHaveLength(
			leadIds.length,
		);
	});

	it('uploads nothing when the list is gone', async () => {
		const { list_id } = await api('POST', '/v2/lead-lists', { name: 'Gone' });
		await api('DELETE', `/v2/lead-lists/${list_id}`);
		const run = await exporting(list_id);
		expect(run.status).toBe('error');
		expect(errorOf(run, 'Export CSV')?.message).toContain('list');
		expect(uploads()).toEqual([]);
	});
});

describe('credit-guard.json', () => {
	const run = (count: number, example = filledIn('credit-guard.json')) =>
		engine.run(example, {
			...READY,
			inputItems: items(...Array.from({ length: count }, (_, index) => person(index))),
		});

	it('starts what is within the budget', async () => {
		const ran = await run(500);
		expect(statusOf(ran)).toEqual(succeeded);
		expect(json(ran, 'Estimate Cost')).toEqual([
			expect.objectContaining({ row_count: 500, estimated_cost: 500, sufficient: true }),
		]);
		const started = json(ran, 'Start Enrichment');
		expect(started.map(({ contact }) => contact)).toEqual(Array.from({ length: 500 }, (_, i) => person(i)));
		expect(new Set(started.map(({ workflow_id }) => workflow_id)).size).toBe(2);
	});

	it('stops before anything is started when the budget is smaller', async () => {
		const ran = await run(501);
		expect(errorOf(ran, 'Stop and Error')?.message).toMatch(
			/^501 contacts can cost up to 501 credits, and [0-9]+ are left; the budget of this workflow is smaller\. Nothing was started\.$/,
		);
		expect(ran.status).toBe('error');
		expect(ran.data.resultData.runData).not.toHaveProperty('Start Enrichment');
	});

	it('stops, and says how many credits are missing', async () => {
		const other = await startReference();
		try {
			const { key } = await other.client({ credits: 3 });
			Object.assign(credentials.api!.data, { apiKey: key, baseUrl: other.baseUrl });
			const ran = await run(5);
			expect(errorOf(ran, 'Stop and Error')?.message).toBe(
				'5 contacts can cost up to 5 credits, and 3 are left (2 too few). Nothing was started.',
			);
			expect(ran.data.resultData.runData).not.toHaveProperty('Start Enrichment');
		} finally {
			await other.close();
		}
	});
});

describe('agent-looks-up-a-lead.json', () => {
	/** @param toolInput what a model would have decided to call the tool with */
	const chat = (toolInput: IDataObject) =>
		engine.run(filledIn('agent-looks-up-a-lead.json'), {
			startNode: 'When chat message received',
			inputItems: items({ chatInput: 'What is the address of Ada Abara of Blue Kettle?', toolInput }),
		});

	it('the engine runs the node as the agent’s tool, with the arguments a model would give', async () => {
		const run = await chat({ first_name: 'Ada', last_name: 'Abara', company_name: 'Blue Kettle' });
		expect(statusOf(run)).toEqual(succeeded);
		const { output } = json(run, 'AI Agent')[0] as { output: IDataObject };
		expect(output).toMatchObject({
			found: true,
			email: 'ada.abara@blue-kettle.example',
			full_name: 'Ada Abara',
			company_name: 'Blue Kettle',
		});
		expect(Object.keys(output).length).toBeLessThanOrEqual(10);
	});

	it('tells the agent what is missing, instead of failing the chat', async () => {
		const run = await chat({ first_name: 'Ada' });
		expect(statusOf(run)).toEqual(succeeded);
		expect(json(run, 'AI Agent')).toEqual([
			{
				output: expect.objectContaining({
					found: false,
					status: 'not_sent',
					reason: expect.stringMatching(/last name.*company/) as string,
				}) as IDataObject,
			},
		]);
	});
});
