import { z } from 'zod';
import { envelope } from './common.ts';
import { tolerant } from './tolerant.ts';

/** v2's enrichment types: phone spelt with an underscore everywhere but in `scope` (G12). */
export const V2EnrichmentType = z.enum(['partial', 'phone_only', 'full']);
export type V2EnrichmentType = z.infer<typeof V2EnrichmentType>;
export const EnrichmentScope = z.enum(['partial', 'full', 'phone-only']);
export type EnrichmentScope = z.infer<typeof EnrichmentScope>;

/** The vendor's rule for who can be looked up (B.19); an e-mail alone is enough here, unlike in `enrich/bulk`. */
export const PERSON_RULE =
	'Provide email, linkedin_url or person_id, or first_name + last_name + (company_name or domain).';

/** `POST /enrichment/person` (B.19), asynchronous. */
export const EnrichPersonRequest = z.strictObject({
	lead_list_id: z.string(),
	email: z.string().nullish(),
	linkedin_url: z.string().nullish(),
	phone: z.string().nullish(),
	first_name: z.string().nullish(),
	last_name: z.string().nullish(),
	company_name: z.string().nullish(),
	domain: z.string().nullish(),
	person_id: z.string().nullish(),
	enrichment_type: V2EnrichmentType.nullish(),
	/** Legacy: ignored when `enrichment_type` is set; else true means phone_only, false partial. */
	include_phone: z.boolean().default(false),
	quote_id: z.string().nullish(),
});
export type EnrichPersonRequest = z.input<typeof EnrichPersonRequest>;
export const EnrichPersonResponse = z.strictObject({
	...envelope,
	workflow_id: z.string(),
	status: z.literal('pending'),
	credits_reserved: z.int().min(0),
	lead_list_id: z.string(),
	/** Absolute; clients build the URL from `workflow_id` instead (G20). */
	poll_url: z.url(),
});
export const EnrichPersonRead = tolerant(EnrichPersonResponse);
export type EnrichPersonRead = z.infer<typeof EnrichPersonRead>;

/** An open object: the vendor may add keys (B.20). */
export const CompanyRecord = z.looseObject({
	company_id: z.string().nullish(),
	name: z.string().nullish(),
	domain: z.string().nullish(),
	industry: z.string().nullish(),
	industries: z.array(z.string()).nullish(),
	employee_count: z.int().min(0).nullish(),
	employee_count_range: z.string().nullish(),
	revenue_range: z.string().nullish(),
	hq_location: z.string().nullish(),
	funding_stage: z.string().nullish(),
	total_funding_usd: z.int().min(0).nullish(),
	tech_stack: z.array(z.string()).nullish(),
	linkedin_url: z.string().nullish(),
});
export type CompanyRecord = z.infer<typeof CompanyRecord>;

/** `POST /enrichment/company` (B.20), synchronous, one credit. */
export const EnrichCompanyRequest = z.strictObject({
	domain: z.string().nullish(),
	company_name: z.string().nullish(),
	company_ticker: z.string().nullish(),
	company_id: z.string().nullish(),
	quote_id: z.string().nullish(),
});
export type EnrichCompanyRequest = z.input<typeof EnrichCompanyRequest>;
export const EnrichCompanyResponse = z.strictObject({
	...envelope,
	company: CompanyRecord,
	credits_charged: z.int().min(0),
});
export const EnrichCompanyRead = tolerant(EnrichCompanyResponse);
export type EnrichCompanyRead = z.infer<typeof EnrichCompanyRead>;

export const PERSON_DATA_POINTS = ['Email', 'Phone', 'LinkedIn'] as const;
export const COMPANY_DATA_POINTS = [
	'Industry',
	'Employees',
	'Revenue',
	'Funding',
	'TechStack',
	'Domain',
] as const;

/** `POST /enrichment/by-task` (B.21): enrich a cohort. */
export const EnrichByTaskRequest = z.strictObject({
	task_id: z.string(),
	data_points: z.array(z.string()).min(1),
	entity_ids: z.array(z.string()).nullish(),
	lead_list_id: z.string().nullish(),
	/** Nullable in the spec; without it the answer is `quote_required`. */
	quote_id: z.string().nullish(),
});
export const EnrichByTaskResponse = z.strictObject({
	...envelope,
	entity_kind: z.enum(['person', 'company']),
	workflow_id: z.string().nullish(),
	status: z.enum(['pending', 'completed']),
	total_entities: z.int().min(0),
	credits_reserved: z.int().min(0),
	results: z.array(
		z.strictObject({
			entity_id: z.string(),
			status: z.enum(['queued', 'enriched', 'skipped', 'failed']),
			error: z.string().nullish(),
			company: CompanyRecord.nullish(),
		}),
	),
});
export const EnrichByTaskRead = tolerant(EnrichByTaskResponse);
export type EnrichByTaskRead = z.infer<typeof EnrichByTaskRead>;

/** `POST /enrichment/bulk` (B.22): a whole list, not contacts. */
export const EnrichListRequest = z.strictObject({
	list_id: z.string(),
	scope: EnrichmentScope.default('partial'),
	quote_id: z.string(),
});
export type EnrichListRequest = z.input<typeof EnrichListRequest>;
export const EnrichListResponse = z.strictObject({
	...envelope,
	workflow_id: z.string(),
	status: z.literal('pending'),
	total_leads: z.int().min(0),
	estimated_cost: z.int().min(0),
	credits_reserved: z.int().min(0),
	poll_url: z.url(),
});
export const EnrichListRead = tolerant(EnrichListResponse);
export type EnrichListRead = z.infer<typeof EnrichListRead>;

export const V2_TERMINAL = ['completed', 'failed', 'cancelled'] as const;

/** One person's answer inside the status (B.23). `lead_id` is empty when nothing usable was found. */
export const SingleEnrichmentResult = z.strictObject({
	lead_id: z.string(),
	status: z.enum(['completed', 'failed']),
	full_name: z.string().nullish(),
	first_name: z.string().nullish(),
	last_name: z.string().nullish(),
	email: z.string().nullish(),
	email_status: z.string().nullish(),
	phone: z.string().nullish(),
	linkedin_url: z.string().nullish(),
	title: z.string().nullish(),
	company: z.string().nullish(),
	enrichment_type: z.string().nullish(),
	provider: z.string().nullish(),
});
/** `GET /enrichment/status/{workflow_id}` (B.23). */
export const EnrichmentStatusResponse = z.strictObject({
	...envelope,
	workflow_id: z.string(),
	status: z.enum(['pending', 'running', 'completed', 'failed', 'cancelled']),
	/** Percent. */
	progress: z.int().min(0).max(100).nullish(),
	total: z.int().min(0).nullish(),
	processed: z.int().min(0).nullish(),
	completed: z.int().min(0).nullish(),
	failed: z.int().min(0).nullish(),
	enrichment_type: z.string().nullish(),
	lead_list_id: z.string().nullish(),
	summary: z.record(z.string(), z.unknown()).nullish(),
	refund_status: z.enum(['not_applicable', 'pending_review']).nullish(),
	refund_message: z.string().nullish(),
	/** Single-person runs in a terminal state only. */
	result: SingleEnrichmentResult.nullish(),
	credits_charged: z.int().min(0).nullish(),
	credits_refunded: z.int().min(0).nullish(),
});
export const EnrichmentStatusRead = tolerant(EnrichmentStatusResponse);
export type EnrichmentStatusRead = z.infer<typeof EnrichmentStatusRead>;
