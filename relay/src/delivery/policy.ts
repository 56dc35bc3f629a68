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

/**
 * When a subscription's breaker opens and how it is probed (see BreakerRule). n8n restarts in 10 to 60 s, so the first
 * slots are short. The last is short enough that an n8n that is back is found within five minutes, the 15 s of a
 * probe that was under way when it came back included.
 */
export const BREAKER: BreakerRule = {
	threshold: 5,
	waitsMs: [5 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 4 * MINUTE],
};

/** What an answer says of its receiver, for the breaker: a 409 comes from one that is up and has its hands full. */
export function healthOf({ status }: Pick<Answer, 'status'>): Settlement['health'] {
	if (status !== null && status >= 200 && status < 300) return 'up';
	return status === 409 ? 'busy' : 'down';
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
