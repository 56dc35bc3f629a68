import { companyOutputFields } from '../../helpers/company';
import { optionsField } from '../../helpers/optionsField';
import type { BatchOperation } from '../operation';
import { enrichCompanyRun } from './enrichCompany.run';
import { duplicatesOption, unsendableOption } from './sending.options';

export const enrichCompany: BatchOperation = {
	value: 'enrichCompany',
	name: 'Enrich Company',
	action: 'Enrich company by domain or name',
	description:
		'Find out about a company, one enrichment for each item: industry, size, revenue, funding, headquarters, technologies',
	scope: 'enrich:write',
	endpoints: ['POST /api/v2/enrichment/company'],
	cost: '1 for each company found',
	fields: [
		{
			displayName: 'Company Domain',
			name: 'companyDomain',
			type: 'string',
			default: '',
			placeholder: 'e.g. example.com',
			description:
				'The web domain of the company. Finds the most; the address of its web site will do as well.',
		},
		{
			displayName: 'Company Name',
			name: 'companyName',
			type: 'string',
			default: '',
			placeholder: 'e.g. Example Ltd',
			description: 'The name of the company',
		},
		{
			displayName: 'Additional Fields',
			name: 'additionalFields',
			type: 'collection',
			placeholder: 'Add Field',
			default: {},
			options: [
				{
					displayName: 'Company ID',
					name: 'companyId',
					type: 'string',
					default: '',
					description: 'A company that Cleanlist knows already, by the company_id of an earlier answer',
				},
				{
					displayName: 'Ticker',
					name: 'companyTicker',
					type: 'string',
					default: '',
					placeholder: 'e.g. EXMP',
					description: 'The symbol under which the company is traded',
				},
			],
		},
		...companyOutputFields,
		optionsField([
			duplicatesOption('Two items are one company with the same domain or, without one, the same name'),
			unsendableOption('A company needs a domain, a name, a ticker or an ID'),
		]),
	],
	async executeAll(items) {
		return await enrichCompanyRun(this, items.length);
	},
};
