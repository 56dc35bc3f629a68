import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { isOn } from './values';
import { wholeNumber } from './wholeNumber';

/** Return All and Limit, as every "Get Many" has them. */
export const pagingFields: INodeProperties[] = [
	{
		displayName: 'Return All',
		name: 'returnAll',
		type: 'boolean',
		default: false,
		description: 'Whether to return all results or only up to a given limit',
	},
	{
		displayName: 'Limit',
		name: 'limit',
		type: 'number',
		typeOptions: { minValue: 1 },
		default: 50,
		displayOptions: { show: { returnAll: [false] } },
		description: 'Max number of results to return',
	},
];

/**
 * How many rows the user wants; `Infinity` for all.
 *
 * @param most most that can be had, and what to do about a larger limit, in a sentence
 */
export function wantedRows(
	context: IExecuteFunctions,
	itemIndex: number,
	most?: { rows: number; fix: string },
): number {
	if (isOn(context.getNodeParameter('returnAll', itemIndex, false))) return Infinity;
	return wholeNumber(context, itemIndex, {
		name: 'limit',
		title: 'Limit',
		...(most && { most: most.rows }),
		fix: most?.fix ?? "Correct the parameter 'Limit', or switch on 'Return All'.",
	});
}
