import type { INodeProperties } from 'n8n-workflow';
import { AGENTS } from '../../helpers/agents';
import { enrichmentTypeField } from '../../helpers/enrichmentType';
import { leadListField } from '../../helpers/listLocator';

/** What a tool's cost is worked out from, by the API's name of the tool. */
export const SUBJECTS = {
	add_company_enrichments: 'cohort',
	add_person_enrichments: 'cohort',
	bulk_import_csv: 'rows',
	enrich_list: 'list',
	enrich_person: 'rows',
	run_smart_agent: 'list',
	sync_to_crm: 'list',
	sync_to_sequencer: 'list',
} as const;
export type Tool = keyof typeof SUBJECTS;
export const TOOLS = Object.keys(SUBJECTS) as Tool[];

const toolsOn = (subject: (typeof SUBJECTS)[Tool]): Tool[] =>
	TOOLS.filter((tool) => SUBJECTS[tool] === subject);

/** The tools whose cost depends on the type of enrichment. */
export const TYPED_TOOLS: Tool[] = ['bulk_import_csv', 'enrich_list', 'enrich_person'];

export const fields: INodeProperties[] = [
	{
		displayName: 'Tool',
		name: 'tool',
		type: 'options',
		noDataExpression: true,
		default: 'enrich_list',
		description: 'What to know the cost of. The estimate is free, and nothing is started.',
		options: [
			{
				name: 'Add Company Data',
				value: 'add_company_enrichments',
				description: 'For a cohort of companies',
			},
			{ name: 'Add Person Data', value: 'add_person_enrichments', description: 'For a cohort of people' },
			{ name: 'Enrich List', value: 'enrich_list', description: 'All leads of a lead list' },
			{ name: 'Enrich Person', value: 'enrich_person', description: 'People one by one' },
			{
				name: 'Import CSV with Enrichment',
				value: 'bulk_import_csv',
				description: 'The rows of a file. Without enrichment an import is free.',
			},
			{ name: 'Run Smart Agent', value: 'run_smart_agent', description: 'Over the leads of a lead list' },
			{ name: 'Sync to CRM', value: 'sync_to_crm', description: 'The leads of a lead list' },
			{ name: 'Sync to Sequencer', value: 'sync_to_sequencer', description: 'The leads of a lead list' },
		],
	},
	{ ...leadListField, displayOptions: { show: { tool: toolsOn('list') } } },
	{
		displayName: 'Cohort Task ID',
		name: 'cohortTaskId',
		type: 'string',
		default: '',
		required: true,
		description: 'The task_id that came with a page of leads or of search results',
		displayOptions: { show: { tool: toolsOn('cohort') } },
	},
	{
		displayName: 'Data Points',
		name: 'personDataPoints',
		type: 'multiOptions',
		default: ['Email'],
		required: true,
		description: 'What to find out about each person',
		options: [
			{ name: 'Email', value: 'Email' },
			{ name: 'LinkedIn', value: 'LinkedIn' },
			{ name: 'Phone', value: 'Phone' },
		],
		displayOptions: { show: { tool: ['add_person_enrichments'] } },
	},
	{
		displayName: 'Data Points',
		name: 'companyDataPoints',
		type: 'multiOptions',
		default: ['Industry'],
		required: true,
		description: 'What to find out about each company',
		options: [
			{ name: 'Domain', value: 'Domain' },
			{ name: 'Employees', value: 'Employees' },
			{ name: 'Funding', value: 'Funding' },
			{ name: 'Industry', value: 'Industry' },
			{ name: 'Revenue', value: 'Revenue' },
			{ name: 'Tech Stack', value: 'TechStack' },
		],
		displayOptions: { show: { tool: ['add_company_enrichments'] } },
	},
	{
		displayName: 'Number of People',
		name: 'rowCount',
		type: 'number',
		typeOptions: { minValue: 1 },
		default: 1,
		description: 'How many people, or rows of the file',
		displayOptions: { show: { tool: toolsOn('rows') } },
	},
	{ ...enrichmentTypeField('person'), displayOptions: { show: { tool: TYPED_TOOLS } } },
	{
		displayName: 'Agent',
		name: 'agentType',
		type: 'options',
		default: 'custom_ai',
		description: 'Which smart agent would run',
		options: AGENTS,
		displayOptions: { show: { tool: ['run_smart_agent'] } },
	},
	{
		displayName: 'Provider',
		name: 'provider',
		type: 'string',
		default: '',
		placeholder: 'e.g. hubspot',
		description: 'Where the leads would go',
		displayOptions: { show: { tool: ['sync_to_crm', 'sync_to_sequencer'] } },
	},
];
