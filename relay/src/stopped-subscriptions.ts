import type { Clock } from './clock.ts';
import type { Logger } from './log.ts';
import type { Store } from './store/port.ts';
import { STOP_SLICE } from './store/stop-slice.ts';

/** A slice is a transaction that webhooks wait for; the next one comes a pause later. */
const PAUSE_MS = 20;
/** For what another relay began and did not finish: it was killed, say. */
const EVERY_MS = 60_000;

export interface StoppedSubscriptions {
	start(): void;
	/** One has just stopped. */
	wake(): void;
	/** Ends after the slice under way; what is left is done after the next start, or by another relay. */
	stop(): Promise<void>;
}

/** Cancels what is pending for subscriptions that were deleted or ended, slice by slice. */
export function createStoppedSubscriptions(options: {
	store: Store;
	clock: Clock;
	log: Logger;
}): StoppedSubscriptions {
	const { store, clock, log } = options;
	let running = false;
	let cancel: () => void = () => undefined;
	let underWay: Promise<void> | null = null;
	/** One stopped while a slice was under way, which may not have seen it. */
	let woken = false;
	/** Cancelled since the last log line. */
	let total = 0;

	async function slice(): Promise<void> {
		let more = false;
		woken = false;
		try {
			const cancelled = await store.cancelStopped(STOP_SLICE);
			total += cancelled;
			more = cancelled === STOP_SLICE;
		} catch (error) {
			log.error(
				{ err: error },
				"what is pending for a stopped subscription can't be cancelled; trying again",
			);
		}
		underWay = null;
		if (!more && total > 0) {
			log.info({ deliveries: total }, 'cancelled what was pending for stopped subscriptions');
			total = 0;
		}
		schedule(more || woken ? PAUSE_MS : EVERY_MS);
	}

	function schedule(ms: number): void {
		if (!running) return;
		cancel();
		cancel = clock.schedule(ms, () => {
			underWay = slice();
		});
	}

	return {
		start() {
			running = true;
			schedule(PAUSE_MS);
		},
		wake() {
			if (underWay) woken = true;
			else schedule(PAUSE_MS);
		},
		async stop() {
			running = false;
			cancel();
			await underWay;
		},
	};
}
