import { z } from 'zod';
import { iso } from '../../clock.ts';
import type { Clock } from '../../clock.ts';
import {
	CreateListRequest,
	DeleteListResponse,
	LEAD_PAGE,
	LIST_PAGE,
	LeadsPageResponse,
	ListDetailResponse,
	ListsPageResponse,
	UpdateListRequest,
} from '../../contract/lead-lists.ts';
import type { Ids } from '../../ids.ts';
import { readableList, writableList } from '../access.ts';
import type { Caller } from '../auth.ts';
import type { Database } from '../db/index.ts';
import type { LeadRecord, ListRow } from '../db/lead-lists.ts';
import { encodeCohort } from '../domain/cohort.ts';
import { encodeCursor } from '../domain/cursor.ts';
import { fullName } from '../domain/generator.ts';
import { nameKey } from '../domain/list-name.ts';
import { envelope } from '../envelope.ts';
import { listProtected, notFound } from '../errors.ts';
import { defineRoute, ok } from '../http.ts';
import { validate } from '../validation.ts';
import { limitParam, positionOf } from './query.ts';

const ListsQuery = z.object({
	limit: limitParam(LIST_PAGE),
	cursor: z.string().nullish(),
	folder_id: z.string().nullish(),
});
const LeadsQuery = z.object({ limit: limitParam(LEAD_PAGE), cursor: z.string().nullish() });

