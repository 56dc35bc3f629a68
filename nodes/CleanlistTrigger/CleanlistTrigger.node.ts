import {
	NodeConnectionTypes,
	type IHookFunctions,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';
import { fieldChoices } from '../Cleanlist/helpers/output';
import { FURTHER_FIELDS } from './items';
import { receive } from './receive';
import { createSubscription, deleteSubscription, subscriptionExists } from './subscription';

export class CleanlistTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Cleanlist Trigger',
		name: 'cleanlistTrigger',
		icon: {
			light: 'file:../icons/cleanlist.light.svg',
			dark: 'file:../icons/cleanlist.dark.svg',
		},
		group: ['trigger'],
		version: [1],
		defaultVersion: 1,
		subtitle: '={{$parameter["output"] === "workflow" ? "one item per workflow" : "one item per contact"}}',
		description: 'Starts the workflow when Cleanlist has enriched contacts, delivered by your relay',
		eventTriggerDescription: 'Waiting for your relay to deliver enriched contacts',
		activationMessage: 'Your relay now delivers enriched contacts to this workflow.',
		documentationUrl:
			'https://github.com/cleanlist-community/n8n-nodes-cleanlist/blob/main/docs/nodes.md#cleanlist-trigger',
		defaults: { name: 'Cleanlist Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [{ name: 'cleanlistRelayApi', required: true }],
		webhooks: [
			{
				name: 'default',
				httpMethod: 'POST',
				responseMode: 'onReceived',
				// Without it n8n answers the text "firstEntryJson".
				responseData: '',
				path: 'webhook',
			},
		],
		triggerPanel: {
			header: '',
			executionsHelp: {
				inactive:
					'<b>While building</b>, click "listen", then start an enrichment with the Cleanlist node through the same relay. <b>Once you are happy</b>, activate the workflow: then it runs for every enrichment that completes.',
				active:
					'<b>The workflow is active</b>: it runs for every enrichment that completes, and its runs are in the list of executions. <b>While building</b>, you can click "listen" as well.',
			},
			activationHint: 'Activate the workflow to have it run for every enrichment that completes.',
		},
		properties: [
			{
				displayName:
					"Start enrichments with the Cleanlist node and Result Delivery 'Through the Relay', using the same relay credential",
				name: 'notice',
				type: 'notice',
				default: '',
			},
			{
				displayName: 'Output',
				name: 'output',
				type: 'options',
				noDataExpression: true,
				default: 'contacts',
				description: 'What becomes an item',
				options: [
					{
						name: 'One Item per Contact',
						value: 'contacts',
						description: 'Each contact with what was found for it',
					},
					{
						name: 'One Item per Workflow',
						value: 'workflow',
						description: 'The summary of an enrichment request with all its results',
					},
				],
			},
			{
				displayName: 'Simplify',
				name: 'simplify',
				type: 'boolean',
				default: true,
				description: 'Whether to return a simplified version of the response instead of the raw data',
			},
			{
				displayName: 'Further Fields',
				name: 'furtherFields',
				type: 'multiOptions',
				default: [],
				description: 'What to return of each contact besides the ten simplified fields',
				options: fieldChoices(FURTHER_FIELDS),
				displayOptions: { show: { output: ['contacts'], simplify: [true] } },
			},
			{
				displayName: 'Filters',
				name: 'filters',
				type: 'collection',
				placeholder: 'Add Filter',
				default: {},
				description: 'Everything else is not delivered to this workflow',
				options: [
					{
						displayName: 'Enrichment Type',
						name: 'enrichmentType',
						type: 'options',
						default: 'partial',
						description: 'Only enrichments of this type',
						options: [
							{ name: 'Email', value: 'partial' },
							{ name: 'Email and Phone', value: 'full' },
							{ name: 'None', value: 'none' },
							{ name: 'Phone', value: 'phone_only' },
						],
					},
					{
						displayName: 'Lead List ID',
						name: 'leadListId',
						type: 'string',
						default: '',
						placeholder: 'e.g. 3f2b8c1e-7d4a-4b57-9a39-1f0c5f3d2e6a',
						description:
							'Only results that went to this list. Each Cleanlist user has one for the API, so this tells users apart that share a relay.',
					},
				],
			},
		],
	};

	webhookMethods = {
		default: {
			async checkExists(this: IHookFunctions): Promise<boolean> {
				return await subscriptionExists(this);
			},
			async create(this: IHookFunctions): Promise<boolean> {
				await createSubscription(this);
				return true;
			},
			async delete(this: IHookFunctions): Promise<boolean> {
				await deleteSubscription(this);
				return true;
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await receive(this);
	}
}
