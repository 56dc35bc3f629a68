import type { INodeProperties } from 'n8n-workflow';

/** The parameter "Options", under which operations have what few need to change. */
export const optionsField = (options: INodeProperties[]): INodeProperties => ({
	displayName: 'Options',
	name: 'options',
	type: 'collection',
	placeholder: 'Add Option',
	default: {},
	options,
});
