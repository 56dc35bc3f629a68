import type { Contact } from './contacts';
import { canonicalProfile } from './linkedin';

/**
 * What makes two contacts one person: the LinkedIn profile where there is one, else the name with the company (its
 * domain before its name), whatever the case, the spacing and the way the address is written.
 */
export function identityOf(contact: Contact): string {
	if (contact.linkedin_url) return JSON.stringify(['profile', canonicalProfile(contact.linkedin_url)]);
	const { first_name, last_name, company_domain, company_name } = contact;
	return JSON.stringify(['name', plain(first_name), plain(last_name), company_domain ?? plain(company_name)]);
}

/** Without what people write now so, now so: case and spacing. */
export function plain(value: string | undefined): string {
	return (value ?? '').normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();
}
