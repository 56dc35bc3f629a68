import type {
	EngineResponse,
	IBinaryData,
	IDataObject,
	IExecuteFunctions,
	INodeExecutionData,
	INodeProperties,
	INodeType,
	NodeConnectionType,
	NodeOutput,
} from 'n8n-workflow';
import { n8n } from './n8n-core.ts';

/** What a stand-in for an outside service was told to write. */
export interface Written {
	node: string;
	parameters: IDataObject;
	binary?: { fileName: string | undefined; mimeType: string; content: string };
}

export interface StandIns {
	/** By full type, as n8n names them. */
	nodes: Record<string, INodeType>;
	/** Everything that reached an outside service, oldest first. */
	written: Written[];
}

/**
 * Small doubles of the nodes of n8n itself, which are not installed here: n8n-nodes-base and its AI package. The
 * parameters that a workflow sets have the same names; conditions, expressions, item links, `executeOnce` and tool
 * calls remain the work of n8n's engine. What would go to an outside service is written down instead.
 */
export function createStandIns(): StandIns {
	const written: Written[] = [];

	const write = (names: string[], readsBinary = false) =>
		async function (this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
			const items = this.getInputData();
			for (const index of items.keys()) {
				const parameters = Object.fromEntries(
					names.map((name) => [name, this.getNodeParameter(name, index) as IDataObject]),
				);
				const entry: Written = { node: this.getNode().name, parameters };
				if (readsBinary) {
					const field = parameters.inputDataFieldName as unknown as string;
					const data: IBinaryData = this.helpers.assertBinaryData(index, field);
					const content = await this.helpers.getBinaryDataBuffer(index, field);
					entry.binary = {
						fileName: data.fileName,
						mimeType: data.mimeType,
						content: content.toString(),
					};
				}
				written.push(entry);
			}
			return [items.map(({ json }, item) => ({ json, pairedItem: { item } }))];
		};

	const nodes: Record<string, INodeType> = {
		'n8n-nodes-base.manualTrigger': standIn('Manual Trigger', { execute: passOn, inputs: [] }),
		'n8n-nodes-base.scheduleTrigger': standIn('Schedule Trigger', {
			execute: passOn,
			inputs: [],
			properties: [json('rule')],
		}),
		'@n8n/n8n-nodes-langchain.chatTrigger': standIn('Chat Trigger', { execute: passOn, inputs: [] }),
		'n8n-nodes-base.stickyNote': standIn('Sticky Note', { inputs: [], outputs: [] }),

		/** Reading puts out the items that the run was started with. */
		'n8n-nodes-base.googleSheets': standIn('Google Sheets', {
			properties: [text('operation'), json('columns')],
			async execute() {
				return this.getNodeParameter('operation', 0) === 'read'
					? await passOn.call(this)
					: await write(['columns']).call(this);
			},
		}),
		'n8n-nodes-base.googleDrive': standIn('Google Drive', {
			properties: [text('name'), text('inputDataFieldName')],
			execute: write(['name', 'inputDataFieldName'], true),
		}),
		'n8n-nodes-base.slack': standIn('Slack', { properties: [text('text')], execute: write(['text']) }),

		/** n8n's own evaluates `conditions` with the same call; the comparing is done by the engine. */
		'n8n-nodes-base.if': standIn('If', {
			outputs: ['main', 'main'],
			properties: [
				{
					displayName: 'Conditions',
					name: 'conditions',
					type: 'filter',
					default: {},
					typeOptions: { filter: { caseSensitive: true, typeValidation: 'strict', version: 2 } },
				},
			],
			async execute() {
				const outputs: [INodeExecutionData[], INodeExecutionData[]] = [[], []];
				for (const [index, item] of this.getInputData().entries()) {
					const pass = this.getNodeParameter('conditions', index, false, { extractValue: true });
					outputs[pass === true ? 0 : 1].push({ ...item, pairedItem: item.pairedItem ?? { item: index } });
				}
				return outputs;
			},
		}),
		'n8n-nodes-base.stopAndError': standIn('Stop and Error', {
			outputs: [],
			properties: [text('errorMessage')],
			async execute() {
				const { NodeOperationError } = n8n().workflow;
				throw new NodeOperationError(this.getNode(), this.getNodeParameter('errorMessage', 0) as string);
			},
		}),

		'@n8n/n8n-nodes-langchain.lmChatOpenAi': standIn('OpenAI Chat Model', {
			inputs: [],
			outputs: ['ai_languageModel'],
		}),
		/**
		 * The agent without its model. The item says in `toolInput` what a model would have decided to call its tool
		 * with; the agent asks the engine for that call the way n8n's agent (version 3) does, and puts out the answer.
		 */
		'@n8n/n8n-nodes-langchain.agent': standIn('AI Agent', {
			inputs: ['main', 'ai_languageModel', 'ai_tool'],
			properties: [text('text'), json('options')],
			async execute(response) {
				if (response && response.actionResponses.length > 0) {
					const answers = response.actionResponses.map(({ data }) => data.data?.ai_tool?.[0] ?? []);
					return [answers.flat().map(({ json: output }) => ({ json: { output }, pairedItem: { item: 0 } }))];
				}
				const [tool] = this.getParentNodes(this.getNode().name, {
					connectionType: 'ai_tool',
					depth: 1,
				});
				return {
					actions: [
						{
							actionType: 'ExecutionNodeAction',
							nodeName: tool!.name,
							input: this.getInputData()[0]!.json.toolInput as IDataObject,
							type: 'ai_tool',
							id: 'call_1',
							metadata: { itemIndex: 0 },
						},
					],
					metadata: {},
				};
			},
		}),
	};
	return { nodes, written };
}

/** What n8n makes of a node with `usableAsTool` when it loads a package: the same node, connected to an agent. */
export function asTool(node: INodeType): INodeType {
	const { description } = node;
	node.description = {
		...description,
		name: `${description.name}Tool`,
		inputs: [],
		outputs: ['ai_tool'],
		properties: [text('descriptionType'), text('toolDescription'), ...description.properties],
	};
	return node;
}

interface StandIn {
	inputs?: NodeConnectionType[];
	outputs?: NodeConnectionType[];
	properties?: INodeProperties[];
	execute?: (this: IExecuteFunctions, response?: EngineResponse) => Promise<NodeOutput>;
}

function standIn(
	displayName: string,
	{ inputs = ['main'], outputs = ['main'], properties = [], execute }: StandIn,
): INodeType {
	return {
		description: {
			displayName,
			name: displayName,
			group: ['transform'],
			version: 1,
			description: `Stands in for n8n's ${displayName}`,
			defaults: { name: displayName },
			inputs,
			outputs,
			properties,
		},
		...(execute && { execute }),
	};
}

async function passOn(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	return [this.getInputData()];
}

const text = (name: string): INodeProperties => ({ displayName: name, name, type: 'string', default: '' });
/** The one type whose object values n8n resolves and doesn't prune to known names. */
const json = (name: string): INodeProperties => ({ displayName: name, name, type: 'json', default: {} });
