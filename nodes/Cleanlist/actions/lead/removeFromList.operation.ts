import type { RemoveLeadsRead } from '../../../../relay/src/contract';
import { leadListField } from '../../helpers/listLocator';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import type { BatchOperation } from '../operation';
import { leadIdsField } from './leadIds.fields';
import { runOnLeads } from './leadIds.run';

/** Most leads that one request removes. */
const LEADS_PER_REQUEST = 100;

export const removeFromList: BatchOperation = {
	value: 'removeFromList',
	name: 'Remove From List',
	action: 'Remove leads from lead list',
	description: 'Take leads out of a lead list; they stay in the workspace and in other lists',
	scope: 'lists:write',
	endpoints: ['DELETE /api/v2/lead-lists/{list_id}/leads'],
	cost: 'Free',
	fields: [leadListField, leadIdsField],
	async executeAll(items) {
		return await runOnLeads(
			this,
			items.length,
			LEADS_PER_REQUEST,
			async ({ list, leadIds, itemIndex, postscript }) => {
				const { removed } = await request<RemoveLeadsRead>(this, CLEANLIST, {
					method: 'DELETE',
					path: `${V2}${list.path}/leads`,
					body: { lead_ids: leadIds },
					harmlessTwice: true,
					facts: {
						itemIndex,
						scope: 'lists:write',
						subject: list.subject,
						parameters: { lead_ids: 'Lead IDs' },
						postscript,
					},
				});
				return { removed: removed ?? 0 };
			},
		);
	},
};
