import type { DatabaseSync } from 'node:sqlite';
import { LEAD_PAGE } from '../../contract/lead-lists.ts';
import type { Cohort } from '../domain/cohort.ts';

/** A cohort is one page at most; a handle somebody made up may claim more. */
const LEAD_IDS = `
	SELECT lead_id AS leadId FROM list_leads
	WHERE list_id = :listId AND position > :after AND position <= :upTo ORDER BY position LIMIT ${LEAD_PAGE.max}`;

export function cohortQueries(db: DatabaseSync) {
	const leadIds = db.prepare(LEAD_IDS);

	return {
		/** In order of attachment. */
		leadIds: ({ listId, after, upTo }: Cohort) =>
			(leadIds.all({ listId, after, upTo }) as { leadId: string }[]).map(({ leadId }) => leadId),
	};
}
