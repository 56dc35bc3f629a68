import type {
	IConnections,
	IDataObject,
	INode,
	INodeListSearchResult,
	ResourceMapperFields,
} from 'n8n-workflow';
import { until } from './until.ts';

export interface Credential {
	id: string;
	name: string;
	type: string;
}

export interface WorkflowDraft {
	name: string;
	nodes: (Pick<INode, 'name' | 'type'> & Partial<INode>)[];
	connections: IConnections;
}

/** An execution as n8n's public API tells it. */
export interface Execution {
	id: string;
	status: string;
	mode: string;
	data: {
		resultData: {
			runData: Record<string, NodeRun[]>;
			error?: { message: string; description?: string };
		};
	};
}
interface NodeRun {
	data?: { main: ({ json: IDataObject }[] | null)[] };
	error?: { message: string };
}

/** n8n's HTTP side, as its editor and its public API use it. */
export interface N8nClient {
	/** The file of a path the editor links to, e.g. a node's icon. */
	file(path: string): Promise<{ status: number; contentType: string; text: string }>;
	createCredential(type: string, data: IDataObject): Promise<Credential>;
	/** The "Test" that n8n runs when a credential is saved. */
	testCredential(credential: Credential, data: IDataObject): Promise<{ status: string; message: string }>;
	/** One page of what a resource locator offers in "From list". */
	listSearch(query: {
		nodeType: string;
		parameter: string;
		method: string;
		parameters: IDataObject;
		credentials: IDataObject;
		filter?: string;
		paginationToken?: string;
	}): Promise<INodeListSearchResult>;
	/** The columns that a resource mapper offers. */
	mapperColumns(query: {
		nodeType: string;
		parameter: string;
		method: string;
		parameters: IDataObject;
	}): Promise<ResourceMapperFields>;
	/** Saves a workflow; returns its id. */
	createWorkflow(draft: WorkflowDraft): Promise<string>;
	/** A workflow as n8n saved it. */
	workflow(workflowId: string): Promise<WorkflowDraft>;
	/** Publishes a workflow and waits for its triggers. @throws Error with what n8n says of a trigger that failed */
	activate(workflowId: string): Promise<void>;
	deactivate(workflowId: string): Promise<void>;
	/** The editor's "Execute workflow", to its end. */
	run(workflowId: string, trigger: string): Promise<Execution>;
	/** The editor's "Listen for test event": the next event starts the workflow as it stands, active or not, once. */
	listen(workflowId: string, trigger: string): Promise<void>;
	/** Every execution of a workflow that has ended, oldest first, with its data. */
	executions(workflowId: string): Promise<Execution[]>;
}

/** What n8n answered, when that is no success. */
export class N8nRefusal extends Error {
	override readonly name = 'N8nRefusal';
}

/** The items a node put out, of its first output and last run; empty if it did not run. */
export function itemsOf(execution: Execution, node: string): IDataObject[] {
	const run = execution.data.resultData.runData[node]?.at(-1);
	return (run?.data?.main[0] ?? []).map(({ json }) => json);
}

const OWNER = {
	email: 'owner@example.com',
	firstName: 'Ada',
	lastName: 'Owner',
	password: 'Correct-horse-9',
};

