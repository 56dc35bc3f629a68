import { z } from 'zod';
import { Scope } from './common.ts';
import { tolerant } from './tolerant.ts';

/** Time as the key list writes it: `YYYY-MM-DD HH:MM:SS`, not ISO (B.8). */
export const PlainTimestamp = z.string().regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);

/** `GET /api-keys` (B.8). */
export const ApiKeyInfo = z.strictObject({
	key_id: z.string(),
	key_prefix: z.string(),
	key_last4: z.string(),
	name: z.string().nullish(),
	scopes: z.array(Scope),
	created_at: PlainTimestamp.nullish(),
	last_used_at: PlainTimestamp.nullish(),
	is_active: z.boolean(),
});
export const ApiKeysResponse = z.strictObject({ keys: z.array(ApiKeyInfo) });
export const ApiKeysRead = tolerant(ApiKeysResponse);
export type ApiKeysRead = z.infer<typeof ApiKeysRead>;

export const USAGE_GROUPS = ['tool', 'key', 'day', 'error'] as const;
export const USAGE_DAYS = { default: 7, max: 365 } as const;

/** `GET /usage` (B.9). */
export const UsageResponse = z.strictObject({
	days: z.int(),
	group_by: z.enum(USAGE_GROUPS),
	total_calls: z.int().min(0),
	/** Always 0.0 at the vendor today. */
	total_credits_spent: z.number().min(0),
	total_errors: z.int().min(0),
	rows: z.array(
		z.strictObject({
			group: z.string(),
			calls: z.int().min(0),
			credits_spent: z.number().min(0),
			errors: z.int().min(0),
		}),
	),
});
export const UsageRead = tolerant(UsageResponse);
export type UsageRead = z.infer<typeof UsageRead>;

/** Most active keys one user may have (A.3). */
export const ACTIVE_KEYS_MAX = 10;

/** Key management, `/api/v1/api-keys`: by a session token only, never by a `clapi_` key (contract "Documented but…"). */
export const CreateKeyRequest = z.strictObject({
	name: z.string().trim().min(1).max(100).nullish(),
	expires_at: z.iso.datetime({ offset: true }).nullish(),
});
/** The key itself is shown here and never again. */
export const CreateKeyResponse = z.strictObject({
	api_key: z.string(),
	created_at: z.iso.datetime(),
	expires_at: z.iso.datetime().nullable(),
});
/** `DELETE …/{key_id}`. */
export const RevokeKeyResponse = z.strictObject({ key_id: z.string(), revoked: z.literal(true) });
