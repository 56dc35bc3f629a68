/** Time, injected everywhere, so that tests can hold it still and move it. */
export interface Clock {
	/** Milliseconds since the Unix epoch. */
	now(): number;
	/** Milliseconds on a clock that never jumps; only differences mean something. */
	monotonic(): number;
	/** Calls `fn` once, `ms` from now; returns the cancellation. Never keeps the process alive on its own. */
	schedule(ms: number, fn: () => void): () => void;
}

/** A timer of Node's that is to wait longer fires after 1 ms instead. */
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
	now: () => Date.now(),
	monotonic: () => performance.now(),
	schedule(ms, fn) {
		let timer: NodeJS.Timeout;
		const wait = (left: number): void => {
			timer = left > LONGEST_MS ? setTimeout(wait, LONGEST_MS, left - LONGEST_MS) : setTimeout(fn, left);
			timer.unref();
		};
		wait(ms);
		return () => clearTimeout(timer);
	},
};

/** `ms` since the epoch as an ISO instant, e.g. `2026-08-27T09:14:03.120Z`. */
export const iso = (ms: number): string => new Date(ms).toISOString();
