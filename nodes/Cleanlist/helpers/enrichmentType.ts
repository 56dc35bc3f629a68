import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { choice } from './choice';
import { ENRICHMENT_TYPES, PAID_TYPES } from './credits';

const NONE = { name: 'None', value: 'none', description: 'Free: only puts the contacts on your API list' };

/**
 * The parameter "Enrichment Type".
 *
 * @param whom one of those who are looked up, e.g. `contact`
 */
export function enrichmentTypeField(whom: string, { mayBeNone = false } = {}): INodeProperties {
	return {
		displayName: 'Enrichment Type',
		name: 'enrichmentType',
		type: 'options',
		default: 'partial',
		description: 'What to look for. Cleanlist charges only for what it finds.',
		options: [
			{ name: 'Email', value: 'partial', description: '1 credit for each email address found' },
			{
				name: 'Email and Phone',
				value: 'full',
				description: `Up to 11 credits for each ${whom}: 1 for an email address, 10 for a phone number`,
			},
			...(mayBeNone ? [NONE] : []),
			{ name: 'Phone', value: 'phone_only', description: '10 credits for each phone number found' },
		],
	};
}

export function readEnrichmentType(
	context: IExecuteFunctions,
	itemIndex: number,
	{ mayBeNone = false } = {},
): string {
	return choice(context, itemIndex, {
		name: 'enrichmentType',
		title: 'Enrichment Type',
		what: 'enrichment type',
		values: mayBeNone ? ENRICHMENT_TYPES : PAID_TYPES,
	});
}
