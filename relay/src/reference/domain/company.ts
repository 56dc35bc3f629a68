import { createHash } from 'node:crypto';
import type { CompanyRecord } from '../../contract/enrichment-v2.ts';
import { normalizeUrl, text } from './contact.ts';
import { COMPANIES, LOCATIONS } from './fiction.ts';
import { companyNameFrom, reservedDomain, slug } from './generator.ts';

/** How a company may be named; blank is absent. */
export interface CompanyQuery {
	domain?: string | null;
	company_name?: string | null;
	company_ticker?: string | null;
}

/** Share of companies nobody knows anything about. */
const UNKNOWN_COMPANY = 0.08;

const INDUSTRIES: readonly (readonly string[])[] = [
	['Software', 'Internet'],
	['Financial Services', 'Banking'],
	['Hospital & Health Care'],
	['Logistics & Supply Chain', 'Transportation'],
	['Retail', 'Consumer Goods'],
	['Marketing & Advertising'],
	['Renewables & Environment', 'Utilities'],
	['Industrial Automation', 'Machinery'],
	['Education Management'],
	['Food & Beverages'],
];

/** Employees, how the range is written, and the revenue that goes with it. */
const SIZES: readonly (readonly [from: number, to: number, employees: string, revenue: string])[] = [
	[1, 10, '1-10', '$0-$1M'],
	[11, 50, '11-50', '$1M-$10M'],
	[51, 200, '51-200', '$10M-$50M'],
	[201, 500, '201-500', '$50M-$100M'],
	[501, 1_000, '501-1000', '$100M-$250M'],
	[1_001, 5_000, '1001-5000', '$250M-$1B'],
];

/** A stage and about how much was raised by then, in US dollars. */
const FUNDING: readonly (readonly [stage: string, usd: number])[] = [
	['Bootstrapped', 0],
	['Seed', 1_500_000],
	['Series A', 9_000_000],
	['Series B', 28_000_000],
	['Series C', 70_000_000],
];

const TECHNOLOGIES = [
	'AWS',
	'Cloudflare',
	'Google Analytics',
	'HubSpot',
	'Kubernetes',
	'PostgreSQL',
	'React',
	'Salesforce',
	'Segment',
	'Shopify',
	'Stripe',
	'Zendesk',
] as const;

/** What makes two queries ask for the same company: its domain, else its name, else its ticker. Null: nothing does. */
export function companyIdentity(query: CompanyQuery): string | null {
	const domain = hostOf(query.domain);
	const name = text(query.company_name)?.normalize('NFKC').replace(/\s+/g, ' ').toLowerCase();
	const ticker = text(query.company_ticker)?.toUpperCase();
	const parts = (domain && ['domain', domain]) || (name && ['name', name]) || (ticker && ['ticker', ticker]);
	return parts ? createHash('sha256').update(JSON.stringify(parts)).digest('hex') : null;
}

/**
 * Makes up what Cleanlist would say about a company: a pure function of the seed and of what names it. Only what
 * was asked for by name or domain comes back as it was sent; anything else is fiction on reserved domains.
 *
 * @returns null when nothing is known about it
 */
export function describeCompany(seed: string, query: CompanyQuery): CompanyRecord | null {
	const identity = companyIdentity(query);
	if (identity === null) return null;
	const digest = (question: string) =>
		createHash('sha256').update(`${seed}\0company\0${identity}\0${question}`).digest();
	const draw = (question: string): number => digest(question).readUIntBE(0, 6) / 2 ** 48;
	const pick = <T>(question: string, from: readonly T[]): T =>
		from[Math.floor(draw(question) * from.length)] as T;
	if (draw('known') < UNKNOWN_COMPANY) return null;

	const host = hostOf(query.domain);
	const name = text(query.company_name) ?? (host ? companyNameFrom(host) : pick('name', COMPANIES));
	const domain = host ?? reservedDomain(name, identity);
	const industries = pick('industries', INDUSTRIES);
	const [from, to, employees, revenue] = pick('size', SIZES);
	const [stage, raised] = pick('funding', FUNDING);
	return {
		company_id: uuidFrom(digest('id')),
		name,
		domain,
		industry: industries[0] as string,
		industries: [...industries],
		employee_count: from + Math.floor(draw('employees') * (to - from + 1)),
		employee_count_range: employees,
		revenue_range: revenue,
		hq_location: pick('location', LOCATIONS),
		funding_stage: stage,
		total_funding_usd: Math.round(raised * (0.5 + draw('raised')) * 1e-5) * 1e5,
		tech_stack: TECHNOLOGIES.filter((technology) => draw(`uses ${technology}`) < 0.3),
		linkedin_url: `https://linkedin.example/company/${slug(name, '-', 63) || identity.slice(0, 8)}`,
	};
}

/** `https://www.Acme.example/about` as `acme.example`; null when blank. */
const hostOf = (domain: string | null | undefined): string | null =>
	normalizeUrl(domain ?? '').split('/')[0] || null;

/** A UUID of version 8 (RFC 9562), whose bits are the maker's own choice. */
function uuidFrom(digest: Buffer): string {
	const hex = digest.toString('hex', 0, 16);
	return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}
