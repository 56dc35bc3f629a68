import { createHash } from 'node:crypto';
import type { Contact, EmailStatus, EnrichmentType, TaskResult } from '../../contract/enrichment.ts';
import { identityOf, normalizeUrl, text } from './contact.ts';
import { SEEKS } from './credits.ts';
import { COMPANIES, FIRST_NAMES, LAST_NAMES, LOCATIONS, NPAS, TITLES } from './fiction.ts';

/** Share of contacts nobody knows anything about. */
const UNKNOWN_PERSON = 0.08;
/** Shares among the known: 0.92 × 0.87 ≈ 80 % of contacts get an e-mail, 0.92 × 0.5 ≈ 46 % a phone number. */
const HAS_EMAIL = 0.87;
const HAS_PHONE = 0.5;
const HAS_OTHER_EMAIL = 0.15;
/** How the e-mails that are found divide among the statuses. */
export const EMAIL_STATUS_SHARES: readonly (readonly [EmailStatus, number])[] = [
	['verified', 0.62],
	['likely_valid', 0.16],
	['risky', 0.12],
	['invalid', 0.05],
	['unknown', 0.05],
];

/** Everything the generator knows about a contact, before an enrichment type narrows it. */
export interface Enrichment {
	firstName: string | null;
	lastName: string | null;
	companyName: string | null;
	companyDomain: string | null;
	linkedinUrl: string | null;
	title: string | null;
	/** "City, State, Country" */
	location: string | null;
	email: { address: string; status: EmailStatus } | null;
	otherEmails: string[];
	/** E.164, from a range reserved for fiction. */
	phone: string | null;
}

/**
 * Makes up what Cleanlist would find. A pure function of the seed and the contact: the same contact gets the
 * same answer at any time, in any run, under any enrichment type. Addresses are under reserved example domains
 * and numbers in the ranges kept for fiction, so nothing made up here can reach anybody.
 *
 * @param known `email`: this address is checked instead of another being made up; `identity`: of a lead whose
 *   fields may have changed since it was first seen
 */
export function enrich(
	seed: string,
	contact: Contact,
	known: { email?: string | null; identity?: string } = {},
): Enrichment {
	const identity = known.identity ?? identityOf(contact);
	// One independent draw per question, so that asking a new one later changes no old answer.
	const draw = (question: string): number =>
		createHash('sha256').update(`${seed}\0${identity}\0${question}`).digest().readUIntBE(0, 6) / 2 ** 48;
	const pick = <T>(question: string, from: readonly T[]): T =>
		from[Math.floor(draw(question) * from.length)] as T;

	const given = {
		firstName: text(contact.first_name),
		lastName: text(contact.last_name),
		companyName: text(contact.company_name),
		companyDomain: text(contact.company_domain),
		linkedinUrl: text(contact.linkedin_url),
	};
	const knownEmail = text(known.email);
	if (draw('known') < UNKNOWN_PERSON) {
		return { ...given, title: null, location: null, email: null, otherEmails: [], phone: null };
	}

	const read = namesInProfile(given.linkedinUrl) ?? namesInEmail(knownEmail);
	const firstName = given.firstName ?? read?.first ?? pick('first name', FIRST_NAMES);
	const lastName = given.lastName ?? read?.last ?? pick('last name', LAST_NAMES);
	const domain = given.companyDomain ?? (given.companyName ? null : domainOfEmail(knownEmail));
	const companyName = given.companyName ?? (domain ? companyNameFrom(domain) : pick('company', COMPANIES));
	const mailDomain = reservedDomain(domain ?? companyName, identity);

	const local = localPart(firstName, lastName, identity);
	const hasEmail = draw('email') < HAS_EMAIL;
	return {
		firstName,
		lastName,
		companyName,
		companyDomain: domain ?? mailDomain,
		linkedinUrl: given.linkedinUrl,
		title: pick('title', TITLES),
		location: pick('location', LOCATIONS),
		email: hasEmail
			? { address: knownEmail ?? `${local}@${mailDomain}`, status: statusAt(draw('email status')) }
			: null,
		otherEmails: hasEmail && draw('other email') < HAS_OTHER_EMAIL ? [`${local}@example.com`] : [],
		phone: draw('phone') < HAS_PHONE ? fictionalNumber(draw) : null,
	};
}

/** The same contact, had nobody known anything about it. */
export const withoutFindings = (found: Enrichment): Enrichment => ({
	...found,
	title: null,
	location: null,
	email: null,
	otherEmails: [],
	phone: null,
});

/**
 * The answer for one task. `completed` when something sought was found (or nothing was sought), else `failed`:
 * a miss is a failed task in a completed workflow.
 */
