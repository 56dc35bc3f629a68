import type { IDataObject } from 'n8n-workflow';
import { creditsFor, creditsForResult } from './credits';
import { ENRICHED_FIELDS, flatEnriched } from './enriched';
import { withoutEnvelope } from './envelope';
import { outputFields, shaped, type Output } from './output';
import { isBroken, isOver, isTaskOver, whyBroken } from './progress';
import { asRecord, firstText, flatResult, taskResult } from './result';

/** Everything there can be about a workflow. */
const WORKFLOW_FIELDS = [
	'found',
	'finished',
	'status',
	'reason',
	'total',
	'processed',
	'emails_found',
	'phones_found',
	'enrichment_type',
	'credits_used',
	'lead_list_id',
	'workflow_id',
] as const;

/** The parameter "Output" of what asks how an enrichment stands. */
export const lookedUpOutputFields = outputFields(
	[...new Set([...ENRICHED_FIELDS, ...WORKFLOW_FIELDS])],
	'Ten flat fields, with found, finished, status and credits_used; of a contact also the email address and the phone number, of a workflow the counts',
);

/** The parameter "Output" of what waits for a whole list. */
export const listRunOutputFields = outputFields(
	WORKFLOW_FIELDS,
	'Ten flat fields: found, finished, status, total, processed, emails_found, phones_found, credits_used and two IDs',
);

const SIMPLE_CONTACT = [
	'found',
	'finished',
	'status',
	'email',
	'email_status',
	'phone',
	'full_name',
	'credits_used',
	'workflow_id',
];
const SIMPLE_WORKFLOW = [
	'found',
	'finished',
	'status',
	'total',
	'processed',
	'emails_found',
	'phones_found',
	'credits_used',
	'lead_list_id',
	'workflow_id',
];

/** The answer by task, whatever its shape (see `taskResult`). */
export function taskItem(output: Output, raw: IDataObject, taskId: string): IDataObject {
	const result = taskResult(raw);
	const finished = isTaskOver(raw);
	const found = flatResult({ ...raw, ...result });
	const flat = {
		...flatEnriched({
			raw,
			status: firstText(raw.status, result.status, asRecord(result.result).status),
			// The answer holds no enrichment type; what was not looked for was not found either.
			creditsUsed: finished ? creditsForResult('full', found) : null,
			workflowId: firstText(raw.workflow_id, result.workflow_id),
			taskId: found.task_id ?? taskId,
		}),
		finished,
	};
	return shaped(output, {
		raw,
		flat,
		simple: [...SIMPLE_CONTACT, 'task_id'],
		ids: ['workflow_id', 'task_id'],
	});
}

/** The answer by workflow, of either API; one about a single person holds that person's result when it is over. */
export function workflowItem(output: Output, response: IDataObject, workflowId: string): IDataObject {
	const raw = withoutEnvelope(response);
	const finished = isOver(raw);
	if (Object.keys(asRecord(raw.result)).length > 0) {
		const flat = {
			...flatEnriched({
				raw,
				status: personStatus(raw),
				creditsUsed: chargedFor(raw),
				workflowId: firstText(raw.workflow_id) ?? workflowId,
				...(isBroken(raw) && { reason: whyBroken(raw) }),
			}),
			...workflowCounts(raw),
			finished,
		};
		return shaped(output, {
			raw,
			flat,
			simple: [...SIMPLE_CONTACT, 'lead_id'],
			ids: ['workflow_id', 'lead_id'],
		});
	}
	const counts = workflowCounts(raw);
	const flat = {
		...counts,
		found: counts.emails_found + counts.phones_found > 0,
		finished,
		status: firstText(raw.status),
		reason: firstText(raw.reason) ?? (isBroken(raw) ? whyBroken(raw) : null),
		credits_used: finished ? chargedFor(raw) : null,
		lead_list_id: firstText(raw.lead_list_id),
		workflow_id: firstText(raw.workflow_id) ?? workflowId,
	};
	return shaped(output, { raw, flat, simple: SIMPLE_WORKFLOW, ids: ['workflow_id'] });
}

/** A run may be completed without having found the person: that is told by the person's own status. */
export function personStatus(run: IDataObject): string | null {
	return isBroken(run) ? firstText(run.status) : firstText(asRecord(run.result).status, run.status);
}

/** Credits, as v2 says them, or by the price list; null when neither is known. */
export function chargedFor(run: IDataObject): number | null {
	if (typeof run.credits_charged === 'number') return run.credits_charged;
	const { emails_found: emails, phones_found: phones, enrichment_type: type } = workflowCounts(run);
	return type === null ? null : creditsFor(type, { emails, phones });
}

function workflowCounts(run: IDataObject) {
	const summary = asRecord(run.summary);
	return {
		total: countOf(run.total) ?? countOf(summary.total),
		processed: countOf(run.processed) ?? countOf(summary.completed),
		emails_found: countOf(summary.emails_found) ?? 0,
		phones_found: countOf(summary.phones_found) ?? 0,
		enrichment_type: firstText(run.enrichment_type),
	};
}

function countOf(value: unknown): number | null {
	return typeof value === 'number' ? value : null;
}
