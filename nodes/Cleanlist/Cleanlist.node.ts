import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { describe, scopeHints } from './actions/description';
import { RESOURCES } from './actions/resources';
import { router } from './actions/router';
import * as methods from './methods';

export class Cleanlist implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Cleanlist',
		name: 'cleanlist',
		icon: {
			light: 'file:../icons/cleanlist.light.svg',
			dark: 'file:../icons/cleanlist.dark.svg',
		},
		group: ['transform'],
		version: [1],
		defaultVersion: 1,
		subtitle: '={{$parameter["operation"] + ": " + $parameter["resource"]}}',
		description: 'Find email addresses and phone numbers of sales leads, and keep lead lists',
		documentationUrl: 'https://github.com/cleanlist-community/n8n-nodes-cleanlist/blob/main/docs/nodes.md',
		defaults: { name: 'Cleanlist' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [
			{ name: 'cleanlistApi', required: true },
			{
				name: 'cleanlistRelayApi',
				required: true,
				displayOptions: {
					show: { resource: ['enrichment'], operation: ['start'], delivery: ['relay'] },
				},
			},
		],
		waitingNodeTooltip: 'Cleanlist is enriching the contacts; the node goes on when the results are there',
		hints: scopeHints(RESOURCES),
		properties: describe(RESOURCES, 'enrichment'),
	};

	methods = methods;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await router.call(this);
	}
}
