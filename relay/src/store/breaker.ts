import type { BreakerRule, Settlement, Subscription } from './port.ts';

export type Breaker = Pick<Subscription, 'failures' | 'failingSince' | 'probeAt'>;

/**
 * The breaker after an attempt, the same in every engine. Pure.
 *
 * A failure of an attempt that began before the probe was due is one of those that were under way when the breaker
 * opened: it says nothing new, and counting it would skip a slot.
 */
export function breakerAfter(
	before: Breaker,
	settlement: Pick<Settlement, 'health' | 'startedAt' | 'durationMs' | 'breaker'>,
): Breaker {
	const { health, startedAt, durationMs, breaker } = settlement;
	if (health === 'busy') return before;
	if (health === 'up') return { failures: 0, failingSince: null, probeAt: null };
	if (before.probeAt !== null && startedAt < before.probeAt) return before;
	const failures = before.failures + 1;
	const endedAt = Math.round(startedAt + durationMs);
	const failingSince = before.failingSince ?? endedAt;
	return { failures, failingSince, probeAt: probeAt(failures, breaker, endedAt) };
}

/** When the next probe may go out; null while there are too few failures for the breaker to open. */
function probeAt(failures: number, { threshold, waitsMs }: BreakerRule, now: number): number | null {
	const slot = failures - threshold;
	if (slot < 0) return null;
	return now + (waitsMs[slot] ?? waitsMs.at(-1) ?? 0);
}
