import { EventEmitter, once } from 'node:events';
import type {
	ICredentialTestRequest,
	ICredentialType,
	IConnections,
	IDataObject,
	INode,
	INodeExecutionData,
	INodeListSearchResult,
	INodePropertyOptions,
	INodeType,
	INodeTypes,
	IRun,
	IRunExecutionData,
	IVersionedNodeType,
	IWebhookData,
	IWebhookDescription,
	IWorkflowExecuteAdditionalData,
	IWorkflowSettings,
	Workflow,
	WorkflowExecuteMode,
} from 'n8n-workflow';
import { n8n } from './n8n-core.ts';
import { createCredentialsHelper } from './n8n-credentials.ts';
import type { StoredCredential } from './n8n-credentials.ts';
import { ITEMS_NODE, SET_NODE, itemsNode, setNode } from './n8n-nodes.ts';
import { createWebhookServer } from './n8n-webhook-server.ts';
import type { WebhookHandler, WebhookRequest, WebhookResponse } from './n8n-webhook-server.ts';

export { ITEMS_NODE, SET_NODE } from './n8n-nodes.ts';

/** A workflow as n8n exports it; what n8n would fill in may be left out. */
export interface WorkflowJson {
	id?: string;
	name?: string;
	nodes: WorkflowNode[];
	connections: IConnections;
	settings?: IWorkflowSettings;
}
export type WorkflowNode = Pick<INode, 'name' | 'type'> & Partial<INode>;

export interface N8nEngineOptions {
	/** By full type, e.g. `n8n-nodes-cleanlist.cleanlist`. */
	nodes: Record<string, INodeType | IVersionedNodeType>;
	credentialTypes: ICredentialType[];
	/** By id or name: what nodes refer to in their `credentials`. */
	credentials: Record<string, StoredCredential>;
}

export interface RunOptions {
	/** The node to start at; the first `engine.items` node if not given, else the first node. */
	startNode?: string;
	/** What goes into the start node; one empty item if not given, as in n8n. */
	inputItems?: INodeExecutionData[];
	/** `manual` is the editor's "Execute workflow"; default `trigger`, a production run. */
	mode?: WorkflowExecuteMode;
	/** Stops the run, as its user does in the editor. */
	stop?: AbortSignal;
}

export interface N8nEngine {
	/** Runs a workflow from its start node to its end. A failed run resolves too: see its `data.resultData.error`. */
	run(workflow: WorkflowJson, options?: RunOptions): Promise<IRun>;
	/** Publishes a workflow: registers its webhooks and calls the trigger nodes' `checkExists` and `create`. */
	activate(workflow: WorkflowJson): Promise<ActiveWorkflow>;
	/** The choices of an options field, by a node's `methods.loadOptions`. */
	loadOptions(workflow: WorkflowJson, node: string, method: string): Promise<INodePropertyOptions[]>;
	/** One page of a resource locator's list, by a node's `methods.listSearch`. */
	listSearch(
		workflow: WorkflowJson,
		node: string,
		method: string,
		query?: { filter?: string; paginationToken?: string },
	): Promise<INodeListSearchResult>;
	/** The credential's "Test" button, for credential types with a declarative `test`. */
	testCredential(idOrName: string): Promise<{ status: 'OK' | 'Error'; message: string }>;
	/** Base of production webhook URLs. */
	webhookBaseUrl(): Promise<string>;
	/** Refuses connections like an n8n that is down; webhooks stay registered. */
	suspend(): Promise<void>;
	/** Listens again on the same port; like n8n after a restart, calls neither `checkExists` nor `create`. */
	resume(): Promise<void>;
	/** Ends the HTTP server; calls no node. */
	close(): Promise<void>;
}

export interface ActiveWorkflow {
	/** Every run finished so far, oldest first. */
	readonly executions: readonly IRun[];
	/** Production URLs of the workflow's webhooks, in node order. */
	readonly webhookUrls: readonly string[];
	/** What nodes keep between runs: the workflow's static data, as n8n would save it. */
	staticData(): IDataObject;
	/** Resolves with the runs finished so far once there are `count`; rejects after `withinMs` (default 60 s). */
	waitForExecutions(count: number, withinMs?: number): Promise<readonly IRun[]>;
	/** Calls `listener` for every run that finishes from now on; returns the unsubscription. */
	onExecution(listener: (run: IRun) => void): () => void;
	/** Unpublishes: calls the trigger nodes' `delete`; from then on the webhooks answer 404. */
	deactivate(): Promise<void>;
	/** What a crash leaves: the webhooks answer 404, no node is called, and the static data stays as it was. */
	abandon(): void;
}

