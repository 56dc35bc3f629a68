import type { Clock } from '../clock.ts';
import { rateLimited } from './errors.ts';
import type { RateLimits } from './limits.ts';

const WINDOW_MS = 60_000;

/**
 * Fixed windows of 60 s, aligned to the minute of the clock. A refused request counts against neither limit.
 * Kept in memory: a restart forgives, which costs nobody anything.
 */
export function createRateLimiter(limits: RateLimits | 'off', clock: Clock) {
	if (limits === 'off') return { take: () => {}, save: () => null, load: () => {} };

	let window = -1;
	const counts = new Map<string, number>();
	const limitOf = { key: limits.perKeyPerMinute, organization: limits.perOrganizationPerMinute };

	return {
		/** Counts one request. @throws ApiError 429 when either limit is used up in this window */
		take(caller: { keyId: string; organizationId: string }): void {
			const now = clock.now();
			const current = Math.floor(now / WINDOW_MS);
			if (current !== window) {
				window = current;
				counts.clear();
			}
			const subjects = [
				{ per: 'key', id: caller.keyId },
				{ per: 'organization', id: caller.organizationId },
			] as const;
			for (const { per, id } of subjects) {
				if ((counts.get(id) ?? 0) >= limitOf[per]) {
					throw rateLimited(limitOf[per], per, (window + 1) * WINDOW_MS - now);
				}
			}
			for (const { id } of subjects) counts.set(id, (counts.get(id) ?? 0) + 1);
		},

		/** What was counted in the window that it was counted in. */
		save: (): RateLimitState => ({ window, counts: [...counts] }),

		/** Null: nothing was counted. */
		load(state: RateLimitState | null): void {
			window = state?.window ?? -1;
			counts.clear();
			for (const [id, count] of state?.counts ?? []) counts.set(id, count);
		},
	};
}

export interface RateLimitState {
	window: number;
	counts: [string, number][];
}

export type RateLimiter = ReturnType<typeof createRateLimiter>;
