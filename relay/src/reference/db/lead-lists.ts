import type { DatabaseSync } from 'node:sqlite';
import { identityQueries } from './identities.ts';

const COLUMNS = `l.seq, l.list_id AS listId, l.owner_id AS ownerId, u.name AS ownerName, l.name, l.name_key AS nameKey,
	l.description, l.folder_id AS folderId, iif(EXISTS (SELECT 1 FROM list_shares s WHERE s.list_id = l.list_id), 'shared',
		l.visibility) AS visibility, l.is_protected AS isProtected, l.lead_count AS leadCount,
	l.enriched_count AS enrichedCount, l.created_at AS createdAt`;

/** Own lists, and those of the organization that their owners opened to all of it, or to this user. */
export const VISIBLE = `l.organization_id = :organizationId AND (
	l.owner_id = :userId OR l.visibility = 'organization'
	OR EXISTS (SELECT 1 FROM list_shares s WHERE s.list_id = l.list_id AND s.user_id = :userId))`;

const INSERT_LIST = `
	INSERT INTO lead_lists (list_id, organization_id, owner_id, name, name_key, description, folder_id, origin, is_protected,
		created_at)
	VALUES (:listId, :organizationId, :ownerId, :name, :nameKey, :description, :folderId, :origin, :isProtected,
		:createdAt)`;

/** The oldest, because a rename may give two lists the same name. */
const OWN_LIST_BY_NAME = `
	SELECT list_id AS listId FROM lead_lists
	WHERE owner_id = ? AND name_key = ? AND is_hidden = 0 ORDER BY seq LIMIT 1`;

const PROTECTED_LIST = 'SELECT list_id AS listId FROM lead_lists WHERE owner_id = ? AND is_protected = 1';

const HIDDEN_LIST = 'SELECT list_id AS listId FROM lead_lists WHERE owner_id = ? AND is_hidden = 1';

const HIDE = 'UPDATE lead_lists SET is_hidden = 1 WHERE list_id = ?';

const VISIBLE_LIST = `
	SELECT ${COLUMNS} FROM lead_lists l JOIN users u ON u.user_id = l.owner_id
	WHERE l.list_id = :listId AND ${VISIBLE}`;

const PAGE = `
	SELECT ${COLUMNS} FROM lead_lists l JOIN users u ON u.user_id = l.owner_id
	WHERE ${VISIBLE} AND l.is_hidden = 0 AND l.seq < :before ORDER BY l.seq DESC LIMIT :limit`;

const COUNT = `SELECT count(*) AS total FROM lead_lists l WHERE ${VISIBLE} AND l.is_hidden = 0`;

/** A folder holds lists of its owner only, who is the one to see them in it. */
const IN_FOLDER = 'l.folder_id = :folderId AND l.owner_id = :userId';

const PAGE_IN_FOLDER = `
	SELECT ${COLUMNS} FROM lead_lists l JOIN users u ON u.user_id = l.owner_id
	WHERE ${IN_FOLDER} AND l.is_hidden = 0 AND l.seq < :before ORDER BY l.seq DESC LIMIT :limit`;

const COUNT_IN_FOLDER = `SELECT count(*) AS total FROM lead_lists l WHERE ${IN_FOLDER} AND l.is_hidden = 0`;

const UPDATE_LIST = `
	UPDATE lead_lists SET name = :name, name_key = :nameKey, description = :description, folder_id = :folderId
	WHERE list_id = :listId`;

const DELETE_LIST = 'DELETE FROM lead_lists WHERE list_id = ?';

const INSERT_LEAD = `
	INSERT INTO leads (lead_id, owner_id, identity, first_name, last_name, company, company_domain, linkedin_url)
	VALUES (:leadId, :ownerId, :identity, :firstName, :lastName, :company, :companyDomain, :linkedinUrl)`;

/** Who a lead is: what is known already is kept, and only gaps are filled. */
const FILL_GAPS = `
	first_name = coalesce(first_name, :firstName),
	last_name = coalesce(last_name, :lastName),
	company = coalesce(company, :company),
	company_domain = coalesce(company_domain, :companyDomain),
	linkedin_url = coalesce(linkedin_url, :linkedinUrl)`;

const COMPLETE_LEAD = `UPDATE leads SET ${FILL_GAPS} WHERE lead_id = :leadId`;

const ATTACH_LEAD = 'INSERT INTO list_leads (list_id, lead_id) VALUES (?, ?) ON CONFLICT DO NOTHING';

/** A later run that misses takes nothing away that an earlier one found. */
const ENRICH_LEAD = `
	UPDATE leads SET ${FILL_GAPS},
		email = coalesce(:email, email),
		phone = coalesce(:phone, phone),
		title = coalesce(:title, title),
		location = coalesce(:location, location),
		provider = coalesce(:provider, provider),
		enriched_at = coalesce(enriched_at, :enrichedAt)
	WHERE lead_id = :leadId`;

const LEADS_PAGE = `
	SELECT m.position, d.lead_id AS leadId, d.first_name AS firstName, d.last_name AS lastName, d.email, d.phone,
		d.title, d.company, d.location, d.linkedin_url AS linkedinUrl, d.provider
	FROM list_leads m JOIN leads d USING (lead_id)
	WHERE m.list_id = :listId AND m.position > :after ORDER BY m.position LIMIT :limit`;

