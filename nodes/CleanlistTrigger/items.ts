import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { SIMPLE_RESULT } from '../Cleanlist/helpers/enriched';
import { picked } from '../Cleanlist/helpers/output';
import { asRecord, firstText, flatResult } from '../Cleanlist/helpers/result';

export interface EmitOptions {
	output: 'contacts' | 'workflow';
	simplify: boolean;
	/** Fields of a contact besides the simplified ones. */
	furtherFields: string[];
}

/** A contact as it is without a choice: the ten fields that are used most. */
const SIMPLE = [...SIMPLE_RESULT, 'workflow_id', 'task_id', 'webhook_id'];
/** What else is known of a contact. */
export const FURTHER_FIELDS = [
	'company_domain',
	'completed_at',
	'enrichment_type',
	'first_name',
	'last_name',
	'lead_list_id',
	'linkedin_url',
	'title',
] as const;

/**
 * The items a delivered event becomes: one per contact, or one for the whole workflow. An event without results
 * (a failed workflow, `results: null`) becomes one item too, so that it does not pass unseen.
 *
 * @param webhookId the event's id, the same on every delivery of it: what duplicates are recognised by
 */
export function eventItems(
	payload: Record<string, unknown>,
	webhookId: string,
	{ output, simplify, furtherFields }: EmitOptions,
): INodeExecutionData[] {
	const results: unknown[] = Array.isArray(payload.results) ? payload.results : [];
	const origin = {
		workflow_id: firstText(payload.workflow_id),
		lead_list_id: firstText(payload.lead_list_id),
		enrichment_type: firstText(payload.enrichment_type),
		completed_at: firstText(payload.completed_at),
		webhook_id: webhookId,
	};
	if (output === 'workflow') return [{ json: wholeWorkflow(payload, results, origin, simplify) }];
	const names = [...new Set([...SIMPLE, ...furtherFields])];
	const simplified = (result: unknown) => picked({ ...flatResult(result), ...origin }, names);
	if (results.length === 0) return [{ json: simplified({ status: payload.status }) }];
	const truncated = Number(payload.results_truncated) > 0;
	return results.map((result) => ({
		json: {
			...(simplify ? simplified(result) : { ...asRecord(result), ...origin }),
			// Rare, and then important: this many results of the workflow are missing here.
			...(truncated && { results_truncated: payload.results_truncated }),
		} as IDataObject,
	}));
}

function wholeWorkflow(
	payload: Record<string, unknown>,
	results: unknown[],
	origin: { webhook_id: string },
	simplify: boolean,
): IDataObject {
	const { event, status, summary } = payload;
	const truncated = Number(payload.results_truncated);
	return (
		simplify
			? {
					event,
					status,
					...origin,
					summary,
					results_truncated: truncated > 0 ? truncated : 0,
					results: results.map(flatResult),
				}
			: { ...payload, webhook_id: origin.webhook_id }
	) as IDataObject;
}
