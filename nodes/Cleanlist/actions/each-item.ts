import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { asNodeError, errorItem } from '../helpers/errors';

/**
 * Does `work` for one input item after the other, and links what it puts out to the item; a failure concerns its item
 * only, which then puts out nothing but that. What `work` puts out one by one is taken as it comes.
 */
export async function eachItem(
	context: IExecuteFunctions,
	count: number,
	work: (itemIndex: number) => AsyncIterable<INodeExecutionData> | Promise<INodeExecutionData[]>,
): Promise<INodeExecutionData[]> {
	const output: INodeExecutionData[] = [];
	for (let item = 0; item < count; item++) {
		const before = output.length;
		try {
			const results = work(item);
			for await (const result of Symbol.asyncIterator in results ? results : await results) {
				output.push({ ...result, pairedItem: { item } });
			}
		} catch (error) {
			const nodeError = asNodeError(context.getNode(), error, item);
			if (!context.continueOnFail()) throw nodeError;
			output.length = before;
			output.push(errorItem(context.getNode(), nodeError, item));
		}
	}
	return output;
}
