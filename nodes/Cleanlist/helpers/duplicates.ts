import type { Contact } from './contacts';
import { canonicalProfile } from './linkedin';

/**
 * What makes two contacts one person: the LinkedIn profile where there is one, else the name with the company (its
 * domain before its name), whatever the case, the spacing and the way the address is written. What stands in the
 * place of a profile and is none ("N/A", the company's page) may be the same for many: it tells people apart only.
 */
export function identityOf({ linkedin_url = '', ...contact }: Contact): string {
	const profile = canonicalProfile(linkedin_url);
	if (profile !== null) return JSON.stringify(['profile', profile]);
	const { first_name, last_name, company_domain, company_name } = contact;
	const name = [first_name, last_name, company_domain ?? company_name, linkedin_url].map(plain);
	return JSON.stringify(['name', ...name]);
}

/** Whether that tells a person from all others: a common name without a company does not. */
export function isIdentified({
	linkedin_url = '',
	first_name,
	last_name,
	company_domain,
	company_name,
}: Contact): boolean {
	const isNamed = Boolean(first_name && last_name && (company_domain || company_name));
	return isNamed || canonicalProfile(linkedin_url) !== null;
}

/** Without what people write now so, now so: case and spacing. */
export function plain(value: string | undefined): string {
	return (value ?? '').normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();
}
