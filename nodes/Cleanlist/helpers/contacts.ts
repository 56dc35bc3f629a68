import type { Contact as ApiContact } from '../../../relay/src/contract';
import { bareDomain } from './domain';
import { textOf } from './values';
import { sentences } from './words';

export type ContactField = keyof ApiContact;
/** A contact as it is sent: only fields that say something, trimmed; of the company's address, the domain. */
export type Contact = Partial<Record<ContactField, string>>;

export const CONTACT_FIELDS: Record<ContactField, string> = {
	linkedin_url: 'LinkedIn URL',
	first_name: 'First Name',
	last_name: 'Last Name',
	company_domain: 'Company Domain',
	company_name: 'Company Name',
	email: 'Email',
};

const FIELD_NAMES = Object.keys(CONTACT_FIELDS) as ContactField[];

/** Ways to write a field's name, reduced to letters: `linkedin_url`, `linkedinUrl` and `LinkedIn URL` are one. */
const BY_LETTERS = new Map(FIELD_NAMES.map((name) => [letters(name), name]));

/**
 * Takes what Cleanlist knows out of a record; other keys are left out. Numbers become text, because spreadsheets
 * turn a company called "1800" into one.
 */
export function readContact(record: object): Contact {
	const contact: Contact = {};
	for (const [key, value] of Object.entries(record)) {
		const field = BY_LETTERS.get(letters(key));
		const text = field === 'company_domain' ? bareDomain(textOf(value)) : textOf(value);
		if (field && text !== '') contact[field] = text;
	}
	return contact;
}

/** Why Cleanlist would refuse the contact (and with it the whole request); null when it can be sent. */
export function whyNotSendable(contact: Contact): string | null {
	if (contact.linkedin_url) return null;
	const missing = [
		!contact.first_name && 'first name',
		!contact.last_name && 'last name',
		!contact.company_domain && !contact.company_name && 'company domain or company name',
	].filter((part) => part !== false);
	if (missing.length === 0) return null;
	return sentences(
		`A contact needs a LinkedIn URL, or a first name, a last name and a company domain or name. Missing: LinkedIn URL, or ${joined(missing)}.`,
		contact.email && 'An email address alone is enough for Enrichment → Enrich Person.',
	);
}

/** Contacts given as JSON: an object or an array of objects, parsed or as text. */
export function parseContacts(value: unknown): { contacts: Contact[] } | { problem: string } {
	let parsed = value;
	if (typeof value === 'string') {
		try {
			parsed = JSON.parse(value);
		} catch (error) {
			return { problem: `it is not valid JSON (${(error as Error).message})` };
		}
	}
	const list: unknown[] = Array.isArray(parsed) ? parsed : [parsed];
	const odd = list.findIndex((entry) => typeof entry !== 'object' || entry === null || Array.isArray(entry));
	if (odd === -1) return { contacts: (list as object[]).map(readContact) };
	return {
		problem: Array.isArray(parsed)
			? `entry ${odd + 1} of the array is not a contact object`
			: 'it is neither a contact object nor an array of them',
	};
}

function letters(name: string): string {
	return name.toLowerCase().replace(/[^a-z]/g, '');
}

function joined(parts: string[]): string {
	const last = parts.at(-1) ?? '';
	return parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')} and ${last}`;
}
