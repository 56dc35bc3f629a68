import type { IDataObject } from 'n8n-workflow';
import { pagingFields, wantedRows } from '../../helpers/paging';
import { requiredText } from '../../helpers/requiredText';
import { isOn } from '../../helpers/values';
import { request } from '../../transport/request';
import { CLEANLIST, LEGACY } from '../../transport/service';
import type { ItemOperation } from '../operation';

export const getAll: ItemOperation = {
	value: 'getAll',
	name: 'Get Many',
	action: 'Get many webhook deliveries',
	description:
		'Retrieve every webhook delivery of a workflow that Cleanlist tried, to see why its results did not arrive',
	scope: 'enrich:read',
	endpoints: ['GET /api/v1/public/webhooks/deliveries'],
	cost: 'Free',
	fields: [
		{
			displayName: 'Workflow ID',
			name: 'workflowId',
			type: 'string',
			default: '',
			required: true,
			placeholder: 'e.g. public_bulk_3d1f0c5e-9a39-4b57-8f4a-5f3d2e6a7d4a',
			description: 'The workflow_id that Enrichment → Start gave',
		},
		...pagingFields,
		{
			displayName: 'Include Webhook URL',
			name: 'includeUrl',
			type: 'boolean',
			default: false,
			description:
				'Whether to output the whole URL instead of its host only. Whoever knows it can post results there, so keep it out of shared places.',
		},
	],
	async execute(itemIndex) {
		const parameter = 'Workflow ID';
		const id = requiredText(this, itemIndex, {
			name: 'workflowId',
			title: parameter,
			what: 'The ID of the workflow',
		});
		const wanted = wantedRows(this, itemIndex);
		const includeUrl = isOn(this.getNodeParameter('includeUrl', itemIndex, false));
		const { deliveries } = await request<{ deliveries?: IDataObject[] }>(this, CLEANLIST, {
			method: 'GET',
			path: `${LEGACY}/webhooks/deliveries`,
			query: { workflow_id: id },
			facts: {
				itemIndex,
				scope: 'enrich:read',
				parameters: { workflow_id: parameter },
				subject: { noun: 'workflow', id, parameter },
			},
		});
		// There is one page: Cleanlist tries six times at most.
		return (deliveries ?? [])
			.slice(0, wanted)
			.map((delivery) => (includeUrl ? delivery : withHostOnly(delivery)));
	},
};

function withHostOnly({ webhook_url: url, ...delivery }: IDataObject): IDataObject {
	const [, host = null] = /^https?:\/\/(?:[^/?#]*@)?([^/?#]+)/i.exec(String(url ?? '')) ?? [];
	return { ...delivery, webhook_host: host };
}