/** Who is looking. */
export interface Viewer {
	organizationId: string;
	userId: string;
}

export interface ListRow {
	seq: number;
	listId: string;
	ownerId: string;
	ownerName: string;
	name: string;
	nameKey: string;
	description: string | null;
	folderId: string | null;
	visibility: 'private' | 'organization' | 'shared';
	isProtected: 0 | 1;
	leadCount: number;
	enrichedCount: number;
	createdAt: number;
}

export interface LeadRecord {
	position: number;
	leadId: string;
	firstName: string | null;
	lastName: string | null;
	email: string | null;
	phone: string | null;
	title: string | null;
	company: string | null;
	location: string | null;
	linkedinUrl: string | null;
	provider: string | null;
}

/** What a run found out about a lead; null leaves a field as it is. */
export type EnrichedLead = Record<keyof Omit<LeadRecord, 'position' | 'leadId'>, string | null> & {
	leadId: string;
	companyDomain: string | null;
	enrichedAt: number | null;
};

export function leadListQueries(db: DatabaseSync) {
	const insertList = db.prepare(INSERT_LIST);
	const ownListByName = db.prepare(OWN_LIST_BY_NAME);
	const protectedList = db.prepare(PROTECTED_LIST);
	const hiddenList = db.prepare(HIDDEN_LIST);
	const hide = db.prepare(HIDE);
	const visibleList = db.prepare(VISIBLE_LIST);
	const page = db.prepare(PAGE);
	const count = db.prepare(COUNT);
	const pageInFolder = db.prepare(PAGE_IN_FOLDER);
	const countInFolder = db.prepare(COUNT_IN_FOLDER);
	const updateList = db.prepare(UPDATE_LIST);
	const deleteList = db.prepare(DELETE_LIST);
	const identities = identityQueries(db);
	const insertLead = db.prepare(INSERT_LEAD);
	const completeLead = db.prepare(COMPLETE_LEAD);
	const attachLead = db.prepare(ATTACH_LEAD);
	const enrichLead = db.prepare(ENRICH_LEAD);
	const leadsPage = db.prepare(LEADS_PAGE);

	const idOf = (row: unknown) => (row as { listId: string } | undefined)?.listId ?? null;

	return {
		insert(row: {
			listId: string;
			organizationId: string;
			ownerId: string;
			name: string;
			nameKey: string;
			description: string | null;
			folderId?: string | null;
			origin: string | null;
			isProtected: 0 | 1;
			createdAt: number;
		}): void {
			insertList.run({ ...row, folderId: row.folderId ?? null });
		},
		idByName: (ownerId: string, nameKey: string) => idOf(ownListByName.get(ownerId, nameKey)),
		protectedId: (ownerId: string) => idOf(protectedList.get(ownerId)),
		hiddenId: (ownerId: string) => idOf(hiddenList.get(ownerId)),
		/** Takes the list out of every listing; its id still finds it. */
		hide(listId: string): void {
			hide.run(listId);
		},
		visible: ({ organizationId, userId }: Viewer, listId: string) =>
			visibleList.get({ organizationId, userId, listId }) as ListRow | undefined,
		/** Newest first, those created before `before` (a `seq`). */
		page: ({ organizationId, userId }: Viewer, before: number, limit: number) =>
			page.all({ organizationId, userId, before, limit }) as unknown as ListRow[],
		count: ({ organizationId, userId }: Viewer) =>
			(count.get({ organizationId, userId }) as { total: number }).total,
		pageInFolder: ({ userId }: Viewer, folderId: string, before: number, limit: number) =>
			pageInFolder.all({ userId, folderId, before, limit }) as unknown as ListRow[],
		countInFolder: ({ userId }: Viewer, folderId: string) =>
			(countInFolder.get({ userId, folderId }) as { total: number }).total,
		update(row: {
			listId: string;
			name: string;
			nameKey: string;
			description: string | null;
			folderId: string | null;
		}): void {
			updateList.run(row);
		},
		/** Hard delete; the leads themselves stay, and what was in the list is swept up later. */
		delete(listId: string): void {
			deleteList.run(listId);
		},
		/** @returns the id of the owner's lead with this identity, which is `row.leadId` only when it is new */
		upsertLead(row: {
			leadId: string;
			ownerId: string;
			identity: string;
			firstName: string | null;
			lastName: string | null;
			company: string | null;
			companyDomain: string | null;
			linkedinUrl: string | null;
		}): string {
			const { ownerId, identity, ...details } = row;
			const leadId = identities.leadId(ownerId, identity);
			if (leadId === null) insertLead.run(row);
			else completeLead.run({ ...details, leadId });
			return leadId ?? row.leadId;
		},
		/** @returns false when the lead is in the list already */
		attach: (listId: string, leadId: string): boolean => attachLead.run(listId, leadId).changes === 1,
		enrichLead(row: EnrichedLead): void {
			enrichLead.run(row);
		},
		/** In order of attachment, those attached after `after` (a `position`). */
		leads: (listId: string, after: number, limit: number) =>
			leadsPage.all({ listId, after, limit }) as unknown as LeadRecord[],
	};
}
