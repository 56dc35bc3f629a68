import type { IDataObject, INodeType } from 'n8n-workflow';

/** Types of the two helper nodes that every engine knows. */
export const ITEMS_NODE = 'engine.items';
export const SET_NODE = 'engine.set';

/** Stands where a trigger, a spreadsheet or a CRM would: puts out the items that `run` was given. */
export const itemsNode: INodeType = {
	description: {
		displayName: 'Items',
		name: 'items',
		group: ['transform'],
		version: 1,
		description: 'Puts out the items a run is started with',
		defaults: { name: 'Items' },
		inputs: ['main'],
		outputs: ['main'],
		properties: [],
	},
	async execute() {
		return [this.getInputData()];
	},
};

/** Puts out, for each item, an object whose values are resolved expressions: what n8n's own Set node does. */
export const setNode: INodeType = {
	description: {
		displayName: 'Set',
		name: 'set',
		group: ['transform'],
		version: 1,
		description: 'Makes fields from expressions',
		defaults: { name: 'Set' },
		inputs: ['main'],
		outputs: ['main'],
		// `json` is the one type whose object values n8n resolves and doesn't prune to known names.
		properties: [{ displayName: 'Fields', name: 'fields', type: 'json', default: {} }],
	},
	async execute() {
		const made = this.getInputData().map((_, item) => ({
			json: this.getNodeParameter('fields', item) as IDataObject,
			pairedItem: { item },
		}));
		return [made];
	},
};
