import type { DatabaseSync } from 'node:sqlite';
import { VISIBLE } from './lead-lists.ts';
import type { Viewer } from './lead-lists.ts';

/** A lead of the user's own, or one that a list shows them. */
const REACHABLE = `
	SELECT 1 AS found FROM leads d WHERE d.lead_id = :leadId AND (d.owner_id = :userId OR EXISTS (
		SELECT 1 FROM list_leads m JOIN lead_lists l USING (list_id) WHERE m.lead_id = d.lead_id AND ${VISIBLE}))`;

const DETACH = 'DELETE FROM list_leads WHERE list_id = ? AND lead_id = ?';

/** What is known of a lead already is kept; an import only fills gaps. */
const FILL = `
	UPDATE leads SET email = coalesce(email, :email), phone = coalesce(phone, :phone), title = coalesce(title, :title),
		location = coalesce(location, :location)
	WHERE lead_id = :leadId`;

export function listLeadQueries(db: DatabaseSync) {
	const reachable = db.prepare(REACHABLE);
	const detach = db.prepare(DETACH);
	const fill = db.prepare(FILL);

	return {
		/** Whether the viewer can get at the lead. */
		reachable: ({ organizationId, userId }: Viewer, leadId: string): boolean =>
			reachable.get({ organizationId, userId, leadId }) !== undefined,
		/** The lead itself stays. @returns false when it was not in the list */
		detach: (listId: string, leadId: string): boolean => detach.run(listId, leadId).changes === 1,
		fill(row: {
			leadId: string;
			email: string | null;
			phone: string | null;
			title: string | null;
			location: string | null;
		}): void {
			fill.run(row);
		},
	};
}
