import { enrichedOutputFields } from '../../helpers/enriched';
import { enrichmentTypeField } from '../../helpers/enrichmentType';
import { optionsField } from '../../helpers/optionsField';
import { waitField } from '../../helpers/waiting';
import type { BatchOperation } from '../operation';
import { contactOptions, contactsFields } from './contacts.fields';
import { enrichAndWaitRun } from './enrichAndWait.run';

export const enrichAndWait: BatchOperation = {
	value: 'enrichAndWait',
	name: 'Enrich and Wait',
	action: 'Enrich contacts and wait for results',
	description:
		'Find email addresses and phone numbers of many contacts in one enrichment, by LinkedIn URL or by name and company, and wait for the results',
	scope: 'enrich:write',
	furtherScopes: ['enrich:read'],
	endpoints: ['POST /api/v1/public/enrich/bulk', 'GET /api/v1/public/enrich/status'],
	cost: '1 for each email address found, 10 for each phone number found',
	fields: [
		enrichmentTypeField('contact', { mayBeNone: true }),
		...contactsFields('columns'),
		waitField,
		...enrichedOutputFields,
		optionsField(contactOptions),
	],
	async executeAll(items) {
		return await enrichAndWaitRun(this, items.length);
	},
};
