import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { asNodeError, errorItem } from '../helpers/errors';

/** Does `work` for one input item after the other, and links what it puts out to the item; a failure concerns its item only. */
export async function eachItem(
	context: IExecuteFunctions,
	count: number,
	work: (itemIndex: number) => Promise<INodeExecutionData[]>,
): Promise<INodeExecutionData[]> {
	const output: INodeExecutionData[] = [];
	for (let item = 0; item < count; item++) {
		try {
			for (const result of await work(item)) output.push({ ...result, pairedItem: { item } });
		} catch (error) {
			const nodeError = asNodeError(context.getNode(), error, item);
			if (!context.continueOnFail()) throw nodeError;
			output.push(errorItem(context.getNode(), nodeError, item));
		}
	}
	return output;
}
