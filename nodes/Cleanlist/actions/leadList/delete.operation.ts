import { chosenList, leadListField } from '../../helpers/listLocator';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';

export const deleteList: ItemOperation = {
	value: 'delete',
	name: 'Delete',
	action: 'Delete lead list',
	description: 'Delete a lead list permanently; the leads in it stay in the workspace',
	scope: 'lists:write',
	endpoints: ['DELETE /api/v2/lead-lists/{list_id}'],
	cost: 'Free',
	fields: [leadListField],
	async execute(itemIndex) {
		const { path, subject } = chosenList(this, itemIndex);
		await request(this, CLEANLIST, {
			method: 'DELETE',
			path: V2 + path,
			harmlessTwice: true,
			facts: { itemIndex, scope: 'lists:write', subject },
		});
		return { deleted: true };
	},
};
