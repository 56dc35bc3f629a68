import type { INodeProperties, NodeHint } from 'n8n-workflow';
import { onlyIf } from '../helpers/onlyIf';
import { scopesOf, type Operation, type Resource } from './operation';

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

/** Says in the panel of the node, before it has run, which scopes the chosen operation needs. */
export function scopeHints(resources: Resource[]): NodeHint[] {
	return resources.flatMap(({ value: resource, operations }) =>
		operations.flatMap((operation) => {
			const scopes = scopesOf(operation);
			if (scopes.length === 0) return [];
			return {
				message: `The API key needs the ${scopes.length === 1 ? 'scope' : 'scopes'} ${scopes.join(', ')}`,
				type: 'info',
				location: 'inputPane',
				whenToDisplay: 'beforeExecution',
				displayCondition: `={{ $parameter["resource"] === "${resource}" && $parameter["operation"] === "${operation.value}" }}`,
			};
		}),
	);
}

function describeResource({ value: resource, defaultOperation, operations }: Resource): INodeProperties[] {
	return [
		{
			displayName: 'Operation',
			name: 'operation',
			type: 'options',
			noDataExpression: true,
			displayOptions: { show: { resource: [resource] } },
			options: operations.map((operation) => ({
				name: operation.name,
				value: operation.value,
				action: operation.action,
				description: `${operation.description} (${neededScopes(operation)})`,
			})),
			default: defaultOperation,
		},
		...operations.flatMap(({ value: operation, fields }) =>
			onlyIf({ resource: [resource], operation: [operation] }, fields),
		),
	];
}

function neededScopes(operation: Operation): string {
	const scopes = scopesOf(operation);
	return scopes.length === 0 ? 'no scope needed' : `scope ${scopes.join(', ')}`;
}
