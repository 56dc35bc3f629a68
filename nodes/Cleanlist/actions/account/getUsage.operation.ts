import { wholeNumber } from '../../helpers/wholeNumber';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';

/** Longest time a report can look back, in days. */
const MOST_DAYS = 365;

export const getUsage: ItemOperation = {
	value: 'getUsage',
	name: 'Get Usage',
	action: 'Get usage report',
	description:
		'Retrieve how often the API was called for the account in the last days, and how often it went wrong',
	scope: 'admin:api_keys',
	endpoints: ['GET /api/v2/usage'],
	cost: 'Free',
	fields: [
		{
			displayName: 'Days',
			name: 'days',
			type: 'number',
			typeOptions: { minValue: 1, maxValue: MOST_DAYS },
			default: 7,
			description: 'How far to look back, 1 to 365 days',
		},
		{
			displayName: 'Group By',
			name: 'groupBy',
			type: 'options',
			default: 'tool',
			description: 'What the rows of the report are',
			options: [
				{ name: 'API Key', value: 'key' },
				{ name: 'Day', value: 'day' },
				{ name: 'Error', value: 'error' },
				{ name: 'Tool', value: 'tool', description: 'The operation that was called' },
			],
		},
	],
	async execute(itemIndex) {
		const days = wholeNumber(this, itemIndex, { name: 'days', title: 'Days', most: MOST_DAYS });
		return await request(this, CLEANLIST, {
			method: 'GET',
			path: `${V2}/usage`,
			query: { days, group_by: this.getNodeParameter('groupBy', itemIndex) },
			facts: {
				itemIndex,
				scope: 'admin:api_keys',
				parameters: { days: 'Days', group_by: 'Group By' },
			},
		});
	},
};
