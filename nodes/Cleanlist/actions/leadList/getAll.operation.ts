import { pagingFields, wantedRows } from '../../helpers/paging';
import { textOf } from '../../helpers/values';
import { readRows } from '../../transport/pages';
import { V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';
import { LIST_PARAMETERS } from './fields';

/** Most lists Cleanlist gives in one page. */
export const LISTS_PER_PAGE = 100;

export const getAll: ItemOperation = {
	value: 'getAll',
	name: 'Get Many',
	action: 'Get many lead lists',
	description: 'Retrieve lead lists: your own, and those shared with you',
	scope: 'lists:read',
	endpoints: ['GET /api/v2/lead-lists'],
	cost: 'Free',
	fields: [
		...pagingFields,
		{
			displayName: 'Filters',
			name: 'filters',
			type: 'collection',
			placeholder: 'Add Filter',
			default: {},
			options: [
				{
					displayName: 'Folder ID',
					name: 'folderId',
					type: 'string',
					default: '',
					description: 'Only lists in this folder',
				},
			],
		},
	],
	async *execute(itemIndex) {
		const folderId = textOf(this.getNodeParameter('filters', itemIndex, {}).folderId);
		yield* readRows(
			this,
			{
				path: `${V2}/lead-lists`,
				rows: 'lists',
				pageSize: LISTS_PER_PAGE,
				query: folderId ? { folder_id: folderId } : {},
				facts: {
					itemIndex,
					scope: 'lists:read',
					parameters: { ...LIST_PARAMETERS, limit: 'Limit' },
					...(folderId && { subject: { noun: 'folder', id: folderId, parameter: 'Folder ID' } }),
				},
			},
			wantedRows(this, itemIndex),
		);
	},
};
