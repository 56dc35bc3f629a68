import type { IDataObject } from 'n8n-workflow';
import { chosenList, leadListField } from '../../helpers/listLocator';
import { pagingFields, wantedRows } from '../../helpers/paging';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';

/** Most runs Cleanlist lists; there are no further pages. */
const MOST_RUNS = 100;

export const getAll: ItemOperation = {
	value: 'getAll',
	name: 'Get Many',
	action: 'Get many smart agent runs',
	description: 'Retrieve the latest runs of smart agents, up to 100',
	scope: 'smart_agents:read',
	endpoints: ['GET /api/v2/smart-agents'],
	cost: 'Free',
	fields: [
		{
			displayName: 'Runs On',
			name: 'runsOn',
			type: 'options',
			noDataExpression: true,
			default: 'all',
			description: 'Which runs to get',
			options: [
				{ name: 'All Lead Lists', value: 'all' },
				{ name: 'One Lead List', value: 'list' },
			],
		},
		{ ...leadListField, displayOptions: { show: { runsOn: ['list'] } } },
		...pagingFields,
	],
	async execute(itemIndex) {
		const list = this.getNodeParameter('runsOn', itemIndex) === 'list' ? chosenList(this, itemIndex) : null;
		const wanted = wantedRows(this, itemIndex, {
			rows: MOST_RUNS,
			fix: "Correct the parameter 'Limit', or switch on 'Return All'. Cleanlist lists the latest 100 runs and no more; choose one lead list to see its older ones.",
		});
		const limit = Math.min(wanted, MOST_RUNS);
		const { runs } = await request<{ runs?: IDataObject[] }>(this, CLEANLIST, {
			method: 'GET',
			path: `${V2}/smart-agents`,
			query: { limit, ...(list && { list_id: list.id }) },
			facts: {
				itemIndex,
				scope: 'smart_agents:read',
				parameters: { limit: 'Limit', list_id: 'Lead List' },
				...(list && { subject: list.subject }),
			},
		});
		return runs ?? [];
	},
};
