import type { INodeProperties } from 'n8n-workflow';

export const leadIdsField: INodeProperties = {
	displayName: 'Lead IDs',
	name: 'leadIds',
	type: 'string',
	default: '={{ $json.lead_id }}',
	required: true,
	placeholder: 'e.g. 6aab5e77-1c9d-4f0e-8f4a-0d6b1c2d3e4f',
	description:
		'One ID, several separated by commas, or an expression that gives an array. The IDs of all items with the same list are sent together.',
};
