/**
 * Longer than Cleanlist's window of 60 s: a request that was long on its way is counted late, and would share a
 * window with those that were sent a minute after it.
 */
export const WINDOW_MS = 61_000;

/**
 * Hands out times to send at, so that no `WINDOW_MS` holds more than `perWindow` of them, wherever the server's own
 * windows begin. First come, first served.
 */
export class RateWindow {
	/** Times handed out that still matter, oldest first; some may lie ahead. */
	private times: number[] = [];

	/** The earliest time at which one more request may be sent; `nowMs` when that is at once. */
	next(nowMs: number, perWindow: number): number {
		const opens = this.times.at(-perWindow);
		return opens === undefined ? nowMs : Math.max(nowMs, opens + WINDOW_MS);
	}

	/** Takes that time. */
	take(nowMs: number, perWindow: number): number {
		const at = this.next(nowMs, perWindow);
		this.times = [...this.times.filter((time) => time > nowMs - WINDOW_MS), at];
		return at;
	}
}
