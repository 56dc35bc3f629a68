/**
 * A rate limit a minute with one number of state, shared by every process through the store: the earliest time of
 * the next start (GCRA). Never more than `perMinute` starts in any minute. Up to a second's worth may start at
 * once, so that neither batches nor timers that fire late cost throughput.
 */
export interface Pace {
	/** How many may start at `now`. */
	free: number;
	/** When the next one may start. Ahead of `now` exactly when `free` is 0. */
	nextStartAt: number;
	/** The state after `starts` of them started. */
	after(starts: number): number;
}

const MINUTE_MS = 60_000;

/**
 * @param nextStartAt the state, ms since the epoch; 0 at first
 * @param now ms since the epoch
 */
export function pace(perMinute: number, nextStartAt: number, now: number): Pace {
	const burst = 1 + Math.floor(perMinute / 60);
	const intervalMs = MINUTE_MS / (perMinute - burst + 1);
	// No interval is longer than a minute: further ahead only after the clock was set back.
	const known = nextStartAt - now > MINUTE_MS ? now : nextStartAt;
	const from = Math.max(known, now - (burst - 1) * intervalMs);
	return {
		free: from > now ? 0 : Math.floor((now - from) / intervalMs) + 1,
		nextStartAt: from,
		after: (starts) => from + starts * intervalMs,
	};
}
