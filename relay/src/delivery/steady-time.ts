import type { Clock } from '../clock.ts';

/**
 * The time deliveries are scheduled by: the clock's, as long as that goes forward. Set back, by a day or by a leap
 * second, the clock would make all that waits wait that much longer, leases included; so this goes on from where it
 * was, and is the clock's again once that has caught up, or after a restart.
 *
 * @returns ms since the epoch
 */
export function steadyTime(clock: Clock): () => number {
	let reached = clock.now();
	let reachedAt = clock.monotonic();
	return () => {
		const elapsed = Math.floor(clock.monotonic() - reachedAt);
		const next = reached + elapsed;
		reachedAt += elapsed;
		reached = Math.max(clock.now(), next);
		return reached;
	};
}
