import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { NodeOperationError } from 'n8n-workflow';
import type { ICredentialType, IDataObject, INodeExecutionData, INodeType } from 'n8n-workflow';
import { n8n } from '../support/n8n-core.ts';
import { ITEMS_NODE, SET_NODE, createN8nEngine, errorOf, itemsOf } from '../support/n8n-engine.ts';
import type { N8nEngine, WorkflowJson } from '../support/n8n-engine.ts';

const credentialType: ICredentialType = {
	name: 'toyApi',
	displayName: 'Toy API',
	properties: [
		{ displayName: 'Key', name: 'key', type: 'string', default: '' },
		{ displayName: 'URL', name: 'url', type: 'string', default: '' },
		{ displayName: 'Team', name: 'team', type: 'string', default: 'default team' },
	],
	authenticate: {
		type: 'generic',
		properties: {
			headers: { Authorization: '=Bearer {{$credentials.key}}', 'X-Team': '={{$credentials.team}}' },
		},
	},
	test: { request: { baseURL: '={{$credentials.url}}', url: '/me' } },
};

const base = { group: ['transform' as const], version: 1, description: '', outputs: ['main' as const] };

const toyNode: INodeType = {
	description: {
		...base,
		displayName: 'Toy',
		name: 'toy',
		defaults: { name: 'Toy' },
		inputs: ['main'],
		credentials: [{ name: 'toyApi', required: true }],
		properties: [{ displayName: 'Text', name: 'text', type: 'string', default: 'by default' }],
	},
	methods: {
		loadOptions: {
			async teams() {
				const { team } = await this.getCredentials<{ team: string }>('toyApi');
				return [{ name: team, value: this.getCurrentNodeParameter('text') as string }];
			},
		},
		listSearch: {
			async things(filter?: string, paginationToken?: string) {
				return { results: [{ name: filter ?? '', value: paginationToken ?? '' }], paginationToken: 'next' };
			},
		},
	},
	async execute() {
		const { url } = await this.getCredentials<{ url: string }>('toyApi');
		const out: INodeExecutionData[] = [];
		for (const [item] of this.getInputData().entries()) {
			try {
				const text = this.getNodeParameter('text', item) as string;
				if (text === 'bad') throw new NodeOperationError(this.getNode(), 'Bad text', { itemIndex: item });
				const seen = (await this.helpers.httpRequestWithAuthentication.call(this, 'toyApi', {
					method: 'POST',
					url: `${url}/echo`,
					body: { text },
					json: true,
				})) as IDataObject;
				out.push({ json: { text, seen }, pairedItem: { item } });
			} catch (error) {
				if (!this.continueOnFail()) throw error;
				out.push({ json: { error: (error as Error).message }, pairedItem: { item } });
			}
		}
		return [out.reverse()];
	},
};

const toyTrigger: INodeType = {
	description: {
		...base,
		displayName: 'Toy Trigger',
		name: 'toyTrigger',
		group: ['trigger'],
		defaults: { name: 'Toy Trigger' },
		inputs: [],
		webhooks: [{ name: 'default', httpMethod: 'POST', path: 'webhook', responseData: '' }],
		properties: [],
	},
	webhookMethods: {
		default: {
			async checkExists() {
				return this.getWorkflowStaticData('node').url === this.getNodeWebhookUrl('default');
			},
			async create() {
				const kept = this.getWorkflowStaticData('node');
				kept.url = this.getNodeWebhookUrl('default');
				kept.created = Number(kept.created ?? 0) + 1;
				return true;
			},
			async delete() {
				const kept = this.getWorkflowStaticData('node');
				kept.deleted = Number(kept.deleted ?? 0) + 1;
				delete kept.url;
				return true;
			},
		},
	},
	async webhook() {
		const body = this.getBodyData();
		if (body.crash) throw new Error('The trigger broke');
		if (!this.getHeaderData()['x-token']) {
			this.getResponseObject().status(401).json({ refused: true });
			return { noWebhookResponse: true };
		}
		const { rawBody } = this.getRequestObject();
		return {
			webhookResponse: { ok: true },
			workflowData: [[{ json: { body, raw: rawBody.toString('utf8'), query: this.getQueryData() } }]],
		};
	},
};

