import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { lookedUpOutputFields, taskItem, workflowItem } from '../../helpers/lookedUp';
import { readOutput } from '../../helpers/output';
import { requiredText } from '../../helpers/requiredText';
import type { RequestFacts } from '../../helpers/words';
import { request } from '../../transport/request';
import { CLEANLIST, LEGACY } from '../../transport/service';
import type { ItemOperation } from '../operation';
import { getWorkflow } from './workflow.request';

export const get: ItemOperation = {
	value: 'get',
	name: 'Get',
	action: 'Get enrichment status or result',
	description: 'Retrieve an enrichment: how far a workflow is, or the result of one contact',
	scope: 'enrich:read',
	endpoints: ['GET /api/v1/public/enrich/status', 'GET /api/v2/enrichment/status/{workflow_id}'],
	cost: 'Free',
	fields: [
		{
			displayName: 'Get By',
			name: 'getBy',
			type: 'options',
			noDataExpression: true,
			default: 'workflow',
			description: 'Which of the IDs that starting the enrichment gave',
			options: [
				{ name: 'Task', value: 'task', description: 'The result of one contact of Enrichment → Start' },
				{
					name: 'Workflow',
					value: 'workflow',
					description: 'The counts of a whole request, or the result of Enrichment → Enrich Person',
				},
			],
		},
		{
			displayName: 'Workflow ID',
			name: 'workflowId',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. public_bulk_3d1f0c5e-9a39-4b57-8f4a-5f3d2e6a7d4a',
			description:
				'The workflow_id that Start, Enrich Person, Enrich List or Lead → Import CSV gave. The task_id of a cohort will do as well.',
			displayOptions: { show: { getBy: ['workflow'] } },
		},
		{
			displayName: 'Task ID',
			name: 'taskId',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. 6aab5e77-1c9d-4f0e-8f4a-0d6b1c2d3e4f',
			description: 'The task_id that Enrichment → Start gave for the contact',
			displayOptions: { show: { getBy: ['task'] } },
		},
		...lookedUpOutputFields,
	],
	async execute(itemIndex) {
		const output = readOutput(this, itemIndex);
		if (this.getNodeParameter('getBy', itemIndex) === 'task') {
			const title = 'Task ID';
			const id = requiredText(this, itemIndex, { name: 'taskId', title, what: 'The ID of the task' });
			return taskItem(output, await getTask(this, id, { itemIndex, parameter: title }), id);
		}
		const title = 'Workflow ID';
		const id = requiredText(this, itemIndex, { name: 'workflowId', title, what: 'The ID of the workflow' });
		const facts: RequestFacts = {
			itemIndex,
			scope: 'enrich:read',
			parameters: { workflow_id: title },
			subject: { noun: 'workflow', id, parameter: title },
		};
		return workflowItem(output, await getWorkflow(this, id, facts), id);
	},
};

async function getTask(
	context: IExecuteFunctions,
	id: string,
	{ itemIndex, parameter }: { itemIndex: number; parameter: string },
): Promise<IDataObject> {
	return await request(context, CLEANLIST, {
		method: 'GET',
		path: `${LEGACY}/enrich/status`,
		query: { task_id: id },
		facts: {
			itemIndex,
			scope: 'enrich:read',
			parameters: { task_id: parameter },
			subject: { noun: 'task', id, parameter },
		},
	});
}
