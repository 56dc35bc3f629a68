import { z } from 'zod';
import { tolerant } from './tolerant.ts';

/** One entry of FastAPI's validation error, used by legacy endpoints and by v2's 422 (contract B.0, G3). */
export const ValidationIssue = z.strictObject({
	type: z.string(),
	loc: z.array(z.union([z.string(), z.int()])),
	msg: z.string(),
	input: z.unknown().optional(),
});
export type ValidationIssue = z.infer<typeof ValidationIssue>;

/** The legacy error body: `{detail: text | issues}`. */
export const DetailError = z.strictObject({ detail: z.union([z.string(), z.array(ValidationIssue)]) });
export type DetailError = z.infer<typeof DetailError>;

/** The v2 error body (contract B.0). */
export const V2Error = z.strictObject({
	error: z.strictObject({
		code: z.string(),
		problem: z.string(),
		cause: z.string().nullish(),
		fix: z.string().nullish(),
		retryable: z.boolean(),
		retry_after_ms: z.int().nullish(),
		docs_url: z.url(),
		request_id: z.string(),
		estimated_cost_credits: z.number().optional(),
		available_credits: z.number().optional(),
		shortfall_credits: z.number().optional(),
		suggested_actions: z.array(z.string()).optional(),
		details: z.record(z.string(), z.unknown()).optional(),
	}),
});
export type V2Error = z.infer<typeof V2Error>;

export const DetailErrorRead = tolerant(DetailError);
export type DetailErrorRead = z.infer<typeof DetailErrorRead>;
export const V2ErrorRead = tolerant(V2Error);
export type V2ErrorRead = z.infer<typeof V2ErrorRead>;
