import type { IDataObject, INodeExecutionData, IRun } from 'n8n-workflow';
import type { NewAccount, ReferenceOptions } from '../../../relay/src/reference/index.ts';
import { CleanlistApi, CleanlistRelayApi, Cleanlist, CleanlistTrigger } from '../../../index.ts';
import { startReference } from '../../reference/harness.ts';
import type { Client, Harness } from '../../reference/harness.ts';
import type { StoredCredential } from '../../support/n8n-credentials.ts';
import { createN8nEngine, errorOf, itemsOf, ITEMS_NODE } from '../../support/n8n-engine.ts';
import type { N8nEngine, WorkflowJson, WorkflowNode } from '../../support/n8n-engine.ts';

export const CLEANLIST_NODE = 'n8n-nodes-cleanlist.cleanlist';
/** The type under which n8n runs the node for an AI agent. */
export const TOOL_NODE = `${CLEANLIST_NODE}Tool`;
export const TRIGGER_NODE = 'n8n-nodes-cleanlist.cleanlistTrigger';

export const engineWith = (credentials: Record<string, StoredCredential>): N8nEngine =>
	createN8nEngine({
		nodes: {
			[CLEANLIST_NODE]: new Cleanlist(),
			[TOOL_NODE]: new Cleanlist(),
			[TRIGGER_NODE]: new CleanlistTrigger(),
		},
		credentialTypes: [new CleanlistApi(), new CleanlistRelayApi()],
		credentials,
	});

/** Without the node's own limit on requests, unless told otherwise: the reference API has none here either. */
export const cleanlistCredential = (
	apiKey: string,
	baseUrl: string,
	requestsPerMinute = 0,
): StoredCredential => ({
	type: 'cleanlistApi',
	data: { apiKey, baseUrl, requestsPerMinute },
});

export interface RunOptions {
	/** Name of the Cleanlist credential; default `api`. */
	api?: string;
	/** Items that go into the node; default one empty item. */
	items?: IDataObject[];
	/** The items' files, by the items' positions. */
	binaries?: INodeExecutionData['binary'][];
	/** What the node does with an error. */
	onError?: WorkflowNode['onError'];
	/** What comes after the Cleanlist node. */
	after?: WorkflowNode[];
	/** Run as n8n runs it for an AI agent. */
	asTool?: boolean;
	/** Stops the run, as its user does in the editor. */
	stop?: AbortSignal;
}

/** What n8n keeps of a NodeApiError or NodeOperationError. */
export interface Failure extends Error {
	description: string;
	httpCode: string | null;
	context: { itemIndex?: number; cleanlist?: IDataObject };
}

export interface Result {
	run: IRun;
	items: INodeExecutionData[];
	/** The items' json. */
	json: IDataObject[];
	/** What went to the error output. */
	errorItems: INodeExecutionData[];
	/** The error that ended the node, as n8n keeps it; undefined when none did. */
	error: Failure;
}

/** Items → Cleanlist → whatever comes after, run by n8n's engine. */
export async function runCleanlist(
	engine: N8nEngine,
	parameters: IDataObject,
	{ api = 'api', items = [{}], binaries = [], onError, after = [], asTool = false, stop }: RunOptions = {},
): Promise<Result> {
	const nodes: WorkflowNode[] = [
		{ name: 'Items', type: ITEMS_NODE },
		{
			name: 'Cleanlist',
			type: asTool ? TOOL_NODE : CLEANLIST_NODE,
			parameters: parameters as WorkflowNode['parameters'],
			credentials: {
				cleanlistApi: { id: api, name: api },
				cleanlistRelayApi: { id: 'relay', name: 'relay' },
			},
			...(onError && { onError }),
		},
		...after,
	];
	const connections: WorkflowJson['connections'] = {};
	for (const [index, node] of nodes.slice(1).entries()) {
		connections[nodes[index]!.name] = { main: [[{ node: node.name, type: 'main', index: 0 }]] };
	}
	const run = await engine.run(
		{ nodes, connections },
		{
			inputItems: items.map((item, index) => ({
				json: item,
				...(binaries[index] && { binary: binaries[index] }),
			})),
			stop,
		},
	);
	const out = itemsOf(run, 'Cleanlist');
	return {
		run,
		items: out,
		json: out.map((item) => item.json),
		errorItems: itemsOf(run, 'Cleanlist', 1),
		error: errorOf(run, 'Cleanlist') as Failure,
	};
}

export interface Bench extends Harness {
	engine: N8nEngine;
	/** The accounts by their names, to look at and prepare things past the node. */
	accounts: Record<string, Client>;
	/** Another account, and a credential of its name. */
	addAccount(name: string, account: Partial<NewAccount>): Promise<Client>;
	run(parameters: IDataObject, options?: RunOptions): Promise<Result>;
}

/**
 * n8n's engine with the nodes, and the reference API with one account per name; every account is a credential of
 * its name. `api` is an account that may do everything; `wrong` holds a key that nobody has, `nowhere` and `odd` addresses where no API is.
 */
export async function startBench(
	accounts: Record<string, Partial<NewAccount>> = {},
	options: Partial<ReferenceOptions> & { requestsPerMinute?: number } = {},
): Promise<Bench> {
	const { requestsPerMinute, ...referenceOptions } = options;
	const harness = await startReference(referenceOptions);
	const credentials: Record<string, StoredCredential> = {
		wrong: cleanlistCredential(`clapi_${'x'.repeat(64)}`, harness.baseUrl),
		nowhere: cleanlistCredential('clapi_x', 'http://127.0.0.1:9'),
		odd: cleanlistCredential('clapi_x', 'api'),
	};
	const clients: Record<string, Client> = {};
	const addAccount: Bench['addAccount'] = async (name, account) => {
		const client = await harness.client(account);
		clients[name] = client;
		// As people paste it.
		credentials[name] = cleanlistCredential(` ${client.key}\n`, `${harness.baseUrl}//`, requestsPerMinute);
		return client;
	};
	for (const [name, account] of Object.entries({ api: {}, ...accounts })) await addAccount(name, account);
	const engine = engineWith(credentials);
	return {
		...harness,
		engine,
		accounts: clients,
		addAccount,
		run: (parameters, options) => runCleanlist(engine, parameters, options),
		async close() {
			await engine.close();
			await harness.close();
		},
	};
}