const toyWorkflow = (node: object = {}): WorkflowJson => ({
	nodes: [
		{ name: 'People', type: ITEMS_NODE },
		{
			name: 'Toy',
			type: 'toys.toy',
			parameters: { text: '={{ $json.name }}' },
			credentials: { toyApi: { id: '1', name: 'Toy account' } },
			...node,
		},
		{
			name: 'Out',
			type: SET_NODE,
			parameters: { fields: { name: "={{ $('People').item.json.name }}", echoed: '={{ $json.text }}' } },
		},
	],
	connections: {
		People: { main: [[{ node: 'Toy', type: 'main', index: 0 }]] },
		Toy: { main: [[{ node: 'Out', type: 'main', index: 0 }]] },
	},
});

const triggerWorkflow: WorkflowJson = {
	id: 'w1',
	nodes: [
		{ name: 'Start', type: 'toys.toyTrigger', webhookId: 'b7d1' },
		{ name: 'Out', type: SET_NODE, parameters: { fields: { name: '={{ $json.body.name }}' } } },
	],
	connections: { Start: { main: [[{ node: 'Out', type: 'main', index: 0 }]] } },
};

const people = (...names: string[]) => names.map((name) => ({ json: { name } }));

const post = (url: string, body: string, headers: Record<string, string> = {}) =>
	fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

