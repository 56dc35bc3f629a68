import { chosenList, leadListField } from '../../helpers/listLocator';
import { outputFields, readOutput, shaped } from '../../helpers/output';
import { pagingFields, wantedRows } from '../../helpers/paging';
import { readRows } from '../../transport/pages';
import { V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';

/** Most leads Cleanlist gives in one page. */
export const LEADS_PER_PAGE = 500;

const SIMPLE = [
	'lead_id',
	'full_name',
	'email',
	'phone',
	'title',
	'company',
	'location',
	'linkedin_url',
	'first_name',
	'last_name',
] as const;

export const getAll: ItemOperation = {
	value: 'getAll',
	name: 'Get Many',
	action: 'Get many leads',
	description: 'Retrieve the leads of a lead list, with the email address and phone number found so far',
	scope: 'lists:read',
	endpoints: ['GET /api/v2/lead-lists/{list_id}/leads'],
	cost: 'Free',
	fields: [
		leadListField,
		...pagingFields,
		...outputFields(
			[...SIMPLE, 'provider'],
			'Ten flat fields: lead_id, full_name, email, phone, title, company, location, linkedin_url, first_name and last_name',
		),
	],
	async *execute(itemIndex) {
		const output = readOutput(this, itemIndex);
		const { path, subject } = chosenList(this, itemIndex);
		const rows = readRows(
			this,
			{
				path: `${V2}${path}/leads`,
				rows: 'leads',
				pageSize: LEADS_PER_PAGE,
				facts: { itemIndex, scope: 'lists:read', subject, parameters: { limit: 'Limit' } },
			},
			wantedRows(this, itemIndex),
		);
		for await (const raw of rows) yield shaped(output, { raw, flat: raw, simple: SIMPLE, ids: ['lead_id'] });
	},
};
