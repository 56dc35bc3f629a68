import { z } from 'zod';
import { IsoInstant } from './common.ts';
import { tolerant } from './tolerant.ts';

/** Most contacts one `enrich/bulk` request may hold (B.2). */
export const BULK_MAX_CONTACTS = 250;

/** `prospecting_only` exists at the vendor but stays in the portal; the reference refuses it by name (G11). */
export const ENRICHMENT_TYPES = ['none', 'partial', 'phone_only', 'full', 'prospecting_only'] as const;
export const EnrichmentType = z.enum(ENRICHMENT_TYPES);
export type EnrichmentType = z.infer<typeof EnrichmentType>;

/** Credits for one contact: per e-mail found, per phone found (contract D). */
export const CREDITS = { email: 1, phone: 10 } as const;

export const EMAIL_STATUSES = ['verified', 'likely_valid', 'risky', 'invalid', 'unknown'] as const;
export const EmailStatus = z.enum(EMAIL_STATUSES);
export type EmailStatus = z.infer<typeof EmailStatus>;

/** The vendor's own words for a contact that names nobody (B.0). */
export const CONTACT_RULE =
	'Each contact must include linkedin_url OR first_name + last_name + (company_domain or company_name).';

export const Contact = z.object({
	linkedin_url: z.string().nullish(),
	first_name: z.string().nullish(),
	last_name: z.string().nullish(),
	company_domain: z.string().nullish(),
	company_name: z.string().nullish(),
	/** Accepted, never enough on its own (B.2). */
	email: z.string().nullish(),
});
export type Contact = z.infer<typeof Contact>;

export const BulkEnrichRequest = z.object({
	enrichment_type: EnrichmentType.default('partial'),
	webhook_url: z.url({ protocol: /^https?$/ }).optional(),
	/** Their number is checked apart from this, for it is a 400. */
	contacts: z.array(Contact).meta({ minItems: 1, maxItems: BULK_MAX_CONTACTS }),
});
export type BulkEnrichRequest = z.input<typeof BulkEnrichRequest>;

export const BulkEnrichResponse = z.strictObject({
	workflow_id: z.string(),
	status: z.string(),
	message: z.string(),
	task_ids: z.array(z.string()),
	total_contacts: z.int().min(0),
});
export type BulkEnrichResponse = z.infer<typeof BulkEnrichResponse>;
export const BulkEnrichRead = tolerant(BulkEnrichResponse);
export type BulkEnrichRead = z.infer<typeof BulkEnrichRead>;

/** One contact's result: the webhook item of contract C, flat (G7). */
export const ResultItem = z.strictObject({
	task_id: z.string(),
	status: z.string(),
	primary_email: z.string().nullable(),
	primary_email_status: EmailStatus.nullable(),
	personal_phone_numbers: z.array(z.string()),
	prospect: z.strictObject({
		first_name: z.string().nullable(),
		last_name: z.string().nullable(),
		full_name: z.string().nullable(),
	}),
	company: z.strictObject({ name: z.string().nullable(), domain: z.string().nullable() }),
});
export type ResultItem = z.infer<typeof ResultItem>;

/** `enrich/status` by task adds these to the webhook's item (G5). */
export const TaskResult = ResultItem.extend({
	linkedin_url: z.string().nullable(),
	title: z.string().nullable(),
	other_emails: z.array(z.string()),
});
export type TaskResult = z.infer<typeof TaskResult>;

export const LegacyWorkflowStatus = z.enum(['processing', 'completed', 'failed']);

/** `enrich/status?workflow_id=`: counts only (G4). */
export const WorkflowStatusResponse = z.strictObject({
	workflow_id: z.string(),
	status: LegacyWorkflowStatus,
	enrichment_type: EnrichmentType,
	lead_list_id: z.string(),
	summary: z.strictObject({
		total: z.int().min(0),
		completed: z.int().min(0),
		successful: z.int().min(0),
		failed: z.int().min(0),
		pending: z.int().min(0),
		emails_found: z.int().min(0),
		phones_found: z.int().min(0),
	}),
	created_at: IsoInstant,
	completed_at: IsoInstant.nullable(),
});
export type WorkflowStatusResponse = z.infer<typeof WorkflowStatusResponse>;
export const WorkflowStatusRead = tolerant(WorkflowStatusResponse);
export type WorkflowStatusRead = z.infer<typeof WorkflowStatusRead>;

/** `enrich/status?task_id=`: the whole result of one contact, null until it is final (G5). */
export const TaskStatusResponse = z.strictObject({
	task_id: z.string(),
	workflow_id: z.string(),
	status: z.string(),
	result: TaskResult.nullable(),
});
export type TaskStatusResponse = z.infer<typeof TaskStatusResponse>;
export const TaskStatusRead = tolerant(TaskStatusResponse);
export type TaskStatusRead = z.infer<typeof TaskStatusRead>;
