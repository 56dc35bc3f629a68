import { z } from 'zod';
import { envelope, upTo } from './common.ts';
import { tolerant } from './tolerant.ts';

/** Bounds of adding and removing leads (B.16, B.17). */
export const ADD_LEADS_MAX = 1_000;
export const ADD_ENTITIES_MAX = 2_000;
export const REMOVE_LEADS_MAX = 100;
export const IDEMPOTENCY_KEY_MAX = 128;

const IdempotencyKey = upTo(IDEMPOTENCY_KEY_MAX, z.string()).nullish();

/** Mode A: leads that exist in the workspace, by id. */
export const AddByLeadIds = z.strictObject({
	lead_ids: z.array(z.string()).min(1).max(ADD_LEADS_MAX),
	idempotency_key: IdempotencyKey,
});
/** Mode B: a cohort (the `task_id` of a page of leads), or a subset of it. */
export const AddByCohort = z.strictObject({
	task_id: z.string(),
	entity_ids: z.array(z.string()).max(ADD_ENTITIES_MAX).nullish(),
	idempotency_key: IdempotencyKey,
});
/** Exactly one of the two modes; both or neither is a 422 (B.16). */
export const AddLeadsRequest = z.union([AddByLeadIds, AddByCohort]);
export type AddLeadsRequest = z.input<typeof AddLeadsRequest>;

export const AddLeadsResponse = z.strictObject({
	list_id: z.string(),
	added: z.int().min(0),
	skipped_duplicates: z.int().min(0),
	/** Mode B only. */
	created: z.int().min(0).nullish(),
	credits_charged: z.number().min(0).default(0),
});
export const AddLeadsRead = tolerant(AddLeadsResponse);
export type AddLeadsRead = z.infer<typeof AddLeadsRead>;

/** `DELETE …/leads` carries a JSON body (B.17). Unknown ids are ignored. */
export const RemoveLeadsRequest = z.strictObject({
	lead_ids: z.array(z.string()).min(1).max(REMOVE_LEADS_MAX),
});
export const RemoveLeadsResponse = z.strictObject({ list_id: z.string(), removed: z.int().min(0) });
export const RemoveLeadsRead = tolerant(RemoveLeadsResponse);
export type RemoveLeadsRead = z.infer<typeof RemoveLeadsRead>;

/** CSV import (B.18): raw size in bytes, and rows. */
export const CSV_MAX_BYTES = 150 * 1024;
export const CSV_MAX_ROWS = 600;
/** How long an idempotency key is remembered, organization-wide. */
export const CSV_REPLAY_HOURS = 24;

export const CSV_FIELDS = [
	'first_name',
	'last_name',
	'full_name',
	'email',
	'phone',
	'mobile_phone',
	'work_phone',
	'linkedin_url',
	'company_name',
	'company_domain',
	'job_title',
	'city',
	'state',
	'country',
] as const;
export type CsvField = (typeof CSV_FIELDS)[number];

export const CSV_SKIP_REASONS = [
	'missing_required',
	'duplicate_email',
	'duplicate_linkedin',
	'row_cap_exceeded',
] as const;

export const CsvImportRequest = z.strictObject({
	csv_content_base64: z.base64(),
	/** Canonical field → CSV header, at least one. */
	column_mapping: z
		.partialRecord(z.enum(CSV_FIELDS), z.string())
		.refine((mapping) => Object.keys(mapping).length > 0, { message: 'At least one column must be mapped' })
		.meta({ minProperties: 1 }),
	/** True spends credits. */
	dispatch_enrichment: z.boolean().default(true),
	enrichment_type: z.enum(['partial', 'phone_only', 'full']).nullish(),
	quote_id: z.string().nullish(),
	/** Of any length here (B.18 names no bound). */
	idempotency_key: z.string().nullish(),
});
export type CsvImportRequest = z.input<typeof CsvImportRequest>;

export const CsvImportResponse = z.strictObject({
	...envelope,
	list_id: z.string(),
	rows_parsed: z.int().min(0),
	rows_imported: z.int().min(0),
	rows_skipped: z.int().min(0),
	skip_reasons: z.partialRecord(z.enum(CSV_SKIP_REASONS), z.int().min(0)),
	/** 1-based, the header is row 1; at most ten. */
	sample_skip_rows: z.array(z.int().min(2)).max(10),
	workflow_id: z.string().nullish(),
	/** Relative path. */
	enrichment_status_url: z.string().nullish(),
	idempotency_replayed: z.boolean().default(false),
});
export const CsvImportRead = tolerant(CsvImportResponse);
export type CsvImportRead = z.infer<typeof CsvImportRead>;
