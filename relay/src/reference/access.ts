import type { Caller } from './auth.ts';
import type { Database } from './db/index.ts';
import type { ListRow } from './db/lead-lists.ts';
import { notFound } from './errors.ts';

/** @throws ApiError 404 for a list that does not exist or is hidden from the caller */
export function readableList(db: Database, caller: Caller, listId: string): ListRow {
	const list = db.lists.visible(caller, listId);
	if (!list) throw notFound('lead list', listId);
	return list;
}

/** @throws ApiError 404 also for a teammate's list that the caller can read: only its owner may work on it (G23) */
export function writableList(db: Database, caller: Caller, listId: string): ListRow {
	const list = readableList(db, caller, listId);
	if (list.ownerId !== caller.userId) throw notFound('lead list of yours', listId);
	return list;
}
