import type { INodePropertyOptions } from 'n8n-workflow';

/** The parameter "Agent". */
export const AGENT = { name: 'agentType', title: 'Agent', what: 'The agent' };

/** The smart agents, by the API's names. Prices as far as Cleanlist publishes them. */
export const AGENTS: INodePropertyOptions[] = [
	{
		name: 'Cold Intro Email',
		value: 'cold_intro_email',
		description: 'The beginning of a first email; about 3 credits for each lead',
	},
	{ name: 'Company Intel', value: 'company_intel', description: 'What is worth knowing about the company' },
	{
		name: 'Custom',
		value: 'custom_ai',
		description: 'Whatever your prompt asks for; about 1 credit for each lead',
	},
	{
		name: 'Pain Point Hypothesis',
		value: 'pain_point_hypothesis',
		description: 'What the company may struggle with',
	},
	{ name: 'Title Normalizer', value: 'title_normalizer', description: 'The job title in a common spelling' },
];
