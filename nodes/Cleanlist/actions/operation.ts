import type { IDataObject, IExecuteFunctions, INodeExecutionData, INodeProperties } from 'n8n-workflow';
import type { Scope } from '../../../relay/src/contract';

interface OperationFacts {
	/** The parameter's value, e.g. `getAll`. */
	value: string;
	/** Its name in the drop-down, e.g. `Get Many`. */
	name: string;
	/** What the canvas and the node picker call it, e.g. `Get many lead lists`. */
	action: string;
	description: string;
	/** The scope that the key needs; null when any key will do. */
	scope: Scope | null;
	/** Scopes that it needs besides, for further calls it makes. */
	furtherScopes?: Scope[];
	/** The API calls it makes, for the documentation. */
	endpoints: string[];
	/** What it costs in credits, for the documentation. */
	cost: string;
	/** Its parameters; when to show them is added in description.ts. */
	fields: INodeProperties[];
}

/** Every scope that the operation needs. */
export function scopesOf({ scope, furtherScopes = [] }: OperationFacts): Scope[] {
	return scope === null ? furtherScopes : [scope, ...furtherScopes];
}

/** An operation that works item by item. What may be long it gives one by one. */
export interface ItemOperation extends OperationFacts {
	execute(
		this: IExecuteFunctions,
		itemIndex: number,
	): AsyncIterable<IDataObject> | Promise<IDataObject | IDataObject[]>;
}

/** An operation that works on all items at once, and links its output to them itself. */
export interface BatchOperation extends OperationFacts {
	executeAll(this: IExecuteFunctions, items: INodeExecutionData[]): Promise<INodeExecutionData[]>;
}

export type Operation = ItemOperation | BatchOperation;

export interface Resource {
	value: string;
	name: string;
	/** Value of the operation that a new node shows. */
	defaultOperation: string;
	/** In alphabetical order of their names. */
	operations: Operation[];
}
