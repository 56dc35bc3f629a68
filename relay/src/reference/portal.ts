import type { Clock } from '../clock.ts';
import { ListName } from '../contract/lead-lists.ts';
import type { Contact } from '../contract/enrichment.ts';
import { siblingUuids } from '../ids.ts';
import type { Ids } from '../ids.ts';
import type { Database } from './db/index.ts';
import { identityOf, namesSomeone, text } from './domain/contact.ts';
import { nameKey } from './domain/list-name.ts';

/** Who can see a list: its owner alone, all of the organization, or the owner and some users of it. */
export type Visibility = 'private' | 'organization' | 'shared';

export interface NewFolder {
	ownerId: string;
	name: string;
}

export interface NewList {
	ownerId: string;
	name: string;
	description?: string;
	/** One of the owner's. */
	folderId?: string;
	/** Default `private`. */
	visibility?: Visibility;
	/** Users to share with; for `shared` only. */
	sharedWith?: readonly string[];
	/** In this order; each one must say who it is: a profile, an e-mail address, or a full name with a company. */
	leads?: readonly NewLead[];
}

export type NewLead = Contact & {
	phone?: string | null;
	title?: string | null;
	/** "City, State, Country" */
	location?: string | null;
};

/**
 * What people do in the vendor's portal and no operation of the API does: folders and sharing. For seeding and
 * tests; also makes lists with leads in one go. Each method throws an Error with a sentence, and then has done
 * nothing.
 */
export function createPortal({ db, clock, ids }: { db: Database; clock: Clock; ids: Ids }) {
	const organizationOf = (userId: string): string => {
		const organizationId = db.sharing.organizationOf(userId);
		if (organizationId === null) throw new Error(`There is no user ${userId}.`);
		return organizationId;
	};

	/** Replaces who could see the list before. */
	const shareList = (listId: string, visibility: Visibility, userIds: readonly string[] = []): void => {
		const list = db.sharing.list(listId);
		if (!list) throw new Error(`There is no lead list ${listId}.`);
		if ((visibility === 'shared') !== userIds.length > 0) {
			throw new Error('Users are named for a shared list, and for no other.');
		}
		for (const userId of userIds) {
			if (userId === list.ownerId) throw new Error('A list is not shared with its own owner.');
			if (organizationOf(userId) !== list.organizationId) {
				throw new Error(`User ${userId} is of another organization than the list.`);
			}
		}
		db.transaction(() =>
			db.sharing.set(listId, visibility === 'organization' ? 'organization' : 'private', userIds),
		);
	};

	const addLead = (ownerId: string, listId: string, newId: string, lead: NewLead): void => {
		if (!namesSomeone(lead) && !text(lead.email)) throw new Error('A lead does not say who it is.');
		const leadId = db.lists.upsertLead({
			leadId: newId,
			ownerId,
			identity: identityOf(lead),
			firstName: text(lead.first_name),
			lastName: text(lead.last_name),
			company: text(lead.company_name),
			companyDomain: text(lead.company_domain),
			linkedinUrl: text(lead.linkedin_url),
		});
		const { email, phone, title, location } = lead;
		db.listLeads.fill({
			leadId,
			email: text(email),
			phone: text(phone),
			title: text(title),
			location: text(location),
		});
		db.lists.attach(listId, leadId);
	};

	return {
		shareList,

		/** @returns the folder's id, for `folder_id`; of the one the owner has of that name, if there is one */
		createFolder({ ownerId, name }: NewFolder): string {
			organizationOf(ownerId);
			const existing = db.folders.idByName(ownerId, name);
			if (existing !== null) return existing;
			const folderId = ids.uuid();
			db.folders.insert({ folderId, ownerId, name, createdAt: clock.now() });
			return folderId;
		},

		/** @returns the list's id; of the one the owner has of that name, if there is one, with nothing changed of it */
		createList(list: NewList): string {
			const { ownerId, folderId, visibility = 'private', sharedWith = [], leads = [] } = list;
			const organizationId = organizationOf(ownerId);
			const name = ListName.parse(list.name);
			if (folderId !== undefined && !db.folders.isOwned(folderId, ownerId)) {
				throw new Error(`User ${ownerId} has no folder ${folderId}.`);
			}
			const existing = db.lists.idByName(ownerId, nameKey(name));
			if (existing !== null) return existing;
			return db.transaction(() => {
				const listId = ids.uuid();
				db.lists.insert({
					listId,
					organizationId,
					ownerId,
					name,
					nameKey: nameKey(name),
					description: list.description ?? null,
					folderId: folderId ?? null,
					origin: null,
					isProtected: 0,
					createdAt: clock.now(),
				});
				shareList(listId, visibility, sharedWith);
				const nextId = siblingUuids(ids);
				for (const lead of leads) addLead(ownerId, listId, nextId(), lead);
				return listId;
			});
		},
	};
}

export type Portal = ReturnType<typeof createPortal>;
