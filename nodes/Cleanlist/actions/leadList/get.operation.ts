import { withoutEnvelope } from '../../helpers/envelope';
import { chosenList, leadListField } from '../../helpers/listLocator';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';

export const get: ItemOperation = {
	value: 'get',
	name: 'Get',
	action: 'Get lead list',
	description: 'Retrieve a lead list with its details, such as how many leads it holds',
	scope: 'lists:read',
	endpoints: ['GET /api/v2/lead-lists/{list_id}'],
	cost: 'Free',
	fields: [leadListField],
	async execute(itemIndex) {
		const { path, subject } = chosenList(this, itemIndex);
		const response = await request(this, CLEANLIST, {
			method: 'GET',
			path: V2 + path,
			facts: { itemIndex, scope: 'lists:read', subject },
		});
		return withoutEnvelope(response);
	},
};
