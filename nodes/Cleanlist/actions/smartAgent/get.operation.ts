import type { IDataObject } from 'n8n-workflow';
import { withoutEnvelope } from '../../helpers/envelope';
import { requiredText } from '../../helpers/requiredText';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';

export const get: ItemOperation = {
	value: 'get',
	name: 'Get',
	action: 'Get smart agent run',
	description: 'Retrieve a run of a smart agent: how far it is, and what was written for each lead',
	scope: 'smart_agents:read',
	endpoints: ['GET /api/v2/smart-agents/{smart_agent_task_id}'],
	cost: 'Free',
	fields: [
		{
			displayName: 'Run',
			name: 'run',
			type: 'resourceLocator',
			default: { mode: 'list', value: '' },
			required: true,
			description:
				"The run to get: one of the latest 100, or the 'smart_agent_task_id' that Smart Agent → Run gave",
			modes: [
				{
					displayName: 'From List',
					name: 'list',
					type: 'list',
					placeholder: 'Choose a run…',
					typeOptions: { searchListMethod: 'searchAgentRuns', searchable: true },
				},
				{
					displayName: 'By ID',
					name: 'id',
					type: 'string',
					placeholder: 'e.g. 6aab5e77-1c9d-4f0e-8f4a-0d6b1c2d3e4f',
				},
			],
		},
		{
			displayName: 'Return',
			name: 'returnAs',
			type: 'options',
			default: 'run',
			description: 'What the items are',
			options: [
				{
					name: 'One Item per Lead',
					value: 'leads',
					description: 'What the agent wrote, lead by lead; none while it has written nothing',
				},
				{ name: 'One Item per Run', value: 'run', description: 'The run, with its results in one field' },
			],
		},
	],
	async execute(itemIndex) {
		const parameter = 'Run';
		const id = requiredText(this, itemIndex, {
			name: 'run',
			title: parameter,
			what: 'The ID of the run',
			located: true,
		});
		const response = await request(this, CLEANLIST, {
			method: 'GET',
			path: `${V2}/smart-agents/${encodeURIComponent(id)}`,
			facts: {
				itemIndex,
				scope: 'smart_agents:read',
				subject: { noun: 'smart agent run', id, parameter },
			},
		});
		if (this.getNodeParameter('returnAs', itemIndex, 'run') !== 'leads') return withoutEnvelope(response);
		const { status, results } = response;
		return ((results ?? []) as IDataObject[]).map((result) => ({
			...result,
			smart_agent_task_id: id,
			run_status: status ?? null,
		}));
	},
};
