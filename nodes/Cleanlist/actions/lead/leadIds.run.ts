import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { asNodeError, errorItem, parameterError } from '../../helpers/errors';
import { readIds } from '../../helpers/ids';
import { chosenList } from '../../helpers/listLocator';

/** A lead list, and what an error about it should say. */
export type List = ReturnType<typeof chosenList>;

/** Leads of one list that travel together, and the first item that one of them comes from. */
export interface Batch {
	list: List;
	leadIds: string[];
	itemIndex: number;
	/** What was done before in this run, for an error to tell. */
	postscript?: string;
}

interface Wish {
	itemIndex: number;
	list: List;
	leadIds: string[];
}

/**
 * Sends the leads of all items to their lists, each lead once for each list and as many together as a request
 * takes, and answers on every item with what became of the requests that its leads travelled in: Cleanlist gives
 * no counts for single leads.
 *
 * @param send makes one request and gives its counts
 */
export async function runOnLeads(
	context: IExecuteFunctions,
	itemCount: number,
	perRequest: number,
	send: (batch: Batch) => Promise<Record<string, number>>,
): Promise<INodeExecutionData[]> {
	const output: INodeExecutionData[] = [];
	const fail = (error: unknown, itemIndexes: number[]): void => {
		const nodeError = asNodeError(context.getNode(), error, itemIndexes[0] ?? 0);
		if (!context.continueOnFail()) throw nodeError;
		for (const item of itemIndexes) output[item] ??= errorItem(context.getNode(), nodeError, item);
	};

	// All items are read before anything is sent, so that a bad one can still stop the run.
	const wishes: Wish[] = [];
	for (let itemIndex = 0; itemIndex < itemCount; itemIndex++) {
		try {
			wishes.push(readWish(context, itemIndex));
		} catch (error) {
			fail(error, [itemIndex]);
		}
	}

	let done = 0;
	for (const sharing of byList(wishes)) {
		const leadIds = [...new Set(sharing.flatMap((wish) => wish.leadIds))];
		const counts = new Map<string, Counted>();
		for (let start = 0; start < leadIds.length; start += perRequest) {
			const some = new Set(leadIds.slice(start, start + perRequest));
			const concerned = sharing.filter((wish) => wish.leadIds.some((id) => some.has(id)));
			const [{ list, itemIndex }] = concerned as [Wish];
			try {
				const postscript =
					done === 0
						? undefined
						: `${done} leads of this run had already been sent; sending them again does no harm.`;
				const counted = await send({ list, leadIds: [...some], itemIndex, postscript });
				done += some.size;
				const request = { leads: some.size, counted };
				for (const id of some) counts.set(id, request);
			} catch (error) {
				fail(
					error,
					concerned.map((wish) => wish.itemIndex),
				);
			}
		}
		for (const { itemIndex, list, leadIds: own } of sharing) {
			output[itemIndex] ??= {
				json: { list_id: list.id, lead_ids: own, ...summed(own, counts) },
				pairedItem: { item: itemIndex },
			};
		}
	}
	return output;
}

interface Counted {
	leads: number;
	counted: Record<string, number>;
}

function readWish(context: IExecuteFunctions, itemIndex: number): Wish {
	const list = chosenList(context, itemIndex);
	const leadIds = readIds(context.getNodeParameter('leadIds', itemIndex, ''), 'lead_id');
	if (leadIds.length > 0) return { itemIndex, list, leadIds };
	throw parameterError(
		context.getNode(),
		'Lead IDs',
		itemIndex,
		'There is no lead ID',
		"Enter at least one in the parameter 'Lead IDs'; if it is an expression, it gave none for this item. Lead → Get Many gives them as lead_id.",
	);
}

function byList(wishes: Wish[]): Wish[][] {
	const lists = new Map<string, Wish[]>();
	for (const wish of wishes) {
		const sharing = lists.get(wish.list.id);
		if (sharing) sharing.push(wish);
		else lists.set(wish.list.id, [wish]);
	}
	return [...lists.values()];
}

/** The counts of all requests that hold one of the leads. */
function summed(leadIds: string[], counts: Map<string, Counted>): IDataObject {
	const requests = new Set(leadIds.flatMap((id) => counts.get(id) ?? []));
	const batch: Record<string, number> = { requests: requests.size, leads: 0 };
	for (const { leads, counted } of requests) {
		batch.leads = (batch.leads ?? 0) + leads;
		for (const [key, count] of Object.entries(counted)) batch[key] = (batch[key] ?? 0) + count;
	}
	return { batch };
}
