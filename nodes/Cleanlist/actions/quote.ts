import type { IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { parameterError } from '../helpers/errors';
import { numberOf, shown, textOf } from '../helpers/values';
import type { RequestFacts } from '../helpers/words';
import { estimate, type EstimateTerms } from '../transport/estimate';

const MOST = 'Most Credits to Spend';

/** Caps what a run may cost, before it is started. */
export const mostCreditsOption: INodeProperties = {
	displayName: MOST,
	name: 'mostCredits',
	type: 'number',
	typeOptions: { minValue: 0 },
	default: 100,
	description: 'Start nothing if the run may cost more than this',
};

/** @param subject what the quote is for, e.g. `this list and agent` */
export const quoteIdOption = (subject: string): INodeProperties => ({
	displayName: 'Quote ID',
	name: 'quoteId',
	type: 'string',
	default: '',
	description: `A quote from Account → Estimate Cost for ${subject}. It holds for minutes and pays for one run. Without it the run gets one by itself.`,
});

interface Purchase {
	terms: EstimateTerms;
	facts: RequestFacts;
	/** How to make it cheaper, as the first words of a sentence. */
	cheaper: string;
}

/**
 * The quote that the user gave, or a new one.
 *
 * @throws NodeOperationError when that is for more than the user wants to spend
 */
export async function usableQuote(
	context: IExecuteFunctions,
	itemIndex: number,
	{ terms, facts, cheaper }: Purchase,
): Promise<string> {
	const { mostCredits, quoteId } = context.getNodeParameter('options', itemIndex, {});
	const given = textOf(quoteId);
	const most = mostCredits === undefined ? null : numberOf(mostCredits);
	const refuse = (message: string, description: string) =>
		parameterError(context.getNode(), MOST, itemIndex, message, description);
	if (most !== null && !(most >= 0)) {
		throw refuse(
			`'${MOST}' is ${shown(mostCredits)}, and it must be a number from 0`,
			`Correct the option '${MOST}', or remove it.`,
		);
	}
	if (given !== '' && most !== null) {
		throw refuse(
			`'${MOST}' and 'Quote ID' do not go together`,
			'The quote is for a certain cost already, which can not be looked up. Remove one of the two options.',
		);
	}
	if (given !== '') return given;
	const { estimated_cost: cost, quote_id } = await estimate(context, terms, facts);
	if (most !== null && (typeof cost !== 'number' || cost > most)) {
		throw refuse(
			`The run may cost ${cost ?? 'an unknown number of'} credits, and ${most} may be spent`,
			`Nothing was started. ${cheaper}, or raise the option '${MOST}'.`,
		);
	}
	return quote_id ?? '';
}
