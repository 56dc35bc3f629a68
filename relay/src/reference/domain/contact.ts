import { createHash } from 'node:crypto';
import type { Contact } from '../../contract/enrichment.ts';

/** A contact's text, trimmed; null when it is missing or blank. */
export const text = (value: string | null | undefined): string | null => value?.trim() || null;

/** The vendor's rule (B.2): a LinkedIn URL, or a full name with a company. */
export function namesSomeone(contact: Contact): boolean {
	if (text(contact.linkedin_url)) return true;
	const named = text(contact.first_name) && text(contact.last_name);
	return Boolean(named && (text(contact.company_domain) ?? text(contact.company_name)));
}

/**
 * What makes two contacts the same person: the LinkedIn profile when given, else name and company (its domain
 * before its name), else the e-mail address, without regard to case, spacing, or how the URL is written.
 * Returned as a SHA-256 in hex, so that it has one length whatever was sent.
 */
export function identityOf(contact: Contact): string {
	return createHash('sha256')
		.update(JSON.stringify(distinguishing(contact)))
		.digest('hex');
}

function distinguishing(contact: Contact): string[] {
	const profile = text(contact.linkedin_url);
	if (profile) {
		return ['linkedin', normalizeUrl(profile).replace(/^[a-z]{2,3}\.linkedin\.com/, 'linkedin.com')];
	}
	const email = text(contact.email);
	if (email && !namesSomeone(contact)) return ['email', normalize(email)];
	return [
		'name',
		normalize(contact.first_name),
		normalize(contact.last_name),
		normalizeUrl(text(contact.company_domain) ?? '') || normalize(contact.company_name),
	];
}

const normalize = (value: string | null | undefined): string =>
	(value ?? '').normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();

/** Host and path only, in lower case, without `www.` and a closing slash. */
export const normalizeUrl = (url: string): string =>
	normalize(url)
		.replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
		.replace(/[?#].*$/s, '')
		.replace(/^www\./, '')
		// The look-behind keeps a long run of slashes from being tried from each of them.
		.replace(/(?<!\/)\/+$/, '');
