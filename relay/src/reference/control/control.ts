import { setImmediate as turn } from 'node:timers/promises';
import type { z } from 'zod';
import { iso } from '../../clock.ts';
import type { Clock } from '../../clock.ts';
import type { Behaviours } from '../behaviours.ts';
import type { Database } from '../db/index.ts';
import { ApiError } from '../errors.ts';
import type { Portal } from '../portal.ts';
import type { RateLimiter, RateLimitState } from '../rate-limit.ts';
import type { RequestLog } from '../request-log.ts';
import { CAST, seedCast } from '../seed.ts';
import type { Reference } from '../index.ts';
import { behavioursView } from './behaviours-view.ts';
import type { ClockState, SteerableClock } from './steerable-clock.ts';
import { DEFAULT_COMPLETION } from './completion.ts';
import type { Completion, CompletionControl } from './completion.ts';
import { MAX_FAULTS, NO_FAULTS, NewFault, faultView } from './faults.ts';
import type { FaultView, Faults, FaultsState } from './faults.ts';
import type { Feed } from './feed.ts';
import { populate } from './populate.ts';
import type { SeededAccount } from './populate.ts';
import type { Recorder } from './recorder.ts';
import type { SeedDocument } from './seed-document.ts';
import type { IdsState, SteerableIds } from './seeded-ids.ts';
import type { Settings } from './settings.ts';
import { SnapshotRefused, createSnapshots } from './snapshots.ts';
import { check } from './surface.ts';

/**
 * How long `advance` waits in real time for webhooks under way before time goes on. A receiver that answers does so
 * within milliseconds; one that hangs meets its time-out only when time moves.
 */
const PATIENCE_MS = 2_000;

/** What the reference API holds after a reset. */
export interface Start {
	/** Of ids, of what enrichment finds, and of faults by chance. */
	seed: string;
	/** The cast, what a document says, or nobody. */
	people: 'cast' | 'nobody' | SeedDocument;
}

/** Everything that a snapshot holds besides the data. */
interface Saved {
	clock: ClockState;
	ids: IdsState;
	limits: RateLimitState | null;
	faults: FaultsState;
	behaviours: Behaviours;
	completion: Completion;
	start: Start;
	accounts: SeededAccount[];
}

export interface ControlDependencies {
	db: Database;
	clock: SteerableClock;
	/** The one below it. */
	realClock: Clock;
	ids: SteerableIds;
	settings: Settings;
	behaviours: Behaviours;
	/** What behaviours are after a reset. */
	firstBehaviours: Behaviours;
	completion: CompletionControl;
	faults: Faults;
	limiter: Pick<RateLimiter, 'save' | 'load'>;
	requestLog: Pick<RequestLog, 'flush' | 'forget'>;
	webhooks: { idle(): Promise<void>; breakOff(): Promise<void> };
	release: () => void;
	/** What is due may be another than before. */
	wake: () => void;
	recorder: Pick<Recorder, 'clear'>;
	feed: Feed;
	portal: Portal;
	reference: () => Pick<Reference, 'createAccount' | 'createFolder' | 'createList'>;
	/** Makes what is always there, as far as it is not there yet. */
	populate: () => Promise<void>;
}

