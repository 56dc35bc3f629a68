import type { IExecuteFunctions } from 'n8n-workflow';
import type { EnrichPersonRequest } from '../../../../relay/src/contract';
import { readContact, type Contact, type ContactField } from '../../helpers/contacts';
import { identityOf, isIdentified } from '../../helpers/duplicates';
import { readEnrichmentType } from '../../helpers/enrichmentType';
import { chosenList } from '../../helpers/listLocator';
import { textOf } from '../../helpers/values';
import { CONTACT_PARAMETERS } from './contacts.fields';

/** Somebody to look up, for one lead list. */
export interface Person {
	list: ReturnType<typeof chosenList>;
	enrichmentType: string;
	contact: Contact;
	/** Someone whom Cleanlist knows already. */
	personId: string;
	phone: string;
	quoteId: string;
}

export function readPerson(context: IExecuteFunctions, itemIndex: number): Person {
	const names = Object.entries(CONTACT_PARAMETERS) as [ContactField, string][];
	const contact = readContact(
		Object.fromEntries(names.map(([field, name]) => [field, context.getNodeParameter(name, itemIndex, '')])),
	);
	const { personId, phone } = context.getNodeParameter('additionalFields', itemIndex, {});
	const { quoteId } = context.getNodeParameter('options', itemIndex, {});
	return {
		list: chosenList(context, itemIndex),
		enrichmentType: readEnrichmentType(context, itemIndex),
		contact,
		personId: textOf(personId),
		phone: textOf(phone),
		quoteId: textOf(quoteId),
	};
}

/** Why Cleanlist would refuse them; null when they can be sent. An email address is enough here. */
export function whyNobody({ contact, personId }: Person): string | null {
	if (personId || contact.email || contact.linkedin_url || isIdentified(contact)) return null;
	return 'A person needs an email address, a LinkedIn URL or a person ID, or a first name, a last name and a company domain or name.';
}

/** What makes two of them one: the same list, type, and person. */
export function nameOfPerson({ list, enrichmentType, contact, personId }: Person): string {
	const { email } = contact;
	const who = email && !isIdentified(contact) ? email.toLowerCase() : identityOf(contact);
	return JSON.stringify([list.id, enrichmentType, personId, who]);
}

export function requestOf({
	list,
	enrichmentType,
	contact,
	personId,
	phone,
	quoteId,
}: Person): EnrichPersonRequest {
	const { company_domain, ...rest } = contact;
	return {
		lead_list_id: list.id,
		enrichment_type: enrichmentType as EnrichPersonRequest['enrichment_type'],
		...rest,
		...(company_domain && { domain: company_domain }),
		...(phone && { phone }),
		...(personId && { person_id: personId }),
		...(quoteId && { quote_id: quoteId }),
	};
}
