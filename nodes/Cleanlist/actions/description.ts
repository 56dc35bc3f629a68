import { updateDisplayOptions, type INodeProperties } from 'n8n-workflow';
import type { Resource } from './operation';

/** The node's parameters: which resource, which operation, and that operation's own fields. */
export function describe(resources: Resource[], defaultResource: string): INodeProperties[] {
	return [
		{
			displayName: 'Resource',
			name: 'resource',
			type: 'options',
			noDataExpression: true,
			options: resources.map(({ name, value }) => ({ name, value })),
			default: defaultResource,
		},
		...resources.flatMap(describeResource),
	];
}

function describeResource({ value: resource, defaultOperation, operations }: Resource): INodeProperties[] {
	return [
		{
			displayName: 'Operation',
			name: 'operation',
			type: 'options',
			noDataExpression: true,
			displayOptions: { show: { resource: [resource] } },
			options: operations.map(({ name, value, action, description, scope, furtherScopes = [] }) => ({
				name,
				value,
				action,
				description: `${description} (scope ${[scope, ...furtherScopes].join(', ')})`,
			})),
			default: defaultOperation,
		},
		...operations.flatMap(({ value: operation, fields }) =>
			updateDisplayOptions({ show: { resource: [resource], operation: [operation] } }, fields),
		),
	];
}
