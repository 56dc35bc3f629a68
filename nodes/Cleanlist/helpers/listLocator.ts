import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { parameterError } from './errors';
import { asRecord } from './result';
import { shown, textOf } from './values';
import type { RequestFacts } from './words';

/**
 * Takes the list's ID out of a portal URL: what follows `/lists/`, `/lead-lists/` or `list=`, else the first UUID.
 * n8n wants exactly one group. The portal's paths are not documented, hence the two ways.
 */
const LIST_IN_URL = '(?:\\/(?:lead-?)?lists?\\/|[?&](?:lead_?)?list(?:_?id)?=)';
const UUID = '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';
export const LIST_URL = `^\\s*https?:\\/\\/\\S*?(?:${LIST_IN_URL}|(?!\\S*${LIST_IN_URL})[/=](?=${UUID}))([A-Za-z0-9_-]+)`;

/** The parameter that chooses a lead list: from the account's lists, by ID, or by URL. */
export const leadListField: INodeProperties = {
	displayName: 'Lead List',
	name: 'leadList',
	type: 'resourceLocator',
	default: { mode: 'list', value: '' },
	required: true,
	description: 'The list to work with',
	modes: [
		{
			displayName: 'From List',
			name: 'list',
			type: 'list',
			placeholder: 'Choose a lead list…',
			typeOptions: { searchListMethod: 'searchLeadLists', searchable: true },
		},
		{
			displayName: 'By ID',
			name: 'id',
			type: 'string',
			placeholder: 'e.g. 3f2b8c1e-7d4a-4b57-9a39-1f0c5f3d2e6a',
			validation: [
				{
					type: 'regex',
					properties: {
						regex: '^\\s*[A-Za-z0-9_-]+\\s*$',
						errorMessage: 'That does not look like the ID of a list',
					},
				},
			],
		},
		{
			displayName: 'By URL',
			name: 'url',
			type: 'string',
			placeholder: 'e.g. https://portal.cleanlist.ai/lists/3f2b8c1e-7d4a-4b57-9a39-1f0c5f3d2e6a',
			extractValue: { type: 'regex', regex: LIST_URL },
			validation: [
				{
					type: 'regex',
					properties: {
						// n8n matches the whole value.
						regex: `${LIST_URL}.*`,
						errorMessage: 'Paste the address of a lead list as the Cleanlist portal shows it',
					},
				},
			],
		},
	],
};

/** The chosen list's ID, and what an error about it should say. */
export function chosenList(
	context: IExecuteFunctions,
	itemIndex: number,
): { id: string; path: string; subject: NonNullable<RequestFacts['subject']> } {
	const id = idIn(context, itemIndex);
	if (id === '') {
		throw parameterError(
			context.getNode(),
			'Lead List',
			itemIndex,
			'No lead list is chosen',
			"Choose one in the parameter 'Lead List'; if it is an expression, it gave nothing for this item.",
		);
	}
	return {
		id,
		path: `/lead-lists/${encodeURIComponent(id)}`,
		subject: { noun: 'lead list', id, parameter: 'Lead List' },
	};
}

/** The ID that is chosen, or that the URL holds; empty when nothing is. */
function idIn(context: IExecuteFunctions, itemIndex: number): string {
	const chosen: unknown = context.getNodeParameter('leadList', itemIndex, '');
	const { mode, value } = asRecord(chosen);
	if (mode === 'url' && textOf(value) === '') return '';
	try {
		return textOf(context.getNodeParameter('leadList', itemIndex, '', { extractValue: true }));
	} catch {
		// n8n speaks of a wrong mode, or of no item.
		throw parameterError(
			context.getNode(),
			'Lead List',
			itemIndex,
			`There is no lead list in the URL "${shown(value)}"`,
			"Paste the address of a list as the Cleanlist portal shows it into the parameter 'Lead List', or choose the list in another way.",
		);
	}
}
