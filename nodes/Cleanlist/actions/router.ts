import { NodeOperationError, type IExecuteFunctions, type INodeExecutionData } from 'n8n-workflow';
import { asNodeError, errorItem } from '../helpers/errors';
import type { ItemOperation } from './operation';
import { RESOURCES } from './resources';

/** Runs the chosen operation over the input items. */
export async function router(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	const items = this.getInputData();
	if (items.length === 0) return [[]];
	const resource = this.getNodeParameter('resource', 0);
	const operation = this.getNodeParameter('operation', 0);
	const found = RESOURCES.find(({ value }) => value === resource)?.operations.find(
		({ value }) => value === operation,
	);
	if (!found) {
		throw new NodeOperationError(
			this.getNode(),
			`There is no operation "${operation}" for the resource "${resource}"`,
			{ description: 'Choose another operation, or update the Cleanlist package in n8n.' },
		);
	}
	return [
		'executeAll' in found
			? await found.executeAll.call(this, items)
			: await eachItem(this, found, items.length),
	];
}

async function eachItem(
	context: IExecuteFunctions,
	operation: ItemOperation,
	count: number,
): Promise<INodeExecutionData[]> {
	const output: INodeExecutionData[] = [];
	for (let item = 0; item < count; item++) {
		try {
			const result = await operation.execute.call(context, item);
			for (const json of Array.isArray(result) ? result : [result]) {
				output.push({ json, pairedItem: { item } });
			}
		} catch (error) {
			const nodeError = asNodeError(context.getNode(), error, item);
			if (!context.continueOnFail()) throw nodeError;
			output.push(errorItem(context.getNode(), nodeError, item));
		}
	}
	return output;
}
