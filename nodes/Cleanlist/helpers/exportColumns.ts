import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { textOf } from './values';

/** The columns of an export, as a list to choose from and a field for those of smart agents. */
export const columnsFields: INodeProperties[] = [
	{
		displayName: 'Columns',
		name: 'columns',
		type: 'multiOptions',
		default: [],
		description: 'Which columns to export. None chosen stands for these ten.',
		options: [
			{ name: 'Company', value: 'company' },
			{ name: 'Domain', value: 'domain' },
			{ name: 'Email', value: 'email' },
			{ name: 'First Name', value: 'first_name' },
			{ name: 'Last Name', value: 'last_name' },
			{ name: 'Lead ID', value: 'lead_id' },
			{ name: 'LinkedIn URL', value: 'linkedin_url' },
			{ name: 'Location', value: 'location' },
			{ name: 'Phone', value: 'phone' },
			{ name: 'Title', value: 'title' },
		],
	},
	{
		displayName: 'Further Columns',
		name: 'furtherColumns',
		type: 'string',
		default: '',
		placeholder: 'e.g. Intro line, Pain point',
		description: 'Names of other columns, such as those that smart agents filled, separated by commas',
	},
];

/** The columns to ask for; empty for the default. */
export function chosenColumns(context: IExecuteFunctions, itemIndex: number): string[] {
	const listed: unknown = context.getNodeParameter('columns', itemIndex, []);
	const further: unknown = context.getNodeParameter('furtherColumns', itemIndex, '');
	const names = [listed, Array.isArray(further) ? further : textOf(further).split(',')].flat();
	return [...new Set(names.map(textOf).filter((name) => name !== ''))];
}
