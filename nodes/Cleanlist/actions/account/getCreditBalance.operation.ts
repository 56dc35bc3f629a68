import { withoutEnvelope } from '../../helpers/envelope';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';

export const getCreditBalance: ItemOperation = {
	value: 'getCreditBalance',
	name: 'Get Credit Balance',
	action: 'Get credit balance',
	description: 'Retrieve how many credits the account has left',
	scope: 'credits:read',
	endpoints: ['GET /api/v2/credits/balance'],
	cost: 'Free',
	fields: [],
	async execute(itemIndex) {
		const response = await request(this, CLEANLIST, {
			method: 'GET',
			path: `${V2}/credits/balance`,
			facts: { itemIndex, scope: 'credits:read' },
		});
		return withoutEnvelope(response);
	},
};
