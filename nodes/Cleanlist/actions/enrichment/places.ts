import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { asNodeError, errorItem } from '../../helpers/errors';

/** Where in the output something is answered, and the input item that it came from. */
export interface Place {
	itemIndex: number;
	place: number;
}

/** Keeps places in the output, in the order of the input, free for what becomes of what was sent together or later. */
export class Places {
	protected readonly context: IExecuteFunctions;

	protected readonly itemCount: number;

	private readonly places: (INodeExecutionData | undefined)[] = [];

	/** Input items that already have their one error item. */
	private readonly failedItems = new Set<number>();

	constructor(context: IExecuteFunctions, itemCount: number) {
		this.context = context;
		this.itemCount = itemCount;
	}

	output(): INodeExecutionData[] {
		return this.places.filter((item) => item !== undefined);
	}

	/** The next place. */
	take(itemIndex: number): Place {
		return { itemIndex, place: this.places.push(undefined) - 1 };
	}

	answer({ itemIndex, place }: Place, json: IDataObject): void {
		this.places[place] = { json, pairedItem: { item: itemIndex } };
	}

	/** Stops the run, or gives each input item concerned its one error item. */
	fail(error: unknown, places: Place[]): void {
		const node = this.context.getNode();
		const nodeError = asNodeError(node, error, places[0]?.itemIndex ?? 0);
		if (!this.context.continueOnFail()) throw nodeError;
		for (const { itemIndex, place } of places) {
			if (this.failedItems.has(itemIndex)) continue;
			this.failedItems.add(itemIndex);
			this.places[place] = errorItem(node, nodeError, itemIndex);
		}
	}

	/** What holds for the whole run; null, with an error item for every input item, when it can't be used. */
	settings<T>(read: () => T): T | null {
		try {
			return read();
		} catch (error) {
			this.fail(
				error,
				Array.from({ length: this.itemCount }, (_, item) => this.take(item)),
			);
			return null;
		}
	}
}
