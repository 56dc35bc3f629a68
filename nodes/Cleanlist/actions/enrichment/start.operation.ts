import type { BatchOperation } from '../operation';
import { fields } from './start.fields';
import { startRun } from './start.run';

export const start: BatchOperation = {
	value: 'start',
	name: 'Start',
	action: 'Start enrichment of contacts',
	description:
		'Send contacts to be enriched, and go on; the results of the enrichment are ready minutes later',
	scope: 'enrich:write',
	endpoints: ['POST /api/v1/public/enrich/bulk'],
	cost: '1 for each email address found, 10 for each phone number found',
	fields,
	async executeAll(items) {
		return await startRun(this, items.length);
	},
};
