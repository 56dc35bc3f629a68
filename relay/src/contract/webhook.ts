import { z } from 'zod';
import { IsoInstant } from './common.ts';
import { EnrichmentType, ResultItem } from './enrichment.ts';
import { tolerant } from './tolerant.ts';

/** How the vendor delivers (contract C, G8): seconds to wait before the 2nd to 5th attempt, and per attempt. */
export const VENDOR_BACKOFF_S = [1, 2, 4, 8] as const;
export const VENDOR_TIMEOUT_S = 10;
export const RESULTS_LIMIT = 250;

export const WEBHOOK_EVENT = 'enrichment.completed';

/** The one webhook Cleanlist sends for a finished `enrich/bulk` workflow: unsigned, flat items (contract C). */
export const WebhookPayload = z.strictObject({
	event: z.literal(WEBHOOK_EVENT),
	workflow_id: z.string(),
	lead_list_id: z.string(),
	enrichment_type: EnrichmentType,
	status: z.string(),
	summary: z.strictObject({
		total: z.int().min(0),
		successful: z.int().min(0),
		failed: z.int().min(0),
		emails_found: z.int().min(0),
		phones_found: z.int().min(0),
	}),
	results: z.array(ResultItem),
	results_limit: z.int().min(0),
	/** How many results were left out; a count, not a flag. */
	results_truncated: z.int().min(0),
	results_endpoint: z.string(),
	completed_at: IsoInstant,
});
export type WebhookPayload = z.infer<typeof WebhookPayload>;

/** The other item shape seen in use: the answer nested under `result` (contract C, G7). */
const nestedItem = {
	prospect_id: z.string().nullish(),
	lead_id: z.string().nullish(),
	result: z
		.looseObject({
			email: z.string().nullish(),
			email_status: z.string().nullish(),
			other_emails: z.array(z.unknown()).nullish(),
			phones: z.array(z.unknown()).nullish(),
			linkedin_url: z.string().nullish(),
			provider: z.string().nullish(),
		})
		.nullish(),
	input: z.looseObject({}).nullish(),
	error: z.unknown().optional(),
};

/** Phone entries are strings or objects: the element type is undocumented. */
const WebhookItemRead = tolerant(ResultItem.extend({ personal_phone_numbers: z.array(z.unknown()) })).and(
	z.looseObject(nestedItem),
);
export type WebhookItemRead = z.infer<typeof WebhookItemRead>;

/**
 * Reads a webhook as it may really arrive. Only `workflow_id` is needed, because it is what the vendor tells
 * receivers to recognise duplicates by; everything else may be missing, null, or of a later version.
 */
export const WebhookPayloadRead = tolerant(WebhookPayload.omit({ workflow_id: true, results: true })).and(
	z.looseObject({
		workflow_id: z.string().min(1),
		results: z.array(WebhookItemRead).nullish(),
	}),
);
export type WebhookPayloadRead = z.infer<typeof WebhookPayloadRead>;

/** One attempt in `GET /webhooks/deliveries` (G6). */
export const WebhookDelivery = z.strictObject({
	delivery_id: z.string(),
	workflow_id: z.string(),
	webhook_url: z.string(),
	attempt_number: z.int().min(1),
	status: z.enum(['pending', 'succeeded', 'failed']),
	response_code: z.int().nullable(),
	error_message: z.string().nullable(),
	attempted_at: IsoInstant.nullable(),
	next_retry_at: IsoInstant.nullable(),
});
export type WebhookDelivery = z.infer<typeof WebhookDelivery>;
export const WebhookDeliveriesResponse = z.strictObject({
	deliveries: z.array(WebhookDelivery),
	total: z.int().min(0),
});
export const WebhookDeliveriesRead = tolerant(WebhookDeliveriesResponse);
export type WebhookDeliveriesRead = z.infer<typeof WebhookDeliveriesRead>;
