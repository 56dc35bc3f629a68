import { chosenColumns, columnsFields } from '../../helpers/exportColumns';
import { chosenList, leadListField } from '../../helpers/listLocator';
import { pagingFields, wantedRows } from '../../helpers/paging';
import { readRows } from '../../transport/pages';
import { V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';

/** Most leads Cleanlist gives in one page. */
const LEADS_PER_PAGE = 500;

export const getJson: ItemOperation = {
	value: 'getJson',
	name: 'Get JSON',
	action: 'Export lead list as JSON',
	description:
		'Export the leads of a lead list as items, with the columns of your choice, those of smart agents included',
	scope: 'export:read',
	endpoints: ['GET /api/v2/export/json'],
	cost: 'Free',
	fields: [leadListField, ...pagingFields, ...columnsFields],
	async *execute(itemIndex) {
		const { id, subject } = chosenList(this, itemIndex);
		const columns = chosenColumns(this, itemIndex);
		yield* readRows(
			this,
			{
				path: `${V2}/export/json`,
				rows: 'leads',
				pageSize: LEADS_PER_PAGE,
				query: { list_id: id, ...(columns.length > 0 && { columns }) },
				facts: {
					itemIndex,
					scope: 'export:read',
					subject,
					parameters: { list_id: 'Lead List', limit: 'Limit', columns: 'Columns' },
				},
			},
			wantedRows(this, itemIndex),
		);
	},
};
