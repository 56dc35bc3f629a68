import { NodeOperationError, type IExecuteFunctions, type INodeExecutionData } from 'n8n-workflow';
import { asNodeError } from '../helpers/errors';
import { eachItem } from './each-item';
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
	try {
		return [
			'executeAll' in found
				? await found.executeAll.call(this, items)
				: await eachItem(this, items.length, (item) => runItem(this, found, item)),
		];
	} catch (error) {
		// Whoever stops a run ends its requests and waits, too. n8n says that it was stopped, unless the node fails.
		if (this.getExecutionCancelSignal()?.aborted) return [[]];
		throw asNodeError(this.getNode(), error, 0);
	}
}

async function* runItem(
	context: IExecuteFunctions,
	operation: ItemOperation,
	itemIndex: number,
): AsyncGenerator<INodeExecutionData> {
	const result = operation.execute.call(context, itemIndex);
	if (Symbol.asyncIterator in result) {
		for await (const json of result) yield { json };
		return;
	}
	const answer = await result;
	for (const json of Array.isArray(answer) ? answer : [answer]) yield { json };
}
