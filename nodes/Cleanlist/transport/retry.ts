import type { Outcome } from './outcome';

/** Waits between the attempts when the server names none. Together 15 s, then the error is the user's to see. */
export const BACKOFF_MS = [1_000, 2_000, 4_000, 8_000] as const;

/** Cleanlist's rate window is 60 s: a longer wish than this is no rate limit but an outage. */
export const LONGEST_WAIT_MS = 65_000;

/**
 * How long to wait before sending a request again, or null when it must not or need not be sent again.
 *
 * A GET may always be repeated, and what is harmless twice after a 5xx. Anything else only after 429, the one answer that
 * says that the request was not processed: after a 5xx or a broken connection a second `enrich/bulk` may be a second charge.
 */
export function retryDelay(
	{ method, harmlessTwice = false }: { method: string; harmlessTwice?: boolean },
	outcome: Outcome,
	attempt: number,
	longestWaitMs = LONGEST_WAIT_MS,
): number | null {
	const backoff = BACKOFF_MS[attempt];
	if (backoff === undefined) return null;
	if (outcome.kind === 'late') return null;
	const isRead = method === 'GET';
	if (outcome.kind === 'unreachable') return isRead && outcome.mayPass ? within(backoff) : null;
	const { status, retryAfterMs } = outcome.response;
	const repeatable = status === 429 || ((isRead || harmlessTwice) && status >= 500 && status !== 501);
	return repeatable ? within(Math.max(retryAfterMs ?? 0, backoff)) : null;

	function within(ms: number): number | null {
		return ms <= longestWaitMs ? ms : null;
	}
}
