import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { ENRICHMENT_TYPES, PAID_TYPES } from './credits';
import { parameterError } from './errors';
import { textOf } from './values';

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
	const value: unknown = context.getNodeParameter('enrichmentType', itemIndex);
	const types = mayBeNone ? ENRICHMENT_TYPES : PAID_TYPES;
	if (typeof value === 'string' && types.includes(value)) return value;
	throw parameterError(
		context.getNode(),
		'Enrichment Type',
		itemIndex,
		textOf(value) === '' ? 'The enrichment type is empty' : `There is no enrichment type "${textOf(value)}"`,
		`Choose one in the parameter 'Enrichment Type'; an expression must give one of ${types.join(', ')}.`,
	);
}
