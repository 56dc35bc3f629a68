import type { BreakerRule, Claim, Settlement } from '../store/port.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Waits before the retries, in ms; after the last one a delivery is dead. About three days in all. */
export const SCHEDULE_MS = [
	5 * SECOND,
	15 * SECOND,
	MINUTE,
	5 * MINUTE,
	15 * MINUTE,
	HOUR,
	3 * HOUR,
	6 * HOUR,
	12 * HOUR,
	24 * HOUR,
	24 * HOUR,
] as const;

/** Jitter only ever adds, up to this share: retries of many deliveries spread, and none comes early. */
export const JITTER = 0.2;
export const MAX_RETRY_AFTER_MS = 24 * HOUR;

/** When a subscription's breaker opens, and how long it waits before each probe. */
export const BREAKER: BreakerRule = {
	threshold: 5,
	waitsMs: [5 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE],
};

/** n8n answers 409 while an execution is still running: ring again soon, but not for ever. */
export const CONFLICT_EVERY_MS = 2 * SECOND;
export const CONFLICT_GRACE_MS = 2 * MINUTE;

/** What the receiver answered, as far as the policy cares. */
export interface Answer {
	/** HTTP status; null when no answer came. */
	status: number | null;
	/** The `Retry-After` header as it came. */
	retryAfter: string | null;
}

/**
 * What happens after an attempt. Pure: the same inputs give the same decision.
 *
 * @param now ms since the epoch
 * @param fraction in [0, 1), for the jitter
 */
export function decide(
	claim: Pick<Claim, 'scheduled' | 'conflictSince'>,
	answer: Answer,
	now: number,
	fraction: number,
): Settlement['next'] {
	const { status } = answer;
	if (status !== null && status >= 200 && status < 300) return { state: 'delivered' };
	if (status === 410) return { state: 'cancelled', endSubscription: true };

	const askedFor = Math.min(retryAfterMs(answer.retryAfter, now) ?? 0, MAX_RETRY_AFTER_MS);
	const conflictSince = status === 409 ? (claim.conflictSince ?? now) : null;
	if (conflictSince !== null && now - conflictSince < CONFLICT_GRACE_MS) {
		const at = now + Math.max(CONFLICT_EVERY_MS, askedFor);
		return { state: 'ready', at, scheduled: claim.scheduled, conflictSince };
	}

	const wait = SCHEDULE_MS[claim.scheduled];
	if (wait === undefined) return { state: 'dead' };
	const at = now + Math.max(Math.round(wait * (1 + JITTER * fraction)), askedFor);
	return { state: 'ready', at, scheduled: claim.scheduled + 1, conflictSince };
}

/** The three forms of an HTTP date, which all begin with a day's name, and the ISO form some servers send. */
const DATE = /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*,? .*\d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]+Z$)/;

/** `Retry-After` is seconds or an HTTP date; null when it is neither. */
function retryAfterMs(header: string | null, now: number): number | null {
	const text = header?.trim() ?? '';
	if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * SECOND);
	// Anything else `Date.parse` would make a date of too: "3600 s" is one in the year 3600.
	if (!DATE.test(text)) return null;
	// The oldest form names no zone; all three are in GMT.
	const date = Date.parse(/(?:GMT|Z)$/.test(text) ? text : `${text} GMT`);
	return Number.isNaN(date) ? null : Math.max(0, date - now);
}
