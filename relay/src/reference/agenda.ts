import type { Clock } from '../clock.ts';

/** Pause after a round that failed, on a full disk for example. */
const RETRY_MS = 1_000;

/**
 * Runs work when it is due. The due times themselves live in the database: this only sleeps until the next
 * one, so nothing is lost in a restart and nothing is polled for.
 */
export function createAgenda(o: {
	clock: Clock;
	/** When the next piece of work is due, in ms since the epoch; null when there is none. */
	nextDueAt: () => number | null;
	/** Does all the work that is due. */
	run: () => void;
	onError: (error: unknown) => void;
}) {
	let running = false;
	let cancel = () => {};

	const arm = (delayMs: number) => {
		cancel();
		cancel = o.clock.schedule(delayMs, () => {
			try {
				o.run();
				wake();
			} catch (error) {
				o.onError(error);
				if (running) arm(RETRY_MS);
			}
		});
	};

	/** Looks again at what is due next. Does nothing before `start` and after `stop`. */
	const wake = (): void => {
		if (!running) return;
		cancel();
		const dueAt = o.nextDueAt();
		if (dueAt !== null) arm(Math.max(0, dueAt - o.clock.now()));
	};

	return {
		start(): void {
			running = true;
			wake();
		},
		wake,
		stop(): void {
			running = false;
			cancel();
		},
	};
}
