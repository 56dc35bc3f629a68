import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import type { EstimateRead, EstimateRequest } from '../../../relay/src/contract';
import { outcomeError } from '../helpers/errors';
import type { RequestFacts } from '../helpers/words';
import type { Outcome } from './outcome';
import { bodyOf, send } from './request';
import { CLEANLIST, V2 } from './service';

export type EstimateTerms = EstimateRequest;

const PARAMETERS = {
	list_id: 'Lead List',
	task_id: 'Cohort Task ID',
	data_points: 'Data Points',
	enrichment_type: 'Enrichment Type',
	scope: 'Enrichment Type',
	agent_type: 'Agent',
	row_count: 'Number of People',
};

/**
 * Asks what a call would cost at most; the answer's quote pays for that call, once, within minutes. Free.
 *
 * Which keys `extra` may hold is not published, and one too many is a 400. It only makes an estimate tighter, so
 * one that was refused is asked for again without.
 */
export async function estimate(
	context: IExecuteFunctions,
	{ extra, ...terms }: EstimateTerms,
	facts: RequestFacts,
): Promise<EstimateRead> {
	const hasExtra = Object.keys(extra ?? {}).length > 0;
	let outcome = await ask(context, hasExtra ? { ...terms, extra } : terms);
	if (hasExtra && outcome.kind === 'answered' && outcome.response.status === 400) {
		outcome = await ask(context, terms);
	}
	const quote = bodyOf(outcome);
	if (quote !== null) return quote as EstimateRead;
	throw outcomeError(context.getNode(), CLEANLIST, outcome, {
		scope: 'credits:read',
		parameters: PARAMETERS,
		...facts,
	});
}

async function ask(context: IExecuteFunctions, terms: EstimateTerms): Promise<Outcome> {
	return await send(context, CLEANLIST, {
		method: 'POST',
		path: `${V2}/credits/estimate`,
		body: terms as unknown as IDataObject,
		// A quote that nobody uses runs out.
		harmlessTwice: true,
	});
}
