import { chosenList, leadListField } from '../../helpers/listLocator';
import { pagingFields, wantedRows } from '../../helpers/paging';
import { readRows } from '../../transport/pages';
import { V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';

/** Most leads Cleanlist gives in one page. */
export const LEADS_PER_PAGE = 500;

export const getAll: ItemOperation = {
	value: 'getAll',
	name: 'Get Many',
	action: 'Get many leads',
	description: 'Get many leads of a lead list, with the e-mail address and phone number found so far',
	scope: 'lists:read',
	endpoints: ['GET /api/v2/lead-lists/{list_id}/leads'],
	cost: 'Free',
	fields: [leadListField, ...pagingFields],
	async *execute(itemIndex) {
		const { path, subject } = chosenList(this, itemIndex);
		yield* readRows(
			this,
			{
				path: `${V2}${path}/leads`,
				rows: 'leads',
				pageSize: LEADS_PER_PAGE,
				facts: { itemIndex, scope: 'lists:read', subject, parameters: { limit: 'Limit' } },
			},
			wantedRows(this, itemIndex),
		);
	},
};
