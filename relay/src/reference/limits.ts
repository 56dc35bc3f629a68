/** Requests that are taken in a minute. */
export interface RateLimits {
	perKeyPerMinute: number;
	perOrganizationPerMinute: number;
}

/** The vendor's limits (G16). */
export const VENDOR_LIMITS: RateLimits = { perKeyPerMinute: 30, perOrganizationPerMinute: 60 };

/** Limits as people write them, `30/60` or `off`; null when it is something else. */
export function parseLimits(text: string): RateLimits | 'off' | null {
	if (text === 'off') return 'off';
	const [, perKey, perOrganization] = /^([1-9]\d{0,5})\/([1-9]\d{0,5})$/.exec(text) ?? [];
	if (!perKey || !perOrganization) return null;
	return { perKeyPerMinute: Number(perKey), perOrganizationPerMinute: Number(perOrganization) };
}