/** The items a node put out, of its last run and first output unless told otherwise; empty if it did not run. */
export function itemsOf(run: IRun, node: string, output = 0): INodeExecutionData[] {
	return run.data.resultData.runData[node]?.at(-1)?.data?.main?.[output] ?? [];
}

/** The error that ended a run, or that of the given node; undefined when there was none. */
export function errorOf(run: IRun, node?: string): Error | undefined {
	const { error, runData } = run.data.resultData;
	return node === undefined ? error : runData[node]?.at(-1)?.error;
}

/**
 * n8n's own engine with the given nodes: expressions, item pairing, credentials, error handling, webhooks and
 * list searches run n8n's code. Around it stands only what the n8n server would do with it, done the same way.
 */
export function createN8nEngine(options: N8nEngineOptions): N8nEngine {
	const { core, workflow: wf } = n8n();
	const nodeTypes = createNodeTypes({ ...options.nodes, [ITEMS_NODE]: itemsNode, [SET_NODE]: setNode });
	const credentialsHelper = createCredentialsHelper(options.credentialTypes, options.credentials);
	const server = createWebhookServer();
	/** Saved static data, by workflow id: outlives deactivation, as in n8n's database. */
	const saved = new Map<string, IDataObject>();
	let executionCount = 0;

	function load(json: WorkflowJson, active: boolean): Workflow {
		const id = json.id ?? 'workflow';
		const nodes = json.nodes.map((node, index) => withNodeDefaults(node, index, nodeTypes));
		return new wf.Workflow({
			id,
			name: json.name ?? id,
			nodes: structuredClone(nodes),
			connections: structuredClone(json.connections),
			active,
			nodeTypes,
			staticData: structuredClone(saved.get(id) ?? {}),
			settings: { executionOrder: 'v1', ...json.settings },
		});
	}

	function save(workflow: Workflow) {
		if (workflow.staticData.__dataChanged !== true) return;
		saved.set(workflow.id, JSON.parse(JSON.stringify(workflow.staticData)) as IDataObject);
	}

	async function additionalData(
		workflow: Workflow,
		mode: WorkflowExecuteMode,
	): Promise<IWorkflowExecuteAdditionalData> {
		const webhookBaseUrl = await server.baseUrl();
		const instance = webhookBaseUrl.replace(/webhook$/, '');
		const executionId = String(++executionCount);
		const unavailable = (what: string) => async (): Promise<never> => {
			throw new Error(`${what} is not available in this engine`);
		};
		return {
			credentialsHelper,
			executeWorkflow: unavailable('Running another workflow'),
			getRunExecutionData: async () => undefined,
			getRuntimeCredential: async () => undefined,
			startRunnerTask: unavailable('A task runner'),
			executionId,
			workflowId: workflow.id,
			currentNodeExecutionIndex: 0,
			restApiUrl: `${instance}rest`,
			instanceBaseUrl: instance,
			formBaseUrl: `${instance}form`,
			formWaitingBaseUrl: `${instance}form-waiting`,
			formTestBaseUrl: `${instance}form-test`,
			webhookBaseUrl,
			webhookWaitingBaseUrl: `${instance}webhook-waiting`,
			webhookTestBaseUrl: `${instance}webhook-test`,
			mcpBaseUrl: `${instance}mcp`,
			mcpTestBaseUrl: `${instance}mcp-test`,
			variables: {},
			logAiEvent: () => {},
			externalSecretsProxy: new core.ExternalSecretsProxy(),
			hooks: new core.ExecutionLifecycleHooks(mode, executionId, workflow as never),
		};
	}

	/** Runs what `data` holds on its execution stack. */
	async function execute(
		workflow: Workflow,
		data: IRunExecutionData,
		additional: IWorkflowExecuteAdditionalData,
		mode: WorkflowExecuteMode,
		stop?: AbortSignal,
	): Promise<IRun> {
		const running = new core.WorkflowExecute(additional, mode, data).processRunExecutionData(workflow);
		const cancel = () => running.cancel();
		stop?.addEventListener('abort', cancel);
		try {
			return await running;
		} finally {
			stop?.removeEventListener('abort', cancel);
			save(workflow);
		}
	}

	function startData(node: INode, items: INodeExecutionData[][]): IRunExecutionData {
		return wf.createRunExecutionData({
			executionData: { nodeExecutionStack: [{ node, data: { main: items }, source: null }] },
		});
	}

	function nodeOf(workflow: Workflow, name: string): INode {
		const node = workflow.getNode(name);
		if (!node) throw new Error(`The workflow has no node "${name}"`);
		return node;
	}

	const typeOf = (node: INode) => nodeTypes.getByNameAndVersion(node.type, node.typeVersion);

	async function methodContext(json: WorkflowJson, name: string) {
		const workflow = load(json, false);
		const node = nodeOf(workflow, name);
		const additional = await additionalData(workflow, 'internal');
		additional.currentNodeParameters = node.parameters;
		const { methods } = typeOf(node);
		return { methods, context: new core.LoadOptionsContext(workflow, node, additional, '') };
	}

	/** n8n's handling of a request to a production webhook. */
	async function handleWebhook(
		json: WorkflowJson,
		nodeName: string,
		description: IWebhookDescription,
		request: WebhookRequest,
		response: WebhookResponse,
	): Promise<IRun | undefined> {
		const workflow = load(json, true);
		const node = nodeOf(workflow, nodeName);
		const additional = await additionalData(workflow, 'webhook');
		Object.assign(additional, { httpRequest: request, httpResponse: response });
		const webhookData = toWebhookData(workflow, node, description, additional);
		const setting = <T extends string | number>(field: string, fallback: T): T =>
			workflow.expression.getSimpleParameterValue(
				node,
				description[field],
				'webhook',
				{ $executionId: additional.executionId },
				undefined,
				fallback,
			) as T;

		const data = startData(node, []);
		let result: Awaited<ReturnType<NonNullable<INodeType['webhook']>>>;
		let failed = false;
		try {
			const context = new core.WebhookContext(workflow, node, additional, 'webhook', webhookData, [], null);
			result = await typeOf(node).webhook!.call(context);
		} catch (error) {
			failed = true;
			result = { noWebhookResponse: true, workflowData: [[{ json: {} }]] };
			data.resultData = { ...data.resultData, lastNodeExecuted: node.name, error: plainError(error) };
		}
		save(workflow);
		answer(response, result, {
			failed,
			responseCode: setting('responseCode', 200),
			responseData: setting('responseData', 'firstEntryJson'),
		});

		if (result.workflowData === undefined) return undefined;
		data.executionData!.nodeExecutionStack[0]!.data = { main: result.workflowData };
		return execute(workflow, data, additional, 'webhook');
	}

	async function callHook(
		json: WorkflowJson,
		nodeName: string,
		description: IWebhookDescription,
		hook: 'checkExists' | 'create' | 'delete',
	): Promise<boolean | undefined> {
		const workflow = load(json, true);
		const node = nodeOf(workflow, nodeName);
		const method = typeOf(node).webhookMethods?.[description.name]?.[hook];
		if (!method) return undefined;
		const additional = await additionalData(workflow, 'trigger');
		const webhookData = toWebhookData(workflow, node, description, additional);
		const context = new core.HookContext(workflow, node, additional, 'trigger', 'activate', webhookData);
		const outcome = await method.call(context);
		save(workflow);
		return outcome;
	}

	return {
		async run(json, { startNode, inputItems = [{ json: {} }], mode = 'trigger', stop } = {}) {
			const workflow = load(json, false);
			const start = nodeOf(
				workflow,
				startNode ?? (json.nodes.find((node) => node.type === ITEMS_NODE) ?? json.nodes[0])?.name ?? '',
			);
			const data = startData(start, [structuredClone(inputItems)]);
			return execute(workflow, data, await additionalData(workflow, mode), mode, stop);
		},

		async activate(json) {
			const workflow = load(json, true);
			const webhooks = Object.values(workflow.nodes)
				.filter((node) => !node.disabled)
				.flatMap((node) =>
					(typeOf(node).description.webhooks ?? [])
						.filter((description) => !description.restartWebhook)
						.map((description) => ({ node: node.name, description })),
				);
			if (webhooks.length === 0) {
				throw new Error('The workflow can not be activated: it has no trigger node with a webhook');
			}
			const executions: IRun[] = [];
			const events = new EventEmitter();
			const finish = (run: IRun | undefined) => {
				if (!run) return;
				executions.push(run);
				events.emit('execution', run);
			};

			const unregister: (() => void)[] = [];
			const webhookUrls: string[] = [];
			const created: typeof webhooks = [];
			const underWay = new Set<Promise<void>>();
			async function deactivate() {
				for (const { node, description } of created.splice(0)) {
					await callHook(json, node, description, 'delete');
				}
				for (const end of unregister.splice(0)) end();
				await Promise.all(underWay);
			}
			try {
				for (const { node, description } of webhooks) {
					const { method, path } = addressOf(workflow, nodeOf(workflow, node), description);
					const handler: WebhookHandler = (request, response) => {
						const handled = handleWebhook(json, node, description, request, response).then(finish);
						const tracked = handled.catch(() => {}).finally(() => underWay.delete(tracked));
						underWay.add(tracked);
						return handled;
					};
					unregister.push(server.register(method, path, handler));
					webhookUrls.push(`${await server.baseUrl()}/${path}`);
					if (!(await callHook(json, node, description, 'checkExists'))) {
						await callHook(json, node, description, 'create');
					}
					created.push({ node, description });
				}
			} catch (error) {
				await deactivate();
				throw error;
			}

			return {
				executions,
				webhookUrls,
				staticData: () => structuredClone(saved.get(workflow.id) ?? {}),
				async waitForExecutions(count, withinMs = 60_000) {
					const signal = AbortSignal.timeout(withinMs);
					while (executions.length < count) {
						await once(events, 'execution', { signal }).catch(() => {
							throw new Error(`${executions.length} of ${count} executions finished within ${withinMs} ms`);
						});
					}
					return executions;
				},
				onExecution(listener) {
					events.on('execution', listener);
					return () => events.off('execution', listener);
				},
				deactivate,
				abandon() {
					created.length = 0;
					for (const end of unregister.splice(0)) end();
				},
			};
		},

		async loadOptions(json, node, method) {
			const { methods, context } = await methodContext(json, node);
			const found = methods?.loadOptions?.[method];
			if (!found) throw new Error(`"${node}" has no loadOptions method "${method}"`);
			return found.call(context);
		},

		async listSearch(json, node, method, { filter, paginationToken } = {}) {
			const { methods, context } = await methodContext(json, node);
			const found = methods?.listSearch?.[method];
			if (!found) throw new Error(`"${node}" has no listSearch method "${method}"`);
			return found.call(context, filter, paginationToken);
		},

		async testCredential(idOrName) {
			const credential = options.credentials[idOrName];
			const type = options.credentialTypes.find(({ name }) => name === credential?.type);
			if (!credential || !type?.test) throw new Error(`"${idOrName}" is no credential with a test`);
			return testCredential(type, type.test, idOrName);
		},

		webhookBaseUrl: () => server.baseUrl(),
		suspend: () => server.suspend(),
		resume: () => server.resume(),
		close: () => server.close(),
	};

	/** As n8n does it: a declarative node with one field whose routing is the test's request. */
	async function testCredential(type: ICredentialType, test: ICredentialTestRequest, idOrName: string) {
		const testNode: INodeType = {
			description: {
				displayName: 'Credential test',
				name: 'credentialTest',
				group: ['input'],
				version: 1,
				description: '',
				defaults: { name: 'Credential test' },
				inputs: ['main'],
				outputs: ['main'],
				credentials: [{ name: type.name, required: true }],
				properties: [
					{
						displayName: 'Request',
						name: 'request',
						type: 'string',
						default: '',
						routing: { request: test.request },
					},
				],
			},
		};
		const node: INode = {
			id: 'test',
			name: 'Credential test',
			type: 'engine.credentialTest',
			typeVersion: 1,
			position: [0, 0],
			parameters: {},
			credentials: { [type.name]: { id: idOrName, name: idOrName } },
		};
		const workflow = new wf.Workflow({
			id: 'credential-test',
			nodes: [node],
			connections: {},
			active: false,
			nodeTypes: createNodeTypes({ [node.type]: testNode }),
		});
		const additional = await additionalData(workflow, 'internal');
		const input = { main: [[{ json: {} }]] };
		const context = new core.ExecuteContext(
			workflow,
			node,
			additional,
			'internal',
			wf.createRunExecutionData(),
			0,
			[{ json: {} }],
			input,
			{ node, data: input, source: null },
			[],
		);
		try {
			await new core.RoutingNode(context, testNode).runNode();
		} catch (error) {
			return credentialFailure(test, error);
		}
		return { status: 'OK' as const, message: 'Connection successful!' };
	}
}

