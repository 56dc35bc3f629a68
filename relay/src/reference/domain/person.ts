import type { z } from 'zod';
import type { Contact } from '../../contract/enrichment.ts';
import type { EnrichPersonRequest, V2EnrichmentType } from '../../contract/enrichment-v2.ts';
import { identityOf, namesSomeone, text } from './contact.ts';

type Request = z.output<typeof EnrichPersonRequest>;

/** Who a run over one person looks for. */
export interface Person {
	/** A lead that is known already. */
	leadId: string | null;
	contact: Contact;
	/** Null when nothing says who it is: nobody is found then. */
	identity: string | null;
}

/** A lead as far as it says who somebody is. */
export interface KnownLead {
	leadId: string;
	identity: string;
	firstName: string | null;
	lastName: string | null;
	company: string | null;
	companyDomain: string | null;
	linkedinUrl: string | null;
	email: string | null;
}

/** The vendor's rule (B.19): e-mail, profile or id, or a full name with a company. */
export const saysWho = (request: Request): boolean =>
	Boolean(text(request.person_id) || identifies(contactFrom(request)));

/** @param lead the one that `person_id` names, if it names one in the caller's reach */
export function personFrom(request: Request, lead: KnownLead | undefined): Person {
	const given = contactFrom(request);
	if (!lead) {
		return { leadId: null, contact: given, identity: identifies(given) ? identityOf(given) : null };
	}
	return { leadId: lead.leadId, contact: { ...contactOf(lead), ...given }, identity: lead.identity };
}

export const contactOf = (lead: KnownLead): Contact => ({
	first_name: lead.firstName,
	last_name: lead.lastName,
	company_name: lead.company,
	company_domain: lead.companyDomain,
	linkedin_url: lead.linkedinUrl,
	email: lead.email,
});

/** `enrichment_type` counts; without it the older flag does, where true means the phone number alone (B.19). */
export const typeFrom = (request: Request): V2EnrichmentType =>
	request.enrichment_type ?? (request.include_phone ? 'phone_only' : 'partial');

const identifies = (contact: Contact): boolean => namesSomeone(contact) || Boolean(text(contact.email));

/** What was given and is not blank. */
function contactFrom(request: Request): Contact {
	const fields: Record<keyof Contact, string | null> = {
		email: text(request.email),
		linkedin_url: text(request.linkedin_url),
		first_name: text(request.first_name),
		last_name: text(request.last_name),
		company_name: text(request.company_name),
		company_domain: text(request.domain),
	};
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
