/**
 * A rate limit a minute with one number of state, shared by every process through the store: the earliest time of
 * the next start (GCRA). Never more than `perMinute` starts in any minute. Up to a second's worth may start at
 * once, so that neither batches nor timers that fire late cost throughput.
 */
export interface Pace {
	/** How many may start at `now`. */
	free: number;
	/** When the next one may start, in whole ms; ahead of `now` exactly when `free` is 0. */
	nextStartAt: number;
	/** The state after `starts` of them started. */
	after(starts: number): number;
}

const MINUTE_US = 60_000_000;

/**
 * Counts in whole microseconds: with fractions of a millisecond as they come, rounding would let one start too many.
 *
 * @param state what `after` gave, ms since the epoch; 0 at first
 * @param now ms since the epoch
 */
export function pace(perMinute: number, state: number, now: number): Pace {
	const nowUs = now * 1_000;
	const stateUs = Math.round(state * 1_000);
	const burst = 1 + Math.floor(perMinute / 60);
	const intervalUs = Math.ceil(MINUTE_US / (perMinute - burst + 1));
	// No interval is longer than a minute: further ahead only after the clock was set back.
	const known = stateUs - nowUs > MINUTE_US ? nowUs : stateUs;
	const fromUs = Math.max(known, nowUs - (burst - 1) * intervalUs);
	return {
		free: fromUs > nowUs ? 0 : Math.floor((nowUs - fromUs) / intervalUs) + 1,
		nextStartAt: Math.ceil(fromUs / 1_000),
		after: (starts) => (fromUs + starts * intervalUs) / 1_000,
	};
}