function createNodeTypes(nodes: Record<string, INodeType | IVersionedNodeType>): INodeTypes {
	const { NodeHelpers } = n8n().workflow;
	const byName = (type: string) => {
		const found = nodes[type];
		if (!found) throw new Error(`Unrecognized node type: ${type}`);
		return found;
	};
	return {
		getByName: byName,
		getByNameAndVersion: (type, version) => NodeHelpers.getVersionedNodeType(byName(type), version),
		getKnownTypes: () => ({}),
	};
}

function withNodeDefaults(node: WorkflowNode, index: number, types: INodeTypes): INode {
	const type = types.getByName(node.type);
	const { version, defaultVersion } = type.description as {
		version?: number | number[];
		defaultVersion?: number;
	};
	const latest = defaultVersion ?? (Array.isArray(version) ? Math.max(...version) : (version ?? 1));
	return {
		id: `node-${index}`,
		typeVersion: latest,
		position: [index * 200, 0],
		parameters: {},
		...node,
	};
}

function addressOf(workflow: Workflow, node: INode, description: IWebhookDescription) {
	const { NodeHelpers } = n8n().workflow;
	const resolve = (value: string | boolean | undefined, fallback?: string | boolean) =>
		workflow.expression.getSimpleParameterValue(node, value, 'internal', {}, undefined, fallback);
	const path = String(resolve(description.path)).replace(/^\/|\/$/g, '');
	const isFullPath = resolve(description.isFullPath, false) as boolean;
	return {
		method: String(resolve(description.httpMethod, 'GET')),
		path: NodeHelpers.getNodeWebhookPath(workflow.id, node, path, isFullPath),
	};
}

