import type { z } from 'zod';
import {
	AddByCohort,
	AddByLeadIds,
	AddLeadsRequest,
	AddLeadsResponse,
	CsvImportRequest,
	CsvImportResponse,
	RemoveLeadsRequest,
	RemoveLeadsResponse,
} from '../../contract/list-leads.ts';
import { writableList } from '../access.ts';
import type { Caller } from '../auth.ts';
import type { Behaviours } from '../behaviours.ts';
import { resolveCohort } from '../cohorts.ts';
import { importCsv } from '../csv-import.ts';
import type { CsvImportDependencies } from '../csv-import.ts';
import { envelope } from '../envelope.ts';
import { csvImportOff, invalid } from '../errors.ts';
import { defineRoute, ok } from '../http.ts';
import { once } from '../idempotency.ts';
import { validate } from '../validation.ts';

/** Putting leads into a list and taking them out (B.16 to B.18), on both prefixes. Free, but for what an import dispatches. */
export function listLeadRoutes(o: CsvImportDependencies & { behaviours: Behaviours }) {
	const { db, clock, behaviours } = o;
	const writing = { errors: 'v2', plan: 'api', scope: 'lists:write' } as const;

	/** The ids to add: known leads only; a cohort's are known by nature. */
	const leadIdsOf = (caller: Caller, request: AddRequest): string[] =>
		'lead_ids' in request
			? request.lead_ids.filter((leadId) => db.listLeads.reachable(caller, leadId))
			: resolveCohort(db, caller, request.task_id, request.entity_ids).leadIds;

	return [
		defineRoute({
			...writing,
			method: 'POST',
			path: '/lead-lists/:list_id/leads',
			about: { summary: 'Adds leads by id, or those of a cohort', body: AddLeadsRequest, errors: [404] },
			response: AddLeadsResponse,
			handle({ caller, params, body }) {
				const request = parseAdd(body);
				const { listId } = writableList(db, caller, params.list_id!);
				const { organizationId } = caller;
				const { answer } = once(
					o,
					{ organizationId, operation: `add-leads:${listId}`, key: request.idempotency_key },
					() => {
						const leadIds = leadIdsOf(caller, request);
						const added = leadIds.filter((leadId) => db.lists.attach(listId, leadId)).length;
						const counts = { added, skipped_duplicates: leadIds.length - added, credits_charged: 0 };
						// A cohort that is a page of leads brings in nobody new to the workspace.
						return { list_id: listId, ...counts, ...('task_id' in request ? { created: 0 } : {}) };
					},
				);
				return ok(answer);
			},
		}),

		defineRoute({
			...writing,
			method: 'DELETE',
			path: '/lead-lists/:list_id/leads',
			about: { summary: 'Takes leads out of a list', body: RemoveLeadsRequest, errors: [404] },
			response: RemoveLeadsResponse,
			handle({ caller, params, body }) {
				const { lead_ids } = validate(RemoveLeadsRequest, body, 'body');
				const { listId } = writableList(db, caller, params.list_id!);
				const removed = db.transaction(
					() => lead_ids.filter((leadId) => db.listLeads.detach(listId, leadId)).length,
				);
				return ok({ list_id: listId, removed });
			},
		}),

		defineRoute({
			...writing,
			method: 'POST',
			path: '/lead-lists/:list_id/csv-import',
			about: {
				summary: 'Imports leads from a CSV file, and enriches them',
				body: CsvImportRequest,
				success: [201],
				errors: [404, 409, 413, 503],
			},
			response: CsvImportResponse,
			handle({ caller, params, body }) {
				if (!behaviours.csvImport) throw csvImportOff();
				const request = validate(CsvImportRequest, body, 'body');
				const answer = importCsv(o, caller, params.list_id!, request);
				return { status: 201, body: { ...envelope(clock), ...answer } };
			},
		}),
	];
}

type AddRequest = z.output<typeof AddByLeadIds> | z.output<typeof AddByCohort>;

/** @throws ApiError 422 unless the body is in exactly one of the two modes, and right for it */
function parseAdd(body: unknown): AddRequest {
	const { byIds, byCohort } = modesIn(body);
	if (byIds === byCohort) {
		const msg = byIds ? 'Send either lead_ids or task_id, not both' : 'Send lead_ids or task_id';
		throw invalid([{ type: byIds ? 'value_error' : 'missing', loc: ['body'], msg }]);
	}
	return validate(byIds ? AddByLeadIds : AddByCohort, body, 'body');
}

const modesIn = (body: unknown) => {
	const keys = typeof body === 'object' && body !== null ? body : {};
	return { byIds: 'lead_ids' in keys, byCohort: 'task_id' in keys };
};
