import type { DatabaseSync } from 'node:sqlite';

const USER = 'SELECT organization_id AS organizationId FROM users WHERE user_id = ?';
const LIST =
	'SELECT organization_id AS organizationId, owner_id AS ownerId FROM lead_lists WHERE list_id = ?';
const SET_VISIBILITY = 'UPDATE lead_lists SET visibility = :visibility WHERE list_id = :listId';
const UNSHARE = 'DELETE FROM list_shares WHERE list_id = ?';
const SHARE = 'INSERT INTO list_shares (list_id, user_id) VALUES (?, ?) ON CONFLICT DO NOTHING';

/** What the portal does to lists and the API has no operation for. */
export function sharingQueries(db: DatabaseSync) {
	const user = db.prepare(USER);
	const list = db.prepare(LIST);
	const setVisibility = db.prepare(SET_VISIBILITY);
	const unshare = db.prepare(UNSHARE);
	const share = db.prepare(SHARE);

	return {
		organizationOf: (userId: string) =>
			(user.get(userId) as { organizationId: string } | undefined)?.organizationId ?? null,
		list: (listId: string) => list.get(listId) as { organizationId: string; ownerId: string } | undefined,
		/** Replaces what was set before. Call inside a transaction. */
		set(listId: string, visibility: 'private' | 'organization', sharedWith: readonly string[]): void {
			setVisibility.run({ listId, visibility });
			unshare.run(listId);
			for (const userId of sharedWith) share.run(listId, userId);
		},
	};
}
