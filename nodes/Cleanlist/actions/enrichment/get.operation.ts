import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { parameterError } from '../../helpers/errors';
import { asRecord, firstText, flatResult } from '../../helpers/result';
import { request } from '../../transport/request';
import { CLEANLIST, LEGACY } from '../../transport/service';
import type { ItemOperation } from '../operation';

const LOOKUPS = {
	workflow: { noun: 'workflow', parameter: 'Workflow ID', name: 'workflowId', key: 'workflow_id' },
	task: { noun: 'task', parameter: 'Task ID', name: 'taskId', key: 'task_id' },
} as const;

export const get: ItemOperation = {
	value: 'get',
	name: 'Get',
	action: 'Get an enrichment',
	description: 'Get how far a workflow is, or the result of one contact',
	scope: 'enrich:read',
	endpoints: ['GET /api/v1/public/enrich/status'],
	cost: 'Free',
	fields: [
		{
			displayName: 'Get By',
			name: 'getBy',
			type: 'options',
			noDataExpression: true,
			default: 'workflow',
			description: 'Which of the two IDs that Enrichment → Start gave',
			options: [
				{ name: 'Task', value: 'task', description: 'The result of one contact' },
				{
					name: 'Workflow',
					value: 'workflow',
					description: 'The counts of a whole request: done, found, failed',
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
			description: 'The workflow_id that Enrichment → Start gave',
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
		{
			displayName: 'Simplify',
			name: 'simplify',
			type: 'boolean',
			default: true,
			description: 'Whether to return a simplified version of the response instead of the raw data',
			displayOptions: { show: { getBy: ['task'] } },
		},
	],
	async execute(itemIndex) {
		const lookup = LOOKUPS[this.getNodeParameter('getBy', itemIndex) as keyof typeof LOOKUPS];
		const id = requiredId(this, itemIndex, lookup);
		const response = await request(this, CLEANLIST, {
			method: 'GET',
			path: `${LEGACY}/enrich/status`,
			query: { [lookup.key]: id },
			facts: {
				itemIndex,
				scope: 'enrich:read',
				parameters: { workflow_id: 'Workflow ID', task_id: 'Task ID' },
				subject: { noun: lookup.noun, id, parameter: lookup.parameter },
			},
		});
		const simplify = lookup.noun === 'task' && this.getNodeParameter('simplify', itemIndex, true);
		return simplify ? simplifiedTask(response, id) : response;
	},
};

function requiredId(
	context: IExecuteFunctions,
	itemIndex: number,
	{ name, noun, parameter }: (typeof LOOKUPS)[keyof typeof LOOKUPS],
): string {
	const value = context.getNodeParameter(name, itemIndex, '');
	const id = typeof value === 'string' ? value.trim() : '';
	if (id !== '') return id;
	throw parameterError(
		context.getNode(),
		parameter,
		itemIndex,
		`The ID of the ${noun} is empty`,
		`Enter it in the parameter "${parameter}"; if it is an expression, it gave nothing for this item.`,
	);
}

/**
 * One contact, flat. The result is documented under `result`; it has also been described at the top level, as the
 * first of `results`, and as the first of `data`. Until the task is final there is none.
 */
export function simplifiedTask(response: IDataObject, taskId: string): IDataObject {
	const listed = [response.results, response.data].find((list) => Array.isArray(list) && list.length > 0);
	const result = asRecord((listed as unknown[] | undefined)?.[0] ?? response.result);
	const { status, ...flat } = flatResult({ ...response, ...result });
	return {
		...flat,
		status: firstText(response.status, status),
		task_id: flat.task_id ?? taskId,
		workflow_id: firstText(response.workflow_id, result.workflow_id),
	};
}