/** Sets up the owner of a fresh n8n and returns a client that is logged in as them. */
export async function createN8nClient(baseUrl: string): Promise<N8nClient> {
	let cookie = '';
	let apiKey = '';

	async function call(method: string, path: string, body?: unknown): Promise<unknown> {
		const response = await fetch(`${baseUrl}${path}`, {
			method,
			headers: {
				// The session is bound to it.
				'browser-id': 'end-to-end-tests',
				...(cookie && { cookie }),
				...(apiKey && path.startsWith('/api/') && { 'x-n8n-api-key': apiKey }),
				...(body !== undefined && { 'content-type': 'application/json' }),
			},
			body: body === undefined ? undefined : JSON.stringify(body),
		});
		const [session] = response.headers.getSetCookie().filter((entry) => entry.startsWith('n8n-auth='));
		if (session) cookie = session.split(';', 1)[0] ?? '';
		const text = await response.text();
		if (!response.ok) throw new N8nRefusal(`${method} ${path} answered ${response.status}: ${text}`);
		return JSON.parse(text);
	}
	const rest = async <T>(method: string, path: string, body?: unknown): Promise<T> =>
		((await call(method, `/rest${path}`, body)) as { data: T }).data;

	await rest('POST', '/owner/setup', OWNER);
	const key = await rest<{ rawApiKey: string }>('POST', '/api-keys', {
		label: 'end to end tests',
		scopes: ['execution:list', 'execution:read'],
		expiresAt: null,
	});
	apiKey = key.rawApiKey;

	const publicationOf = (workflowId: string) =>
		rest<{ status: string; triggers: { errorMessage: string | null }[] }>(
			'GET',
			`/workflows/${workflowId}/publication-status`,
		);
	const executions = async (workflowId: string) => {
		const query = new URLSearchParams({ workflowId, includeData: 'true', limit: '250' });
		const { data } = (await call('GET', `/api/v1/executions?${query.toString()}`)) as { data: Execution[] };
		const ended = data.filter(({ status }) => !['new', 'running', 'waiting'].includes(status));
		return ended.sort((a, b) => Number(a.id) - Number(b.id));
	};

	return {
		async file(path) {
			const response = await fetch(`${baseUrl}${path}`, {
				headers: { cookie, 'browser-id': 'end-to-end-tests' },
			});
			const contentType = response.headers.get('content-type') ?? '';
			return { status: response.status, contentType, text: await response.text() };
		},
		createCredential: (type, data) =>
			rest<Credential>('POST', '/credentials', { name: `${type} of the tests`, type, data }),
		testCredential: ({ id, name, type }, data) =>
			rest('POST', '/credentials/test', { credentials: { id, name, type, data } }),
		listSearch: ({ nodeType, parameter, method, parameters, credentials, filter, paginationToken }) =>
			rest('POST', '/dynamic-node-parameters/resource-locator-results', {
				nodeTypeAndVersion: { name: nodeType, version: 1 },
				path: `parameters.${parameter}`,
				methodName: method,
				currentNodeParameters: parameters,
				credentials,
				filter,
				paginationToken,
			}),
		mapperColumns: ({ nodeType, parameter, method, parameters }) =>
			rest('POST', '/dynamic-node-parameters/resource-mapper-fields', {
				nodeTypeAndVersion: { name: nodeType, version: 1 },
				path: `parameters.${parameter}`,
				methodName: method,
				currentNodeParameters: parameters,
			}),
		workflow: (workflowId) => rest('GET', `/workflows/${workflowId}`),
		async createWorkflow({ name, nodes, connections }) {
			const { id } = await rest<{ id: string }>('POST', '/workflows', {
				name,
				nodes: nodes.map((node, index) => ({
					id: crypto.randomUUID(),
					typeVersion: 1,
					position: [index * 200, 0],
					parameters: {},
					...node,
				})),
				connections,
				settings: { executionOrder: 'v1' },
			});
			return id;
		},
		async activate(workflowId) {
			const { versionId } = await rest<{ versionId: string }>('GET', `/workflows/${workflowId}`);
			await rest('POST', `/workflows/${workflowId}/activate`, { versionId });
			// n8n answers before it has called the triggers, and a failure of theirs shows here only.
			const { status, triggers } = await until('n8n to publish a workflow', async () => {
				const publication = await publicationOf(workflowId);
				return ['in_progress', 'not_published'].includes(publication.status) ? undefined : publication;
			});
			if (status === 'published') return;
			const reasons = triggers.map(({ errorMessage }) => errorMessage).filter(Boolean);
			throw new N8nRefusal(`The workflow could not be published (${status}): ${reasons.join(' ')}`);
		},
		async deactivate(workflowId) {
			await rest('POST', `/workflows/${workflowId}/deactivate`, {});
			await until('n8n to unpublish a workflow', async () =>
				(await publicationOf(workflowId)).status === 'not_published' ? true : undefined,
			);
		},
		async run(workflowId, trigger) {
			const { executionId } = await rest<{ executionId: string }>('POST', `/workflows/${workflowId}/run`, {
				triggerToStartFrom: { name: trigger },
			});
			return until(`execution ${executionId} to end`, async () =>
				(await executions(workflowId)).find(({ id }) => id === executionId),
			);
		},
		async listen(workflowId, trigger) {
			const answer = await rest<{ waitingForWebhook?: boolean }>('POST', `/workflows/${workflowId}/run`, {
				triggerToStartFrom: { name: trigger },
			});
			if (!answer.waitingForWebhook) throw new N8nRefusal('n8n does not wait for an event.');
		},
		executions,
	};
}
