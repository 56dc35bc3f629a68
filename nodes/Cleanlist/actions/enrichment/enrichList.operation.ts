import { enrichmentTypeField } from '../../helpers/enrichmentType';
import { leadListField } from '../../helpers/listLocator';
import { listRunOutputFields } from '../../helpers/lookedUp';
import { onlyIf } from '../../helpers/onlyIf';
import { optionsField } from '../../helpers/optionsField';
import { waitFields } from '../../helpers/waiting';
import type { BatchOperation } from '../operation';
import { mostCreditsOption, quoteIdOption } from '../quote';
import { enrichListRun } from './enrichList.run';
import { duplicatesOption } from './sending.options';

export const enrichList: BatchOperation = {
	value: 'enrichList',
	name: 'Enrich List',
	action: 'Enrich all leads of lead list',
	description:
		'Start the enrichment of all leads that a lead list holds, with a quote that caps what it may cost',
	scope: 'enrich:write',
	furtherScopes: ['credits:read', 'enrich:read'],
	endpoints: [
		'POST /api/v2/credits/estimate',
		'POST /api/v2/enrichment/bulk',
		'GET /api/v2/enrichment/status/{workflow_id}',
	],
	cost: '1 for each email address found, 10 for each phone number found',
	fields: [
		{
			displayName:
				"This enriches the whole list. The run asks for its cost first; set 'Most Credits to Spend' below to have it stop when that is more.",
			name: 'spendsNotice',
			type: 'notice',
			default: '',
		},
		leadListField,
		enrichmentTypeField('lead'),
		...waitFields(
			false,
			'Enrichment → Get tells by its workflow_id how far it is. The results are on the leads: Lead → Get Many has them.',
		),
		...onlyIf({ waitForResult: [true] }, listRunOutputFields),
		optionsField([
			mostCreditsOption,
			quoteIdOption('this list and enrichment type'),
			duplicatesOption('Two items are the same with the same lead list and enrichment type'),
		]),
	],
	async executeAll(items) {
		return await enrichListRun(this, items.length);
	},
};
