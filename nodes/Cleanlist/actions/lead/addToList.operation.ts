import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import type { AddLeadsRead } from '../../../../relay/src/contract';
import { parameterError } from '../../helpers/errors';
import { fingerprint } from '../../helpers/fingerprint';
import { readIds } from '../../helpers/ids';
import { chosenList, leadListField } from '../../helpers/listLocator';
import { requiredText } from '../../helpers/requiredText';
import type { RequestFacts } from '../../helpers/words';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import { eachItem } from '../each-item';
import type { BatchOperation } from '../operation';
import { leadIdsField } from './leadIds.fields';
import { runOnLeads, type List } from './leadIds.run';

/** Most leads that one request adds, and most of a cohort that it may name. */
const LEADS_PER_REQUEST = 1_000;
const MOST_ENTITIES = 2_000;

export const addToList: BatchOperation = {
	value: 'addToList',
	name: 'Add to List',
	action: 'Add leads to lead list',
	description:
		'Put leads of the workspace into a lead list, by their IDs or by the cohort they were found in',
	scope: 'lists:write',
	endpoints: ['POST /api/v2/lead-lists/{list_id}/leads'],
	cost: 'Free',
	fields: [
		leadListField,
		{
			displayName: 'Add By',
			name: 'addBy',
			type: 'options',
			noDataExpression: true,
			default: 'leadIds',
			description: 'How the leads are named',
			options: [
				{ name: 'Cohort', value: 'cohort', description: 'All leads of a page or a search, or some of them' },
				{ name: 'Lead IDs', value: 'leadIds', description: 'Leads that the workspace holds already' },
			],
		},
		{ ...leadIdsField, displayOptions: { show: { addBy: ['leadIds'] } } },
		{
			displayName: 'Cohort Task ID',
			name: 'cohortTaskId',
			type: 'string',
			default: '',
			required: true,
			description: 'The task_id that came with a page of leads or of search results',
			displayOptions: { show: { addBy: ['cohort'] } },
		},
		{
			displayName: 'Entity IDs',
			name: 'entityIds',
			type: 'string',
			default: '',
			description:
				'Only these of the cohort, up to 2,000: IDs separated by commas, or an expression that gives an array. Leave it empty for all.',
			displayOptions: { show: { addBy: ['cohort'] } },
		},
	],
	async executeAll(items) {
		if (this.getNodeParameter('addBy', 0) === 'cohort') {
			return await eachItem(this, items.length, async (item) => [{ json: await addCohort(this, item) }]);
		}
		return await runOnLeads(
			this,
			items.length,
			LEADS_PER_REQUEST,
			async ({ list, leadIds, itemIndex, postscript }) => {
				// Cleanlist skips leads that are on the list. The key tells a repetition within this run from leads that
				// a later run adds again because they were removed in between.
				const key = fingerprint(this.getExecutionId(), this.getNode().id, list.id, leadIds);
				const { added, skipped_duplicates } = await add(
					this,
					list,
					{ lead_ids: leadIds, idempotency_key: key },
					{ itemIndex, subject: list.subject, postscript },
				);
				return { added: added ?? 0, skipped_duplicates: skipped_duplicates ?? 0 };
			},
		);
	},
};

async function addCohort(context: IExecuteFunctions, itemIndex: number): Promise<IDataObject> {
	const list = chosenList(context, itemIndex);
	const title = 'Cohort Task ID';
	const id = requiredText(context, itemIndex, { name: 'cohortTaskId', title, what: 'The ID of the cohort' });
	const entityIds = readIds(context.getNodeParameter('entityIds', itemIndex, ''), 'lead_id');
	if (entityIds.length > MOST_ENTITIES) {
		throw parameterError(
			context.getNode(),
			'Entity IDs',
			itemIndex,
			`There are ${entityIds.length} entity IDs, and Cleanlist takes up to ${MOST_ENTITIES}`,
			"Leave 'Entity IDs' empty to add the whole cohort, or name fewer of it.",
		);
	}
	const response = await add(
		context,
		list,
		{
			task_id: id,
			...(entityIds.length > 0 && { entity_ids: entityIds }),
			// A cohort may hold people who only become leads by being added: the same one is never added twice.
			idempotency_key: fingerprint(list.id, id, entityIds.toSorted()),
		},
		{
			itemIndex,
			subject: { noun: 'lead list or the cohort', id: `${list.id}" and "${id}`, parameter: title },
		},
	);
	return response as IDataObject;
}

async function add(
	context: IExecuteFunctions,
	list: List,
	body: IDataObject,
	facts: RequestFacts,
): Promise<AddLeadsRead> {
	return await request<AddLeadsRead>(context, CLEANLIST, {
		method: 'POST',
		path: `${V2}${list.path}/leads`,
		body,
		// Its idempotency key sees to that.
		harmlessTwice: true,
		facts: {
			scope: 'lists:write',
			parameters: { lead_ids: 'Lead IDs', task_id: 'Cohort Task ID', entity_ids: 'Entity IDs' },
			...facts,
		},
	});
}