describe('the engine the nodes are tested with', () => {
	let upstream: Server;
	let engine: N8nEngine;
	let requests: { url: string; headers: IncomingHttpHeaders; body: string }[];

	beforeEach(async () => {
		requests = [];
		upstream = createServer((request, response) => {
			let body = '';
			request.on('data', (chunk: Buffer) => (body += chunk.toString()));
			request.on('end', () => {
				requests.push({ url: request.url ?? '', headers: request.headers, body });
				const allowed = request.headers.authorization === 'Bearer s3cret';
				response.writeHead(allowed ? 200 : 401, { 'content-type': 'application/json' });
				response.end(body || '{}');
			});
		});
		await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
		const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
		engine = createN8nEngine({
			nodes: { 'toys.toy': toyNode, 'toys.toyTrigger': toyTrigger },
			credentialTypes: [credentialType],
			credentials: {
				'1': { type: 'toyApi', data: { key: 's3cret', url } },
				wrong: { type: 'toyApi', data: { key: 'wrong', url } },
			},
		});
	});

	afterEach(async () => {
		await engine.close();
		await new Promise((resolve) => upstream.close(resolve));
	});

	it('resolves expressions per item, sends credentials and keeps item pairing out of order', async () => {
		const run = await engine.run(toyWorkflow(), { inputItems: people('Ada', 'Grace', 'Zoë 🚀') });

		expect(run.status).toBe('success');
		expect(requests.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
			{ text: 'Ada' },
			{ text: 'Grace' },
			{ text: 'Zoë 🚀' },
		]);
		expect(requests[0]?.headers).toMatchObject({
			authorization: 'Bearer s3cret',
			'x-team': 'default team',
		});
		expect(itemsOf(run, 'Out').map(({ json }) => json)).toEqual([
			{ name: 'Zoë 🚀', echoed: 'Zoë 🚀' },
			{ name: 'Grace', echoed: 'Grace' },
			{ name: 'Ada', echoed: 'Ada' },
		]);
		expect(itemsOf(run, 'Toy').map(({ pairedItem }) => pairedItem)).toEqual([
			{ item: 2 },
			{ item: 1 },
			{ item: 0 },
		]);
	});

	it('fills in the defaults of the node type', async () => {
		const run = await engine.run(toyWorkflow({ parameters: {} }));

		expect(itemsOf(run, 'Toy')[0]?.json.text).toBe('by default');
	});

	it('ends the run with the error of a node that fails', async () => {
		const run = await engine.run(toyWorkflow(), { inputItems: people('Ada', 'bad') });

		expect(run.status).toBe('error');
		expect(errorOf(run, 'Toy')).toMatchObject({ name: 'NodeOperationError', message: 'Bad text' });
		expect(errorOf(run)).toMatchObject({ message: 'Bad text', context: { itemIndex: 1 } });
		expect(itemsOf(run, 'Out')).toEqual([]);
	});

	it.each([
		['continueOnFail', { continueOnFail: true }],
		['onError: continueRegularOutput', { onError: 'continueRegularOutput' }],
	])('goes on with an error item under %s', async (_name, setting) => {
		const run = await engine.run(toyWorkflow(setting), { inputItems: people('bad', 'Ada') });

		expect(run.status).toBe('success');
		expect(itemsOf(run, 'Out').map(({ json }) => json.name)).toEqual(['Ada', 'bad']);
		expect(itemsOf(run, 'Toy')[1]).toMatchObject({ json: { error: 'Bad text' }, pairedItem: { item: 0 } });
	});

	it('fails a node whose credential is missing or refused', async () => {
		const missing = await engine.run(toyWorkflow({ credentials: undefined }));
		expect(errorOf(missing)?.message).toMatch(/does not have any credentials set/);

		const refused = await engine.run(
			toyWorkflow({ credentials: { toyApi: { id: 'wrong', name: 'wrong' } } }),
		);
		expect(errorOf(refused)).toMatchObject({ name: 'NodeApiError', httpCode: '401' });
	});

	it("runs a node's list methods", async () => {
		const options = await engine.loadOptions(toyWorkflow({ parameters: { text: 'chosen' } }), 'Toy', 'teams');
		expect(options).toEqual([{ name: 'default team', value: 'chosen' }]);

		const page = await engine.listSearch(toyWorkflow(), 'Toy', 'things', {
			filter: 'a',
			paginationToken: 'p2',
		});
		expect(page).toEqual({ results: [{ name: 'a', value: 'p2' }], paginationToken: 'next' });
	});

	it("runs a credential's test", async () => {
		await expect(engine.testCredential('1')).resolves.toEqual({
			status: 'OK',
			message: 'Connection successful!',
		});
		await expect(engine.testCredential('wrong')).resolves.toMatchObject({ status: 'Error' });
		expect(requests.at(-1)?.url).toBe('/me');
	});

	it('starts the workflow from a webhook, with the raw body, and answers what the node says', async () => {
		const active = await engine.activate(triggerWorkflow);
		const body = '{"name":  "Zoë 🚀"}';
		const answer = await post(`${active.webhookUrls[0]}?a=1`, body, { 'x-token': 't' });

		expect([answer.status, await answer.json()]).toEqual([200, { ok: true }]);
		const [run] = await active.waitForExecutions(1);
		expect(itemsOf(run!, 'Start')[0]?.json).toEqual({
			body: { name: 'Zoë 🚀' },
			raw: body,
			query: { a: '1' },
		});
		expect(itemsOf(run!, 'Out')[0]?.json).toEqual({ name: 'Zoë 🚀' });
	});

	it('starts nothing when the node refuses the request, and a failed run when it throws', async () => {
		const active = await engine.activate(triggerWorkflow);

		const refused = await post(active.webhookUrls[0]!, '{}');
		expect([refused.status, await refused.json()]).toEqual([401, { refused: true }]);
		const broken = await post(active.webhookUrls[0]!, '{"crash":true}');
		expect(broken.status).toBe(500);
		await active.waitForExecutions(1);

		await active.deactivate();
		expect(active.executions.map((run) => [run.status, errorOf(run)?.message])).toEqual([
			['error', 'The trigger broke'],
		]);
	});

	it('answers 404 before activation and after deactivation, and keeps static data', async () => {
		const url = `${await engine.webhookBaseUrl()}/b7d1/webhook`;
		expect((await post(url, '{}')).status).toBe(404);

		const first = await engine.activate(triggerWorkflow);
		expect(first.webhookUrls).toEqual([url]);
		expect(first.staticData()).toEqual({ 'node:Start': { url, created: 1 } });
		await first.deactivate();
		expect((await post(url, '{}')).status).toBe(404);
		expect(first.staticData()).toEqual({ 'node:Start': { created: 1, deleted: 1 } });

		const second = await engine.activate(triggerWorkflow);
		expect(second.staticData()).toMatchObject({ 'node:Start': { created: 2 } });
	});

	it('is gone while suspended and back on the same port, without calling the hooks again', async () => {
		const active = await engine.activate(triggerWorkflow);
		await engine.suspend();
		await expect(post(active.webhookUrls[0]!, '{}')).rejects.toThrow();
		await engine.resume();

		expect((await post(active.webhookUrls[0]!, '{}', { 'x-token': 't' })).status).toBe(200);
		await active.waitForExecutions(1);
		expect(active.staticData()).toMatchObject({ 'node:Start': { created: 1 } });
	});

	it('keeps n8n out of the home folder and leaves nothing behind', () => {
		const { settingsFolder } = n8n();
		expect(settingsFolder.startsWith(tmpdir())).toBe(true);
		expect(existsSync(settingsFolder)).toBe(false);
	});
});