/** Lead lists, but for what puts leads in and takes them out (B.10 to B.15), on both prefixes. */
export function leadListRoutes(o: {
	db: Database;
	clock: Clock;
	ids: Ids;
	/** Called when a list was deleted: what was in it is still to be cleared away. */
	onDelete: () => void;
}) {
	const { db, clock, ids, onDelete } = o;
	const reading = { errors: 'v2', plan: 'api', scope: 'lists:read' } as const;
	const writing = { errors: 'v2', plan: 'api', scope: 'lists:write' } as const;

	/** @throws ApiError 404 also for a teammate's visible list (G23), 403 for a protected one (G22) */
	const changeableList = (caller: Caller, listId: string, action: string): ListRow => {
		const list = writableList(db, caller, listId);
		if (list.isProtected) throw listProtected(action);
		return list;
	};

	/** @throws ApiError 404 unless the caller has such a folder */
	const checkFolder = (caller: Caller, folderId: string | null | undefined): void => {
		if (typeof folderId === 'string' && !db.folders.isOwned(folderId, caller.userId)) {
			throw notFound('folder', folderId);
		}
	};

	const detail = (caller: Caller, list: ListRow, reused: boolean) => ({
		...envelope(clock),
		list_id: list.listId,
		name: list.name,
		description: list.description,
		folder_id: folderOf(caller, list),
		lead_count: list.leadCount,
		enriched_count: list.enrichedCount,
		created_at: iso(list.createdAt),
		reused,
	});

	return [
		defineRoute({
			...writing,
			method: 'POST',
			path: '/lead-lists',
			about: {
				summary: 'Makes a list, or gives back the one of that name',
				body: CreateListRequest,
				success: [200, 201],
				errors: [404],
			},
			response: ListDetailResponse,
			handle({ caller, body }) {
				const { name, description, folder_id } = validate(CreateListRequest, body, 'body');
				checkFolder(caller, folder_id);
				const existing = db.lists.idByName(caller.userId, nameKey(name));
				if (existing) return ok(detail(caller, readableList(db, caller, existing), true));
				const listId = ids.uuid();
				db.lists.insert({
					listId,
					organizationId: caller.organizationId,
					ownerId: caller.userId,
					name,
					nameKey: nameKey(name),
					description: description ?? null,
					folderId: folder_id ?? null,
					origin: null,
					isProtected: 0,
					createdAt: clock.now(),
				});
				return { status: 201, body: detail(caller, readableList(db, caller, listId), false) };
			},
		}),

		defineRoute({
			...reading,
			method: 'GET',
			path: '/lead-lists',
			about: { summary: 'Lists one can see, newest first', query: ListsQuery },
			response: ListsPageResponse,
			handle({ caller, query }) {
				const { limit, cursor, folder_id } = validate(ListsQuery, query, 'query');
				const before = positionOf('lists', cursor, Number.MAX_SAFE_INTEGER);
				const rows = folder_id
					? db.lists.pageInFolder(caller, folder_id, before, limit + 1)
					: db.lists.page(caller, before, limit + 1);
				return ok({
					...envelope(clock),
					lists: rows.slice(0, limit).map((list) => summary(caller, list)),
					total: folder_id ? db.lists.countInFolder(caller, folder_id) : db.lists.count(caller),
					cursor: rows.length > limit ? encodeCursor('lists', rows[limit - 1]!.seq) : null,
				});
			},
		}),

		defineRoute({
			...reading,
			method: 'GET',
			path: '/lead-lists/:list_id',
			about: { summary: 'One list', errors: [404] },
			response: ListDetailResponse,
			handle: ({ caller, params }) => ok(detail(caller, readableList(db, caller, params.list_id!), false)),
		}),

		defineRoute({
			...writing,
			method: 'PATCH',
			path: '/lead-lists/:list_id',
			about: { summary: 'Renames, describes or moves a list', body: UpdateListRequest, errors: [404] },
			response: ListDetailResponse,
			handle({ caller, params, body }) {
				const changes = validate(UpdateListRequest, body, 'body');
				const list = changeableList(caller, params.list_id!, 'changed');
				checkFolder(caller, changes.folder_id);
				const name = changes.name ?? list.name;
				const description = changes.description === undefined ? list.description : changes.description;
				const folderId = changes.folder_id === undefined ? list.folderId : changes.folder_id;
				db.lists.update({ listId: list.listId, name, nameKey: nameKey(name), description, folderId });
				return ok(detail(caller, { ...list, name, description, folderId }, false));
			},
		}),

		defineRoute({
			...writing,
			method: 'DELETE',
			path: '/lead-lists/:list_id',
			about: { summary: 'Deletes a list; its leads stay in the workspace', errors: [404] },
			response: DeleteListResponse,
			handle({ caller, params }) {
				const { listId } = changeableList(caller, params.list_id!, 'deleted');
				db.lists.delete(listId);
				onDelete();
				return ok({ ...envelope(clock), list_id: listId, deleted: true });
			},
		}),

		defineRoute({
			...reading,
			method: 'GET',
			path: '/lead-lists/:list_id/leads',
			about: { summary: 'The leads of a list, in order of attachment', query: LeadsQuery, errors: [404] },
			response: LeadsPageResponse,
			handle({ caller, params, query }) {
				const { limit, cursor } = validate(LeadsQuery, query, 'query');
				const list = readableList(db, caller, params.list_id!);
				const kind = `leads:${list.listId}`;
				const after = positionOf(kind, cursor, 0);
				const rows = db.lists.leads(list.listId, after, limit + 1);
				const upTo = rows.slice(0, limit).at(-1)?.position;
				return ok({
					...envelope(clock),
					task_id: upTo === undefined ? null : encodeCohort({ listId: list.listId, after, upTo }),
					list_id: list.listId,
					leads: rows.slice(0, limit).map(leadRow),
					total: list.leadCount,
					cursor: rows.length > limit ? encodeCursor(kind, rows[limit - 1]!.position) : null,
				});
			},
		}),
	];
}

/** Folders are personal: only the owner of a list sees which one it is in. */
const folderOf = (caller: Caller, list: ListRow): string | null =>
	list.ownerId === caller.userId ? list.folderId : null;

const summary = (caller: Caller, list: ListRow) => ({
	list_id: list.listId,
	name: list.name,
	lead_count: list.leadCount,
	folder_id: folderOf(caller, list),
	created_at: iso(list.createdAt),
	owner_name: list.ownerName,
	visibility: list.visibility,
});

const leadRow = (lead: LeadRecord) => ({
	lead_id: lead.leadId,
	first_name: lead.firstName,
	last_name: lead.lastName,
	full_name: fullName(lead),
	email: lead.email,
	phone: lead.phone,
	title: lead.title,
	company: lead.company,
	location: lead.location,
	linkedin_url: lead.linkedinUrl,
	provider: lead.provider,
});
