import type { INodeProperties } from 'n8n-workflow';
import { enrichmentTypeField } from '../../helpers/enrichmentType';
import { leadListField } from '../../helpers/listLocator';
import { optionsField } from '../../helpers/optionsField';

export const fields: INodeProperties[] = [
	leadListField,
	{
		displayName: 'Input Binary Field',
		name: 'binaryPropertyName',
		type: 'string',
		default: 'data',
		required: true,
		hint: 'The name of the input binary field that holds the file',
		description:
			'A CSV file with the column names in its first row, of up to 150 KB and about 600 rows. Rows beyond are left out and counted.',
	},
	{
		displayName: 'Columns',
		name: 'columnMode',
		type: 'options',
		default: 'auto',
		description: 'How to know what the columns of the file are',
		options: [
			{ name: 'Define Below', value: 'define', description: 'Name the columns to import' },
			{
				name: 'Recognize Automatically',
				value: 'auto',
				description: 'By usual names such as Email, First Name, firstName, Company or LinkedIn',
			},
		],
	},
	{
		displayName: 'Columns',
		name: 'columns',
		type: 'fixedCollection',
		typeOptions: { multipleValues: true },
		placeholder: 'Add Column',
		default: {},
		description: 'Which column of the file is which field; other columns are not imported',
		displayOptions: { show: { columnMode: ['define'] } },
		options: [
			{
				displayName: 'Column',
				name: 'values',
				values: [
					{
						displayName: 'Column in the File',
						name: 'header',
						type: 'string',
						default: '',
						placeholder: 'e.g. Business address',
						description: 'Its name in the first row',
					},
					{
						displayName: 'Field',
						name: 'field',
						type: 'options',
						default: 'email',
						description: 'What the column holds',
						options: [
							{ name: 'City', value: 'city' },
							{ name: 'Company Domain', value: 'company_domain' },
							{ name: 'Company Name', value: 'company_name' },
							{ name: 'Country', value: 'country' },
							{ name: 'Email', value: 'email' },
							{ name: 'First Name', value: 'first_name' },
							{ name: 'Full Name', value: 'full_name' },
							{ name: 'Job Title', value: 'job_title' },
							{ name: 'Last Name', value: 'last_name' },
							{ name: 'LinkedIn URL', value: 'linkedin_url' },
							{ name: 'Mobile Phone', value: 'mobile_phone' },
							{ name: 'Phone', value: 'phone' },
							{ name: 'State', value: 'state' },
							{ name: 'Work Phone', value: 'work_phone' },
						],
					},
				],
			},
		],
	},
	{
		displayName: 'Enrich the Leads',
		name: 'dispatchEnrichment',
		type: 'boolean',
		default: false,
		description:
			'Whether to start enriching the imported leads at once. This spends credits and needs the scope enrich:write; the import alone is free.',
	},
	{ ...enrichmentTypeField('lead'), displayOptions: { show: { dispatchEnrichment: [true] } } },
	optionsField([
		{
			displayName: 'Delimiter',
			name: 'delimiter',
			type: 'options',
			default: 'auto',
			description: 'What separates the columns. Cleanlist takes commas; other files are converted.',
			options: [
				{ name: 'Comma', value: ',' },
				{ name: 'Detect Automatically', value: 'auto' },
				{ name: 'Pipe', value: '|' },
				{ name: 'Semicolon', value: ';' },
				{ name: 'Tab', value: '\t' },
			],
		},
		{
			displayName: 'Encoding',
			name: 'encoding',
			type: 'options',
			default: 'utf-8',
			description: 'How the file is encoded. Cleanlist takes UTF-8; other files are converted.',
			options: [
				{ name: 'UTF-16', value: 'utf-16le' },
				{ name: 'UTF-8', value: 'utf-8' },
				{ name: 'Windows-1252 (Western European)', value: 'windows-1252' },
			],
		},
		{
			displayName: 'Idempotency Key',
			name: 'idempotencyKey',
			type: 'string',
			default: '',
			description:
				'Under one key Cleanlist imports once in 24 hours. By default it is made from the list, the file and the columns, so that a repeated run imports and charges nothing twice; enter another to import the same file again.',
		},
		{
			displayName: 'Quote ID',
			name: 'quoteId',
			type: 'string',
			default: '',
			description:
				'A quote from Account → Estimate Cost for this import, which caps what the enrichment may cost',
		},
	]),
];