function toWebhookData(
	workflow: Workflow,
	node: INode,
	webhookDescription: IWebhookDescription,
	workflowExecuteAdditionalData: IWorkflowExecuteAdditionalData,
): IWebhookData {
	const { method, path } = addressOf(workflow, node, webhookDescription);
	return {
		httpMethod: method as IWebhookData['httpMethod'],
		node: node.name,
		path,
		webhookDescription,
		workflowId: workflow.id,
		workflowExecuteAdditionalData,
	};
}

/** What n8n answers in response mode `onReceived`, the only one a trigger of ours uses. */
function answer(
	response: WebhookResponse,
	result: { webhookResponse?: unknown; noWebhookResponse?: boolean; workflowData?: unknown },
	how: { failed: boolean; responseCode: number; responseData: string },
): void {
	if (how.failed) {
		response.status(500).json({ code: 0, message: 'Workflow Webhook Error: Workflow could not be started!' });
		return;
	}
	if (result.noWebhookResponse) return;
	if (result.workflowData === undefined) {
		response.status(200);
		const reply = result.webhookResponse ?? { message: 'Webhook call received' };
		if (typeof reply === 'string') response.send(reply);
		else response.json(reply);
		return;
	}
	response.status(how.responseCode);
	if (how.responseData === 'noData') response.end();
	else if (how.responseData) response.json(how.responseData);
	else response.json(result.webhookResponse ?? { message: 'Workflow was started' });
}

function plainError(error: unknown): NonNullable<IRunExecutionData['resultData']['error']> {
	const { message, stack, name } = error as Error;
	return { ...(error as object), name, message, stack } as never;
}

function credentialFailure(test: ICredentialTestRequest, error: unknown) {
	const { httpCode, message } = error as { httpCode?: string; message: string };
	const rule = test.rules?.find(
		({ type, properties }) => type === 'responseCode' && String(properties.value) === httpCode,
	);
	return { status: 'Error' as const, message: rule ? String(rule.properties.message) : message };
}
