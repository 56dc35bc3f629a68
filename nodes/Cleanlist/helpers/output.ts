import type { IDataObject, IExecuteFunctions, INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { parameterError } from './errors';

/** How much of an answer to put out: n8n's usual three choices. */
export interface Output {
	mode: 'raw' | 'selectedFields' | 'simple';
	fields: string[];
}

/** The parameter "Output"; `fields` are the names to choose from. */
export function outputFields(fields: readonly string[], simplified: string): INodeProperties[] {
	return [
		{
			displayName: 'Output',
			name: 'output',
			type: 'options',
			default: 'simple',
			description: 'How much of the answer to return',
			options: [
				{ name: 'Raw', value: 'raw', description: 'The answer as Cleanlist gives it' },
				{
					name: 'Selected Fields',
					value: 'selectedFields',
					description: 'Only the fields you choose, and the IDs',
				},
				{ name: 'Simplified', value: 'simple', description: simplified },
			],
		},
		{
			displayName: 'Fields',
			name: 'outputFields',
			type: 'multiOptions',
			default: [],
			required: true,
			description: 'The fields to return',
			options: fieldChoices(fields),
			displayOptions: { show: { output: ['selectedFields'] } },
		},
	];
}

/** Fields to choose from, as a user reads them. */
export function fieldChoices(fields: readonly string[]): INodePropertyOptions[] {
	return fields.toSorted().map((value) => ({ name: titled(value), value }));
}

export function readOutput(context: IExecuteFunctions, itemIndex: number): Output {
	const given: unknown = context.getNodeParameter('output', itemIndex, 'simple');
	const mode = given === 'raw' || given === 'selectedFields' ? given : 'simple';
	const chosen = mode === 'selectedFields' ? context.getNodeParameter('outputFields', itemIndex, []) : [];
	const fields = Array.isArray(chosen) ? chosen.map(String) : [];
	if (mode !== 'selectedFields' || fields.length > 0) return { mode, fields };
	throw parameterError(
		context.getNode(),
		'Fields',
		itemIndex,
		'No fields are chosen',
		"Choose at least one in the parameter 'Fields', or set 'Output' to 'Simplified'.",
	);
}

interface Answer {
	raw: IDataObject;
	/** Everything there is, flat. */
	flat: IDataObject;
	/** What of it the simplified answer has: ten fields at most, the most used ones first. */
	simple: readonly string[];
	/** The IDs of what it is about: whoever has them can ask again, so chosen fields never go without. */
	ids: readonly string[];
}

export function shaped({ mode, fields }: Output, { raw, flat, simple, ids }: Answer): IDataObject {
	if (mode === 'raw') return raw;
	const names = mode === 'simple' ? simple : [...new Set([...fields, ...ids])];
	return picked(flat, names);
}

/** These fields of it, null where it has none. */
export function picked(flat: IDataObject, names: readonly string[]): IDataObject {
	return Object.fromEntries(names.map((name) => [name, flat[name] ?? null]));
}

function titled(name: string): string {
	const words = name.replace('linkedin', 'LinkedIn').split('_');
	return words
		.map((word) =>
			word === 'id' || word === 'url' ? word.toUpperCase() : word[0]?.toUpperCase() + word.slice(1),
		)
		.join(' ');
}
