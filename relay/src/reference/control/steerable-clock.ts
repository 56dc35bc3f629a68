import type { Clock } from '../../clock.ts';

/** Where a clock stands: at one instant, or a distance away from the clock below it. */
export type ClockState = { frozenAt: number } | { offsetMs: number };

interface Timer {
	/** On this clock. */
	at: number;
	fn: () => void;
	disarm: () => void;
}

/**
 * A clock that can be stopped and moved, over one that can't. While it runs it passes time and timers through. While
 * it stands still, what is due at that instant or before is done and nothing later; `advance` goes to a later one and
 * does what comes due on the way, in order of time. Durations (`monotonic`) stay real.
 */
export function createSteerableClock(base: Clock) {
	let state: ClockState = { offsetMs: 0 };
	/** In order of their making, so that of two for the same instant the older one is first. */
	const timers = new Set<Timer>();
	let advancing = false;
	let stopped = false;

	const now = (): number => ('frozenAt' in state ? state.frozenAt : base.now() + state.offsetMs);

	const fire = (timer: Timer): void => {
		timers.delete(timer);
		timer.fn();
	};

	/** Sees to it that the timer fires in its time, or waits for `advance`. */
	const arm = (timer: Timer): void => {
		timer.disarm();
		timer.disarm = () => {};
		if (advancing) return;
		if (!('frozenAt' in state)) {
			timer.disarm = base.schedule(Math.max(0, timer.at - now()), () => fire(timer));
		} else if (timer.at <= state.frozenAt) {
			// Not unref'd: a loop that has nothing else to do would sleep before it.
			const immediate = setImmediate(() => fire(timer));
			timer.disarm = () => clearImmediate(immediate);
		}
	};

	const stand = (next: ClockState): void => {
		state = next;
		for (const timer of timers) arm(timer);
	};

	const nextDue = (end: number): Timer | undefined => {
		let first: Timer | undefined;
		for (const timer of timers) if (timer.at <= end && (!first || timer.at < first.at)) first = timer;
		return first;
	};

	return {
		now,
		monotonic: () => base.monotonic(),
		schedule(ms: number, fn: () => void): () => void {
			const timer: Timer = { at: now() + Math.max(0, ms), fn, disarm: () => {} };
			timers.add(timer);
			arm(timer);
			return () => {
				timer.disarm();
				timers.delete(timer);
			};
		},

		get frozen(): boolean {
			return 'frozenAt' in state;
		},

		/** Jumps to that instant, forth or back, and stands still there. What is due there is done at once. */
		freeze(at = now()): void {
			stand({ frozenAt: at });
		},

		/** Runs on from where it stands. */
		resume(): void {
			stand({ offsetMs: now() - base.now() });
		},

		/**
		 * Goes to a later instant and does what comes due on the way, in order of time. A clock that ran runs on from
		 * there. One call at a time.
		 *
		 * @param settled resolves when what was begun at this instant is done, as far as it can be while time stands
		 * @returns how many timers fired
		 */
		async advance(end: number, settled: () => Promise<void>): Promise<number> {
			const ran = !('frozenAt' in state);
			advancing = true;
			stand({ frozenAt: now() });
			let fired = 0;
			try {
				for (;;) {
					await settled();
					const timer = stopped ? undefined : nextDue(end);
					if (!timer) break;
					state = { frozenAt: Math.max(now(), timer.at) };
					fire(timer);
					fired++;
				}
			} finally {
				advancing = false;
				const at = Math.max(now(), end);
				stand(ran ? { offsetMs: at - base.now() } : { frozenAt: at });
			}
			return fired;
		},

		/** Ends an `advance` that is under way. */
		stop(): void {
			stopped = true;
		},

		save: (): ClockState => state,
		load: stand,
	};
}

export type SteerableClock = ReturnType<typeof createSteerableClock>;
