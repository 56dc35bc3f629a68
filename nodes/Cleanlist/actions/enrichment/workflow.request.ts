import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { outcomeError } from '../../helpers/errors';
import type { RequestFacts } from '../../helpers/words';
import type { Outcome } from '../../transport/outcome';
import { bodyOf, send, type ApiRequest } from '../../transport/request';
import { CLEANLIST, LEGACY, V2 } from '../../transport/service';

/** How the IDs begin that v2 gives: of a person, of a list, of a cohort. */
const OF_V2 = /^(?:enrich|bulk-enrich|cl-task)[-_]/;

/** Where a workflow is asked about: on the API that gave its ID. */
export function statusOf(workflowId: string): Pick<ApiRequest, 'path' | 'query'> {
	return OF_V2.test(workflowId) ? statusOnV2(workflowId) : statusOnLegacy(workflowId);
}

/**
 * How a workflow stands. IDs are opaque, so one that the API it looks like does not know is asked about at the other.
 *
 * @throws NodeApiError the first answer, when neither knows it
 */
export async function getWorkflow(
	context: IExecuteFunctions,
	workflowId: string,
	facts: RequestFacts,
): Promise<IDataObject> {
	const other = OF_V2.test(workflowId) ? statusOnLegacy(workflowId) : statusOnV2(workflowId);
	const first = await send(context, CLEANLIST, { method: 'GET', ...statusOf(workflowId) });
	const outcome = isNotFound(first) ? await send(context, CLEANLIST, { method: 'GET', ...other }) : first;
	const body = bodyOf(outcome);
	if (body !== null) return body as IDataObject;
	throw outcomeError(context.getNode(), CLEANLIST, isNotFound(outcome) ? first : outcome, facts);
}

const statusOnLegacy = (workflowId: string) => ({
	path: `${LEGACY}/enrich/status`,
	query: { workflow_id: workflowId },
});

const statusOnV2 = (workflowId: string) => ({
	path: `${V2}/enrichment/status/${encodeURIComponent(workflowId)}`,
});

function isNotFound(outcome: Outcome): boolean {
	return outcome.kind === 'answered' && outcome.response.status === 404;
}
