import type { IDataObject } from 'n8n-workflow';
import type { Contact } from './contacts';
import { outputFields, shaped, type Output } from './output';
import { flatResult, taskResult } from './result';

/** Everything there can be about one contact. */
export const ENRICHED_FIELDS = [
	'found',
	'status',
	'reason',
	'email',
	'email_status',
	'phone',
	'first_name',
	'last_name',
	'full_name',
	'title',
	'company_name',
	'company_domain',
	'linkedin_url',
	'credits_used',
	'workflow_id',
	'task_id',
	'lead_id',
	'lead_list_id',
] as const;

/** What is used most of a contact's result, wherever it comes from. */
export const SIMPLE_RESULT = [
	'found',
	'status',
	'email',
	'email_status',
	'phone',
	'full_name',
	'company_name',
];
const SIMPLE = [...SIMPLE_RESULT, 'credits_used'];
/** Without a result, why there is none matters more than the company. */
const SIMPLE_WITHOUT_RESULT = SIMPLE.map((name) => (name === 'company_name' ? 'reason' : name));

/** The parameter "Output" of what gives results of contacts. */
export const enrichedOutputFields = outputFields(
	ENRICHED_FIELDS,
	'Ten flat fields: found, status, email, email_status, phone, full_name, company_name, credits_used and two IDs',
);

/** What became of a contact: Cleanlist's answer, or why there is none. */
export interface Enriched {
	raw: IDataObject;
	/** Why there is no result. */
	reason?: string;
	status: string | null;
	/** Credits; null while it is not known. */
	creditsUsed: number | null;
	workflowId?: string | null;
	taskId?: string | null;
	/** Who was looked for, where no answer says it. */
	contact?: Contact;
}

/** @param ids the two IDs that the answer is known by */
export function enrichedItem(output: Output, enriched: Enriched, ids: [string, string]): IDataObject {
	const simple = enriched.reason === undefined ? SIMPLE : SIMPLE_WITHOUT_RESULT;
	return shaped(output, {
		raw: enriched.raw,
		flat: flatEnriched(enriched),
		simple: [...simple, ...ids],
		ids,
	});
}

/** All of `ENRICHED_FIELDS`. */
export function flatEnriched(enriched: Enriched): IDataObject {
	const { raw, reason, status, creditsUsed, workflowId, taskId, contact } = enriched;
	const result = flatResult({ input: contact, ...raw, ...taskResult(raw) });
	return {
		...result,
		lead_id: null,
		lead_list_id: null,
		...known(raw, ['lead_id', 'lead_list_id']),
		...known(raw.result, ['lead_id']),
		status,
		reason: reason ?? null,
		credits_used: creditsUsed,
		workflow_id: workflowId ?? null,
		task_id: taskId ?? result.task_id,
	};
}

function known(record: unknown, names: string[]): IDataObject {
	const from = (record ?? {}) as IDataObject;
	return Object.fromEntries(names.flatMap((name) => (from[name] ? [[name, from[name]]] : [])));
}