/** What can be done to the reference API from outside of the API. */
export function createControl(o: ControlDependencies) {
	const { db, clock, ids, settings, behaviours, completion, faults, limiter, feed } = o;
	const firstClock = clock.save();
	let start: Start = { seed: settings.seed, people: 'nobody' };
	let accounts: SeededAccount[] = [];
	let last: Promise<unknown> = Promise.resolve();

	/** One after the other: time must not move while data are replaced. */
	const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
		const done = last.then(work);
		last = done.catch(() => {});
		return done;
	};

	const save = (): Saved => ({
		clock: clock.save(),
		ids: ids.save(),
		limits: limiter.save(),
		faults: faults.save(),
		behaviours: { ...behaviours },
		completion: completion.current,
		start,
		accounts,
	});

	const load = (saved: Saved): void => {
		clock.load(saved.clock);
		ids.load(saved.ids);
		limiter.load(saved.limits);
		faults.load(saved.faults);
		Object.assign(behaviours, saved.behaviours);
		completion.current = saved.completion;
		start = saved.start;
		accounts = saved.accounts;
		settings.seed = start.seed;
	};

	/** Ends what is under way, so that nothing of it writes into the data that come. */
	const quiet = async (): Promise<void> => {
		o.release();
		await o.webhooks.breakOff();
	};

	const snapshots = createSnapshots<Saved>({ db: db.snapshots, now: () => clock.now() });

	const kept = (name: string) => {
		try {
			return snapshots.save(name, save());
		} catch (error) {
			throw error instanceof SnapshotRefused ? limitReached(error.message, error.fix) : error;
		}
	};

	const fill = async (): Promise<void> => {
		const { seed, people } = start;
		if (people === 'nobody') accounts = [];
		else if (people === 'cast') {
			const cast = await seedCast(o.reference(), { seed });
			accounts = CAST.map((role) => ({ role, ...cast[role], keys: [cast[role].key] }));
		} else {
			// In one commit: 1,000 lists take 0.1 s instead of 0.7.
			accounts = db.transaction(() => populate({ db, clock, ids, portal: o.portal }, people, seed));
		}
		// Last, so that a document may give its key to somebody else.
		await o.populate();
	};

	/** Back to the beginning, and then as `next` says. If that fails, everything is as it was. */
	const startOver = async (next: Start): Promise<void> => {
		await quiet();
		o.requestLog.flush();
		const before = save();
		snapshots.keep();
		try {
			db.snapshots.wipe();
			load({
				clock: firstClock,
				ids: { seed: next.seed, position: 0 },
				limits: null,
				faults: NO_FAULTS,
				behaviours: o.firstBehaviours,
				completion: DEFAULT_COMPLETION,
				start: next,
				accounts: [],
			});
			await fill();
			o.recorder.clear();
		} catch (error) {
			snapshots.putBack();
			load(before);
			throw error;
		} finally {
			snapshots.letGo();
			o.wake();
		}
	};

	/** What was begun at this instant is done, or waits for time to go on. */
	const settled = async (): Promise<void> => {
		await turn();
		let cancel = () => {};
		const patience = new Promise<void>((resolve) => {
			cancel = o.realClock.schedule(PATIENCE_MS, resolve);
		});
		await Promise.race([o.webhooks.idle(), patience]);
		cancel();
		await turn();
	};

	const clockView = () => ({ now: iso(clock.now()), now_ms: clock.now(), frozen: clock.frozen });
	const tellClock = () => (feed.publish('clock', clockView()), clockView());

	return {
		/** Back to the start: data, ids, clock, limits, faults, behaviours and completion. */
		reset: (): Promise<{ accounts: SeededAccount[] }> =>
			inTurn(async () => {
				await startOver(start);
				feed.publish('state', { action: 'reset', seed: start.seed });
				return { accounts };
			}),

		/** Starts over with other data; `reset` comes back to them from then on. */
		seed: (next: Start): Promise<{ accounts: SeededAccount[] }> =>
			inTurn(async () => {
				await startOver(next);
				feed.publish('state', { action: 'seed', seed: start.seed });
				return { accounts };
			}),

		/** Takes data that are there already for a start, and adds what is missing of it. */
		adopt: (next: Start): Promise<{ accounts: SeededAccount[] }> =>
			inTurn(async () => {
				start = next;
				settings.seed = next.seed;
				await fill();
				return { accounts };
			}),

		/** @throws ApiError 409 when there are too many, or too much in them */
		snapshot: (name: string) =>
			inTurn(async () => {
				o.requestLog.flush();
				const made = kept(name);
				feed.publish('state', { action: 'snapshot', name });
				return made;
			}),

		/** @returns null when there is none of that name */
		restore: (name: string) =>
			inTurn(async () => {
				if (!snapshots.has(name)) return null;
				await quiet();
				o.requestLog.forget();
				load(snapshots.restore(name));
				o.wake();
				feed.publish('state', { action: 'restore', name });
				return clockView();
			}),

		clock: clockView,
		/** @throws ApiError 422 for what is no instant, as `advance` does */
		freeze: (at?: number) =>
			inTurn(async () => {
				clock.freeze(at === undefined ? clock.now() : instant(at));
				// Its due times are the same, but how far off they are is not.
				o.wake();
				return tellClock();
			}),
		resume: () =>
			inTurn(async () => {
				clock.resume();
				return tellClock();
			}),
		/** Time goes on to `until`, and everything that is due on the way is done in order. */
		advance: (until: (now: number) => number) =>
			inTurn(async () => {
				const from = clock.now();
				const end = instant(until(from));
				if (end < from) {
					throw refusedInstant(
						'The clock only advances to a later instant.',
						'Freeze it at the earlier one, or reset.',
					);
				}
				const fired = await clock.advance(end, settled);
				return { ...tellClock(), advanced_ms: clock.now() - from, timers_fired: fired };
			}),

		/** @throws ApiError 422 for a fault that is none, 409 when there are too many */
		fault(fault: z.input<typeof NewFault>): FaultView {
			const rule = faults.add(check(NewFault, fault, 'The fault'));
			if (!rule) {
				const fix = 'Delete some that are not needed any more.';
				throw limitReached(`There are ${MAX_FAULTS} faults already.`, fix);
			}
			return faultView(rule);
		},
		faults: (): FaultView[] => faults.list().map(faultView),
		/** Ends one, or all. @returns how many there were */
		removeFaults: (id?: string): number => faults.remove(id),

		setBehaviours(changed: Partial<Behaviours>): Behaviours {
			Object.assign(behaviours, changed);
			feed.publish('behaviours', behavioursView(behaviours));
			return { ...behaviours };
		},
		behaviours: () => ({ ...behaviours }),

		setCompletion(next: Completion): Completion {
			completion.current = next;
			feed.publish('completion', next);
			return next;
		},
		completion: () => completion.current,

		state: () => ({
			seed: start.seed,
			start: typeof start.people === 'string' ? start.people : 'document',
			clock: clockView(),
			counts: db.steering.counts(),
			snapshots: snapshots.list(),
			readers: feed.listeners,
			faults: faults.list().map(faultView),
			completion: completion.current,
			behaviours: behavioursView(behaviours),
		}),
		accounts: () => accounts,
	};
}

/** 9999 is the last year that all clients can read. */
const LATEST = Date.UTC(9999, 11, 31);

function instant(ms: number): number {
	if (ms >= 0 && ms <= LATEST) return ms;
	throw refusedInstant('The clock only stands at an instant between 1970 and 9999.', 'Name such an instant.');
}

const refusedInstant = (problem: string, fix: string) =>
	new ApiError({ status: 422, code: 'invalid_request', problem, fix });

const limitReached = (problem: string, fix: string) =>
	new ApiError({ status: 409, code: 'limit_reached', problem, fix });

export type Control = ReturnType<typeof createControl>;
