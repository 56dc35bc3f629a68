import type { IDataObject } from 'n8n-workflow';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';

export const getApiKeys: ItemOperation = {
	value: 'getApiKeys',
	name: 'Get API Keys',
	action: 'Get API keys',
	description:
		'Retrieve the API keys of the account, without the secrets: their last four characters, scopes and last use',
	scope: 'admin:api_keys',
	endpoints: ['GET /api/v2/api-keys'],
	cost: 'Free',
	fields: [],
	async execute(itemIndex) {
		const { keys } = await request<{ keys?: IDataObject[] }>(this, CLEANLIST, {
			method: 'GET',
			path: `${V2}/api-keys`,
			facts: { itemIndex, scope: 'admin:api_keys' },
		});
		return keys ?? [];
	},
};
