import { recogniseColumns } from './columns';
import { CONTACT_FIELDS, readContact, type Contact, type ContactField } from './contacts';
import { textOf } from './values';

/**
 * The contact in a row of a sheet, a CRM or a CSV file, by the headers of its columns. Of several columns for one
 * thing the best one that is filled in counts. A full name is taken apart only where first and last name are missing.
 */
export function contactFromRow(row: Record<string, unknown>): Contact {
	const columns = recogniseColumns(Object.keys(row).filter((header) => textOf(row[header]) !== ''));
	const valueOf = (field: keyof typeof columns) => {
		const header = columns[field];
		return header === undefined ? '' : textOf(row[header]);
	};
	const names = Object.keys(CONTACT_FIELDS) as ContactField[];
	const contact = readContact(Object.fromEntries(names.map((name) => [name, valueOf(name)])));
	if (contact.first_name || contact.last_name) return contact;
	return { ...contact, ...namesIn(valueOf('full_name')) };
}

/** "Ada Lovelace", and "Lovelace, Ada" as address books have it; one word before a comma is no first and last name. */
function namesIn(fullName: string): Pick<Contact, 'first_name' | 'last_name'> {
	const [, last_name, first_name] = /^([^\s,]+),\s*(.*\S)$/.exec(fullName) ?? [];
	if (first_name) return { first_name, last_name };
	const [first, ...rest] = fullName.split(/\s+/);
	return first && rest.length > 0 ? { first_name: first, last_name: rest.join(' ') } : {};
}
