import type { INodeProperties } from 'n8n-workflow';
import { enrichedOutputFields } from '../../helpers/enriched';
import { enrichmentTypeField } from '../../helpers/enrichmentType';
import { leadListField } from '../../helpers/listLocator';
import { onlyIf } from '../../helpers/onlyIf';
import { optionsField } from '../../helpers/optionsField';
import { waitFields } from '../../helpers/waiting';
import { quoteIdOption } from '../quote';
import { personFields } from './contacts.fields';
import { duplicatesOption, unsendableOption } from './sending.options';

const { linkedin_url, email, first_name, last_name, company_domain, company_name } = personFields;

export const fields: INodeProperties[] = [
	{ ...leadListField, description: 'The list that the person is put on when something is found' },
	enrichmentTypeField('person'),
	{ ...linkedin_url, description: 'Finds the most' },
	{ ...email, description: 'An email address that you already have. It is enough on its own.' },
	first_name,
	last_name,
	company_domain,
	company_name,
	{
		displayName: 'Additional Fields',
		name: 'additionalFields',
		type: 'collection',
		placeholder: 'Add Field',
		default: {},
		options: [
			{
				displayName: 'Person ID',
				name: 'personId',
				type: 'string',
				default: '',
				placeholder: 'e.g. 6aab5e77-1c9d-4f0e-8f4a-0d6b1c2d3e4f',
				description: 'Somebody whom Cleanlist knows already, such as the lead_id of Lead → Get Many',
			},
			{
				displayName: 'Phone',
				name: 'phone',
				type: 'string',
				default: '',
				placeholder: 'e.g. +12025550101',
				description: 'A phone number that you already have, in international form, to tell people apart',
			},
		],
	},
	...waitFields(true, 'Enrichment → Get has the result later, by its workflow_id.'),
	...onlyIf({ waitForResult: [true] }, enrichedOutputFields),
	optionsField([
		quoteIdOption('the tool Enrich Person'),
		duplicatesOption(
			'Two items are one person with the same lead list and LinkedIn profile or, without one, the same name and company, or else the same email address',
		),
		unsendableOption(
			'A person needs an email address, a LinkedIn URL or a person ID, or a full name and company',
		),
	]),
];
