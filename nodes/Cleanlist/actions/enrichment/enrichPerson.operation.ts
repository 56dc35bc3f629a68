import type { BatchOperation } from '../operation';
import { fields } from './enrichPerson.fields';
import { enrichPersonRun } from './enrichPerson.run';

export const enrichPerson: BatchOperation = {
	value: 'enrichPerson',
	name: 'Enrich Person',
	action: 'Enrich person by email, LinkedIn URL, or name and company',
	description:
		'Find the email address and phone number of a person, one enrichment for each item, and put them on a lead list',
	scope: 'enrich:write',
	furtherScopes: ['enrich:read'],
	endpoints: ['POST /api/v2/enrichment/person', 'GET /api/v2/enrichment/status/{workflow_id}'],
	cost: '1 for an email address found, 10 for a phone number found',
	fields,
	async executeAll(items) {
		return await enrichPersonRun(this, items.length);
	},
};
