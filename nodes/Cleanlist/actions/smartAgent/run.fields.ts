import type { INodeProperties } from 'n8n-workflow';
import { AGENTS } from '../../helpers/agents';
import { leadListField } from '../../helpers/listLocator';
import { optionsField } from '../../helpers/optionsField';
import { mostCreditsOption, quoteIdOption } from '../quote';

/** Most rows one run works on; above `MOST_OF_ALL` leads, Cleanlist refuses to run over all. */
export const MOST_ROWS = 10_000;

export const fields: INodeProperties[] = [
	{
		displayName:
			"Smart agents spend credits. The run asks for its cost first; set 'Most Credits to Spend' below to have it stop when that is more.",
		name: 'spendsNotice',
		type: 'notice',
		default: '',
	},
	leadListField,
	{
		displayName: 'Agent',
		name: 'agentType',
		type: 'options',
		default: 'custom_ai',
		description: 'What to write for each lead',
		options: AGENTS,
	},
	{
		displayName: 'Prompt',
		name: 'prompt',
		type: 'string',
		typeOptions: { rows: 4 },
		default: '',
		required: true,
		placeholder: 'e.g. Write one sentence on why this company may need our product',
		description: 'What the agent shall do for each lead',
		displayOptions: { show: { agentType: ['custom_ai'] } },
	},
	{
		displayName: 'Column Name',
		name: 'columnName',
		type: 'string',
		default: '',
		required: true,
		placeholder: 'e.g. Intro line',
		description: 'The column of the list that the agent fills, 1 to 100 characters. A new one is made.',
	},
	{
		displayName: 'Leads',
		name: 'leadScope',
		type: 'options',
		default: 'subset',
		description: 'How many leads of the list to work on',
		options: [
			{ name: 'All', value: 'all', description: 'The whole list, if it has no more than 500 leads' },
			{ name: 'Some', value: 'subset', description: 'Up to a number of leads' },
		],
	},
	{
		displayName: 'Most Leads',
		name: 'maxRows',
		type: 'number',
		typeOptions: { minValue: 1, maxValue: MOST_ROWS },
		default: 100,
		description: 'How many leads to work on at most, 1 to 10,000',
		displayOptions: { show: { leadScope: ['subset'] } },
	},
	optionsField([
		mostCreditsOption,
		{
			displayName: 'Overwrite',
			name: 'overwrite',
			type: 'boolean',
			default: false,
			description: 'Whether to replace what the column holds already',
		},
		quoteIdOption('this list and agent'),
	]),
];
