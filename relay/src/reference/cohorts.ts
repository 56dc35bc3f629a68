import type { Caller } from './auth.ts';
import type { Database } from './db/index.ts';
import { decodeCohort } from './domain/cohort.ts';
import { notFound } from './errors.ts';

/**
 * The leads a cohort handle (the `task_id` of a page of leads) stands for, in order of attachment: those of the
 * page that are still in the list.
 *
 * @param entityIds only these of them; ids outside the cohort are left out
 * @throws ApiError 404 when it is no cohort, or its list is gone or hidden from the caller
 */
export function resolveCohort(
	db: Database,
	caller: Caller,
	taskId: string,
	entityIds?: readonly string[] | null,
): { listId: string; leadIds: string[] } {
	const cohort = decodeCohort(taskId);
	if (!cohort || !db.lists.visible(caller, cohort.listId)) throw notFound('cohort', taskId);
	const leadIds = db.cohorts.leadIds(cohort);
	if (!entityIds) return { listId: cohort.listId, leadIds };
	const wanted = new Set(entityIds);
	return { listId: cohort.listId, leadIds: leadIds.filter((leadId) => wanted.has(leadId)) };
}