export function resultOf(taskId: string, type: EnrichmentType, found: Enrichment): TaskResult {
	const seeks = SEEKS[type];
	const email = seeks.email ? found.email : null;
	const phones = seeks.phone && found.phone ? [found.phone] : [];
	const sought = seeks.email || seeks.phone;
	return {
		task_id: taskId,
		status: !sought || email || phones.length > 0 ? 'completed' : 'failed',
		primary_email: email?.address ?? null,
		primary_email_status: email?.status ?? null,
		personal_phone_numbers: phones,
		prospect: { first_name: found.firstName, last_name: found.lastName, full_name: fullName(found) },
		company: { name: found.companyName, domain: found.companyDomain },
		linkedin_url: found.linkedinUrl,
		title: found.title,
		other_emails: email ? found.otherEmails : [],
	};
}

export const fullName = (person: { firstName: string | null; lastName: string | null }): string | null =>
	[person.firstName, person.lastName].filter(Boolean).join(' ') || null;

function statusAt(fraction: number): EmailStatus {
	let upTo = 0;
	for (const [status, share] of EMAIL_STATUS_SHARES) {
		upTo += share;
		if (fraction < upTo) return status;
	}
	return 'unknown';
}

/** `…/in/jane-van-doe-4b12` names Jane Van Doe; null when the URL holds no such name. */
function namesInProfile(url: string | null): { first: string; last: string } | null {
	const slug = /\/in\/([^/]+)/.exec(normalizeUrl(url ?? ''))?.[1] ?? '';
	return namesIn(slug.split('-'));
}

/** `jane.doe@…` names Jane Doe; null when the address holds no such name. */
const namesInEmail = (email: string | null) => namesIn((email ?? '').split('@', 1)[0]!.split(/[._-]/));

function namesIn(parts: string[]): { first: string; last: string } | null {
	const words = parts.filter((word) => /^\p{L}+$/u.test(word));
	const [first, ...rest] = words.map((word) => capitalize(word.toLowerCase()));
	return first && rest.length > 0 ? { first, last: rest.join(' ') } : null;
}

const domainOfEmail = (email: string | null): string | null => text(email?.split('@')[1]);

export const companyNameFrom = (domain: string): string =>
	capitalize(normalizeUrl(domain).split(/[./]/)[0] ?? domain);

const capitalize = (word: string): string => {
	const [first = '', ...rest] = word;
	return first.toUpperCase() + rest.join('');
};

const RESERVED =
	/^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.example|example\.(?:com|net|org))$/;

/** The given domain when it is a reserved one (RFC 2606), else a stand-in: `acme.io` becomes `acme-io.example`. */
export function reservedDomain(company: string, identity: string): string {
	const host = normalizeUrl(company).split('/')[0] ?? '';
	// A name in the DNS is at most 253 characters, each of its labels at most 63.
	const valid = host.length <= 253 && host.split('.').every((label) => label.length <= 63);
	if (valid && RESERVED.test(host)) return host;
	return `${slug(host, '-', 63) || `company-${identity.slice(0, 8)}`}.example`;
}

/** `jane.doe`; a name without any Latin letter gets a stand-in. */
function localPart(first: string, last: string, identity: string): string {
	const parts = [slug(first, '', 30), slug(last, '', 30)].filter(Boolean);
	return parts.join('.') || `person-${identity.slice(0, 8)}`;
}

/** Latin letters that Unicode does not decompose into a base letter and a mark. */
const LATIN: Record<string, string> = {
	ß: 'ss',
	æ: 'ae',
	œ: 'oe',
	ø: 'o',
	đ: 'd',
	ð: 'd',
	ł: 'l',
	þ: 'th',
	ı: 'i',
};

export function slug(value: string, separator: string, max: number): string {
	return value
		.toLowerCase()
		.replace(/[ßæœøđðłþı]/g, (letter) => LATIN[letter] ?? '')
		.normalize('NFKD')
		.replace(/\p{M}/gu, '')
		.replace(/[^a-z0-9]+/g, separator)
		.slice(0, max)
		.replace(/^-+|-+$/g, '');
}

/** +1 NPA 555-0100…0199 (North America) or +44 7700 900000…900999 (Ofcom), both kept free for fiction. */
function fictionalNumber(draw: (question: string) => number): string {
	const digits = (question: string, count: number, width: number) =>
		String(Math.floor(draw(question) * count)).padStart(width, '0');
	if (draw('phone country') < 0.2) return `+447700900${digits('phone line', 1000, 3)}`;
	const npa = NPAS[Math.floor(draw('phone area') * NPAS.length)] as number;
	return `+1${npa}55501${digits('phone line', 100, 2)}`;
}
