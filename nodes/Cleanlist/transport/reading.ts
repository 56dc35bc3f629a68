import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { outcomeError } from '../helpers/errors';
import type { RequestFacts } from '../helpers/words';
import type { Outcome } from './outcome';
import { bodyOf, sendBefore, type ApiRequest } from './request';
import { CLEANLIST } from './service';

/**
 * Reads something that will be asked again anyway; null when it could not be had this time: no time was left, or the
 * server had a trouble that passes.
 *
 * @throws NodeApiError when asking again can not help
 */
export async function readOnce(
	context: IExecuteFunctions,
	{ path, query, facts }: Pick<ApiRequest, 'path' | 'query'> & { facts: RequestFacts },
	deadline: number,
): Promise<IDataObject | null> {
	const outcome = await sendBefore(context, CLEANLIST, { method: 'GET', path, query }, deadline);
	if (outcome === null || passes(outcome)) return null;
	const body = bodyOf(outcome);
	if (body === null) throw outcomeError(context.getNode(), CLEANLIST, outcome, facts);
	return body as IDataObject;
}

function passes(outcome: Outcome): boolean {
	if (outcome.kind === 'late') return true;
	if (outcome.kind === 'unreachable') return outcome.mayPass;
	const { status } = outcome.response;
	// A page of a proxy, or an answer that broke off, in place of JSON.
	if (status < 300) return bodyOf(outcome) === null;
	return status === 429 || (status >= 500 && status !== 501);
}
