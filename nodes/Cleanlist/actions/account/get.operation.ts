import { withoutEnvelope } from '../../helpers/envelope';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';

export const get: ItemOperation = {
	value: 'get',
	name: 'Get',
	action: 'Get account of API key',
	description: 'Retrieve the account that the API key belongs to, with its scopes and what the plan includes',
	scope: null,
	endpoints: ['GET /api/v2/whoami'],
	cost: 'Free',
	fields: [
		{
			displayName:
				"Judge what the plan includes by 'features', not by 'tier': with an AppSumo licence the tier may read \"free\".",
			name: 'featuresNotice',
			type: 'notice',
			default: '',
		},
	],
	async execute(itemIndex) {
		const response = await request(this, CLEANLIST, {
			method: 'GET',
			path: `${V2}/whoami`,
			facts: { itemIndex },
		});
		return withoutEnvelope(response);
	},
};
