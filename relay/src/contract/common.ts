import { z } from 'zod';

/** Every scope a `clapi_` key can carry (contract A.4). */
export const SCOPES = [
	'people:read',
	'companies:read',
	'lists:read',
	'lists:write',
	'enrich:read',
	'enrich:write',
	'credits:read',
	'export:read',
	'sync:write',
	'smart_agents:read',
	'smart_agents:write',
	'admin:api_keys',
] as const;
export const Scope = z.enum(SCOPES);
export type Scope = z.infer<typeof Scope>;

/** The two bases the API is served under (contract A.1). */
export const V2_PREFIX = '/api/v2';
export const LEGACY_PREFIX = '/api/v1/public';

/** Key management: unversioned, and by session token only (contract A.1). */
export const KEYS_PREFIX = '/api/v1/api-keys';

/** The additive v2 envelope, beside the payload fields (contract A.7). */
export const envelope = {
	task_id: z.string().nullish(),
	timestamp_ms: z.int().nullish(),
	agent_instructions: z.string().nullish(),
	usage: z.string().nullish(),
	message: z.string().nullish(),
};

/** Text of at most so many characters, which are code points, as the vendor's Python counts: an emoji is one. */
export const upTo = <S extends z.ZodType<string>>(max: number, text: S): S =>
	text
		.refine((value) => value.length <= max || [...value].length <= max, {
			message: `String should have at most ${max} characters`,
			params: { type: 'string_too_long' },
		})
		.meta({ maxLength: max });

/** UTC instant as the vendor writes it, e.g. `2026-08-27T09:14:03.120Z`. */
export const IsoInstant = z.iso.datetime();
