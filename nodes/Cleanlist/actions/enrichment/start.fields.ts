import type { INodeProperties } from 'n8n-workflow';
import { enrichmentTypeField } from '../../helpers/enrichmentType';
import { optionsField } from '../../helpers/optionsField';
import { contactOptions, contactsFields } from './contacts.fields';

export const fields: INodeProperties[] = [
	enrichmentTypeField('contact', { mayBeNone: true }),
	{
		displayName: 'Result Delivery',
		name: 'delivery',
		type: 'options',
		noDataExpression: true,
		default: 'relay',
		description: 'How the results, which are ready minutes later, come back',
		options: [
			{
				name: 'Poll Later',
				value: 'poll',
				description: 'Nothing is sent; ask with Enrichment → Get, by workflow or by task',
			},
			{
				name: 'Through the Relay',
				value: 'relay',
				description:
					'Your relay takes the results in and hands them to the Cleanlist Trigger node until n8n has them',
			},
			{
				name: 'To a Webhook URL',
				value: 'webhook',
				description:
					'Cleanlist posts them, unsigned, to a URL of yours: five tries within half a minute, then never again',
			},
		],
	},
	{
		displayName: 'Webhook URL',
		name: 'webhookUrl',
		type: 'string',
		default: '',
		required: true,
		placeholder: 'e.g. https://example.com/hooks/4f9d…',
		description:
			'Must be reachable from the internet, and for Cleanlist itself begin with https. Keep it secret: what is posted there is not signed.',
		displayOptions: { show: { delivery: ['webhook'] } },
	},
	...contactsFields('fields'),
	optionsField(contactOptions),
];
