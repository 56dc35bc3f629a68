import type { Clock } from '../../relay/src/clock.ts';

export interface TestClock extends Clock {
	/**
	 * Moves time forward by `ms`, firing every timer that comes due in order of its time, and letting the event
	 * loop turn after each one, so that what a timer starts (I/O included) can schedule its own successors.
	 */
	advance(ms: number): Promise<void>;
	/** Sets the clock, as an operator or NTP does: nothing that runs on the monotonic clock notices, timers included. */
	set(epochMs: number): void;
	/** Timers waiting to fire. */
	readonly pending: number;
}

const aTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * A clock that stands still until told to move. Starts at 2026-01-05T09:00:00Z unless told otherwise.
 *
 * @param settle waits until what a timer started has come to rest; a turn of the event loop, unless told otherwise
 */
export function createTestClock(startMs = Date.UTC(2026, 0, 5, 9), settle = aTurn): TestClock {
	/** On the monotonic clock, as are the timers. */
	let now = 0;
	let epoch = startMs;
	let nextId = 0;
	const timers = new Map<number, { at: number; fn: () => void }>();

	const earliestDue = (limit: number) => {
		let found: [number, { at: number; fn: () => void }] | undefined;
		for (const entry of timers)
			if (entry[1].at <= limit && (!found || entry[1].at < found[1].at)) found = entry;
		return found;
	};

	return {
		now: () => epoch + now,
		monotonic: () => now,
		schedule(ms, fn) {
			const id = nextId++;
			// In whole milliseconds, as Date.now() tells them.
			timers.set(id, { at: now + Math.max(0, Math.ceil(ms)), fn });
			return () => timers.delete(id);
		},
		async advance(ms) {
			const end = now + ms;
			for (let due = earliestDue(end); due; due = earliestDue(end)) {
				timers.delete(due[0]);
				now = Math.max(now, due[1].at);
				due[1].fn();
				await settle();
			}
			now = end;
			await aTurn();
		},
		set(epochMs) {
			epoch = epochMs - now;
		},
		get pending() {
			return timers.size;
		},
	};
}
