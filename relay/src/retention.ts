import type { Clock } from './clock.ts';
import type { Ids } from './ids.ts';
import type { Logger } from './log.ts';
import type { Store, SweepResult } from './store/port.ts';

/** How long things are kept, in milliseconds; null: for good. */
export interface RetentionRules {
	/** Deliveries that wait for a receiver that is down all the time; then they are dead. */
	pendingMs: number | null;
	/** Events that are delivered. */
	deliveredMs: number | null;
	/** Events that are quarantined, have a dead delivery, or were wanted by nobody. */
	deadMs: number | null;
	/** What recognises a repeat. At least as long as any event. */
	keysMs: number | null;
}

/** The first sweep is no part of a start, and many relays of one database do not begin at the same moment. */
const FIRST_AFTER_MS = 5 * 60_000;
const FIRST_SPREAD_MS = 5 * 60_000;
const EVERY_MS = 60 * 60_000;
/** A batch is one transaction that a webhook may have to wait for, so it is small, and the next one comes a pause later. */
const BATCH = 100;
const PAUSE_MS = 50;

export interface Retention {
	start(): void;
	/** Ends after the batch under way. */
	stop(): Promise<void>;
}

/** Gives up what waits for a receiver in vain, and deletes what is old, hourly, in small batches. */
export function createRetention(options: {
	store: Store;
	rules: RetentionRules;
	clock: Clock;
	ids: Ids;
	log: Logger;
	/** Told of every batch that deleted something. */
	onDeleted?: (deleted: SweepResult) => void;
	/** Told of every batch of deliveries that was given up. */
	onGivenUp?: (deliveries: number) => void;
}): Retention {
	const { store, rules, clock, ids, log, onDeleted, onGivenUp } = options;
	const isOff = Object.values(rules).every((ms) => ms === null);
	let stopped = false;
	let cancel: () => void = () => undefined;
	let underWay: Promise<void> = Promise.resolve();
	/** Given up and deleted since the last log line. */
	let givenUp = 0;
	let total = { events: 0, dedupeKeys: 0 };

	/** Nothing is older than the epoch. */
	const before = (ms: number | null): number => (ms === null ? 0 : clock.now() - ms);

	/** Whether there may be more. */
	async function batch(): Promise<boolean> {
		const given =
			rules.pendingMs === null ? 0 : await store.giveUp({ before: before(rules.pendingMs), limit: BATCH });
		if (given > 0) onGivenUp?.(given);
		givenUp += given;
		const deleted = await store.sweep({
			deliveredBefore: before(rules.deliveredMs),
			deadBefore: before(rules.deadMs),
			keysBefore: before(rules.keysMs),
			limit: BATCH,
		});
		if (deleted.events + deleted.dedupeKeys > 0) onDeleted?.(deleted);
		total = { events: total.events + deleted.events, dedupeKeys: total.dedupeKeys + deleted.dedupeKeys };
		return given === BATCH || deleted.more;
	}

	async function sweep(): Promise<void> {
		let more = false;
		try {
			more = await batch();
		} catch (error) {
			log.error({ err: error }, "what is old can't be deleted; trying again in an hour");
		}
		if (!more) report();
		schedule(more ? PAUSE_MS : EVERY_MS);
	}

	function report(): void {
		if (givenUp > 0) {
			log.warn(
				{ deliveries: givenUp },
				'gave up deliveries whose receiver is down: re-drive them when it is back',
			);
		}
		givenUp = 0;
		const { events, dedupeKeys } = total;
		total = { events: 0, dedupeKeys: 0 };
		if (events + dedupeKeys > 0) log.info({ events, dedupe_keys: dedupeKeys }, 'deleted what was old');
	}

	function schedule(ms: number): void {
		if (stopped) return;
		cancel = clock.schedule(ms, () => {
			underWay = sweep();
		});
	}

	return {
		start() {
			if (!isOff) schedule(FIRST_AFTER_MS + ids.fraction() * FIRST_SPREAD_MS);
		},
		async stop() {
			stopped = true;
			cancel();
			await underWay;
			report();
		},
	};
}
