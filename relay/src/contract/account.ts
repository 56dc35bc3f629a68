import { z } from 'zod';
import { Scope, envelope } from './common.ts';
import { tolerant } from './tolerant.ts';

/** `GET /auth/validate-key` (B.1): free, no scope. */
export const ValidateKeyResponse = z.strictObject({
	valid: z.boolean(),
	user_id: z.string(),
	organization_id: z.string(),
});
export const ValidateKeyRead = tolerant(ValidateKeyResponse);
export type ValidateKeyRead = z.infer<typeof ValidateKeyRead>;

export const TIERS = ['free', 'starter', 'pro', 'enterprise'] as const;

/** `GET /whoami` (B.6). Judge access by `features`, never by `tier`: AppSumo organizations may read `free`. */
export const WhoamiResponse = z.strictObject({
	...envelope,
	user_email: z.string().nullable(),
	user_id: z.string().nullish(),
	user_name: z.string().nullish(),
	organization_id: z.string(),
	organization_name: z.string().nullish(),
	auth_type: z.enum(['clerk_jwt', 'api_key', 'oauth']),
	scopes: z.array(Scope),
	tier: z.enum(TIERS),
	appsumo_tier: z.int().min(1).max(7).nullish(),
	features: z.array(z.string()),
});
export const WhoamiRead = tolerant(WhoamiResponse);
export type WhoamiRead = z.infer<typeof WhoamiRead>;

/** `GET /credits/balance` on v2 (B.5): whole credits. */
export const CreditsBalanceResponse = z.strictObject({
	...envelope,
	organization_id: z.string(),
	credits: z.int().min(0),
});
/** The same on the legacy prefix: no envelope, and `credits` may be fractional (G18). */
export const LegacyCreditsBalanceResponse = z.strictObject({
	organization_id: z.string(),
	credits: z.number().min(0),
});
export const CreditsBalanceRead = tolerant(CreditsBalanceResponse);
export type CreditsBalanceRead = z.infer<typeof CreditsBalanceRead>;
