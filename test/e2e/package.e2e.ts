import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { IDataObject } from 'n8n-workflow';
import type { WorkflowDraft } from './support/n8n-client.ts';
import { setStage } from './support/stage.ts';
import type { Stage } from './support/stage.ts';

let stage: Stage;
beforeAll(async () => {
	stage = await setStage();
});
afterAll(() => stage?.dispose());

interface Listed {
	name: string;
	displayName: string;
	version: number | number[];
	iconUrl: { light: string; dark: string };
}

async function listed(file: string): Promise<Listed[]> {
	const { status, text } = await stage.n8n.client.file(file);
	expect(status).toBe(200);
	return JSON.parse(text) as Listed[];
}

async function expectIcons({ iconUrl }: Listed): Promise<void> {
	for (const path of [iconUrl.light, iconUrl.dark]) {
		const icon = await stage.n8n.client.file(`/${path}`);
		expect(icon).toMatchObject({ status: 200, contentType: expect.stringContaining('image/svg+xml') });
		expect(icon.text).toContain('<svg');
	}
}

describe('the packed package in a real n8n', () => {
	test('brings its nodes, with icons', async () => {
		const nodes = (await listed('/types/nodes.json')).filter(({ name }) =>
			name.startsWith('n8n-nodes-cleanlist.'),
		);
		expect(nodes.map(({ displayName }) => displayName).sort()).toEqual([
			'Cleanlist',
			// The same node as a tool of AI agents, made by n8n.
			'Cleanlist Tool',
			'Cleanlist Trigger',
		]);
		for (const node of nodes) await expectIcons(node);
	});

	test('brings its credentials, with icons', async () => {
		const names = ['cleanlistApi', 'cleanlistRelayApi'];
		const credentials = (await listed('/types/credentials.json')).filter(({ name }) => names.includes(name));
		expect(credentials.map(({ displayName }) => displayName).sort()).toEqual([
			'Cleanlist API',
			'Cleanlist Relay API',
		]);
		for (const credential of credentials) await expectIcons(credential);
	});

	test('tells the editor what an operation puts out before it has run', async () => {
		const schema = await stage.n8n.client.file(
			'/schemas/n8n-nodes-cleanlist.cleanlist/1.0.0/enrichment/start.json',
		);
		expect(schema.status).toBe(200);
		expect(JSON.parse(schema.text)).toMatchObject({ type: 'object', properties: { task_id: {} } });
	});
});

describe('the contacts of incoming items', () => {
	test('can be mapped to the columns that the API knows', async () => {
		const { fields } = await stage.n8n.client.mapperColumns({
			nodeType: 'n8n-nodes-cleanlist.cleanlist',
			parameter: 'columns',
			method: 'getContactColumns',
			parameters: { resource: 'enrichment', operation: 'start', inputMode: 'columns' },
		});
		expect(fields.map(({ displayName }) => displayName)).toEqual([
			'LinkedIn URL',
			'First Name',
			'Last Name',
			'Company Domain',
			'Company Name',
			'Email',
		]);
	});
});

describe('each example workflow', () => {
	const folder = resolve(import.meta.dirname, '../../docs/workflows');
	const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

	test.each(files)(
		'%s is imported as it is, and this n8n has every node of it in its version',
		async (file) => {
			const { client } = stage.n8n;
			const example = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Required<WorkflowDraft>;
			const saved = await client.workflow(await client.createWorkflow(example));
			expect(saved).toMatchObject({ nodes: example.nodes, connections: example.connections });

			const known = await listed('/types/nodes.json');
			for (const { type, typeVersion } of example.nodes) {
				const versions = known.filter(({ name }) => name === type).flatMap(({ version }) => version);
				expect([type, versions]).toEqual([type, expect.arrayContaining([typeVersion])]);
			}
		},
	);
});

describe('the credential test', () => {
	const refused = { status: 'Error', message: expect.stringMatching(/\S/) };

	test('of the API accepts the right key and refuses a wrong one, and a server that is not there', async () => {
		const { n8n, cleanlistApi } = stage;
		const { url, demoKey } = stage.relay();
		const result = (data: IDataObject) => n8n.client.testCredential(cleanlistApi, data);

		expect(await result({ apiKey: demoKey, baseUrl: url })).toMatchObject({ status: 'OK' });
		expect(await result({ apiKey: demoKey, baseUrl: `${url}/` })).toMatchObject({ status: 'OK' });
		expect(await result({ apiKey: `clapi_${'x'.repeat(64)}`, baseUrl: url })).toMatchObject(refused);
		// Port 1 is no server's.
		expect(await result({ apiKey: demoKey, baseUrl: 'http://127.0.0.1:1' })).toMatchObject(refused);
	});

	test('of the relay accepts the right token and refuses a wrong one, and a server that is not there', async () => {
		const { n8n, cleanlistRelayApi } = stage;
		const { url, token } = stage.relay();
		const result = (data: IDataObject) => n8n.client.testCredential(cleanlistRelayApi, data);

		expect(await result({ url, token })).toMatchObject({ status: 'OK' });
		expect(await result({ url: `${url}/`, token })).toMatchObject({ status: 'OK' });
		expect(await result({ url, token: `crt_${'x'.repeat(43)}` })).toMatchObject(refused);
		expect(await result({ url: 'http://127.0.0.1:1', token })).toMatchObject(refused);
	});
});

describe('the choice of a lead list', () => {
	const query = (more: { filter?: string; paginationToken?: string } = {}) =>
		stage.n8n.client.listSearch({
			nodeType: 'n8n-nodes-cleanlist.cleanlist',
			parameter: 'leadList',
			method: 'searchLeadLists',
			parameters: { resource: 'leadList', operation: 'get', leadList: { mode: 'list', value: '' } },
			credentials: stage.credentials,
			...more,
		});

	/** One more than a page holds. */
	const COUNT = 101;
	const names = Array.from({ length: COUNT }, (_, index) => `Leads ${index} für Müller 🚀`);

	beforeAll(async () => {
		for (const name of names) await stage.cleanlist('POST', '/api/v2/lead-lists', { name });
	});

	test('offers every list, page by page', async () => {
		const first = await query();
		expect(first.paginationToken).toEqual(expect.any(String));
		const second = await query({ paginationToken: first.paginationToken as string });
		expect(second.paginationToken).toBeUndefined();
		const offered = [...first.results, ...second.results];
		expect(offered.map(({ name }) => name).sort()).toEqual([...names].sort());
		expect(new Set(offered.map(({ value }) => value)).size).toBe(COUNT);
	});

	test('finds a list by a part of its name, on whatever page it is', async () => {
		for (const wanted of [names[0], names[COUNT - 1]]) {
			const { results } = await query({ filter: wanted!.slice(0, -3).toUpperCase() });
			expect(results.map(({ name }) => name)).toEqual([wanted]);
		}
		expect((await query({ filter: 'no such list' })).results).toEqual([]);
	});
});
