import type { Logger } from 'pino';
import type { Bodies } from '../bodies.ts';
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import type { Sealer } from '../sealing.ts';
import type { Claim, Store } from '../store/port.ts';
import type { AddressGuard } from './address-guard.ts';
import { createAttempts, STORE_RETRY_MS } from './attempt.ts';
import type { Outcome } from './attempt.ts';
import { createLanes } from './lanes.ts';
import { createSender } from './sender.ts';
import { steadyTime } from './steady-time.ts';

/** A claim on a delivery; four times what an attempt may take, so a lease runs out only when its process is gone. */
export const LEASE_MS = 60_000;

/** Deliveries in hand at once, in all. How many for one subscription is the subscription's own setting (at most 50). */
const CONCURRENCY = 128;

/** Nothing more is claimed with bodies of so many bytes in hand. How large they are is known only once they are claimed. */
const BYTES_IN_HAND = 64 * 1024 * 1024;
const CLAIMED_AT_ONCE = 64;

/** When to look again after something was claimed, if nothing wakes before. */
const SOON_MS = 20;

/** Longest sleep of the timer: bounds what a clock set forward can delay. */
const LONGEST_SLEEP_MS = 60_000;

export interface Dispatcher {
	start(): void;
	/** Something may be due: look now. */
	wake(): void;
	/** How many attempts are under way. */
	underWay(): number;
	/**
	 * Ends: no new claims; attempts under way get `budgetMs` to finish, then they are broken off and handed
	 * back. Nothing is lost: what was handed back is sent again after the next start.
	 */
	stop(budgetMs: number): Promise<void>;
}

/**
 * Takes due deliveries from the store and brings them to their receivers (docs/delivery.md has the states).
 *
 * @param options.alone whether nobody else claims from the store: deliveries may then be claimed ahead (lanes.ts)
 * @param options.onOutcome hears of every attempt that ended, for metrics
 */
export function createDispatcher(options: {
	store: Store;
	clock: Clock;
	ids: Ids;
	sealer: Sealer;
	bodies: Bodies;
	guard: AddressGuard;
	log: Logger;
	alone: boolean;
	onOutcome?: (outcome: Outcome) => void;
	concurrency?: number;
}): Dispatcher {
	const { store, clock, log, alone, concurrency = CONCURRENCY } = options;
	const time = steadyTime(clock);
	const sender = createSender(options);
	const attempt = createAttempts({ ...options, time, sender });
	const underWay = new Map<Claim, Promise<void>>();
	const lanes = createLanes((claim) => underWay.set(claim, run(claim)), alone);
	const breakOff = new AbortController();
	let state: 'idle' | 'running' | 'stopping' = 'idle';
	let looking: Promise<void> | null = null;
	let lookAgain = false;
	let looks = 0;
	/**
	 * Less after a claim that failed: 64 with 4 MiB each take PostgreSQL 3 s on a quiet machine, and 5 s is all that a statement
	 * has. Claimed again as many at once, the oldest would fail for ever, and all behind them wait.
	 */
	let atOnce = CLAIMED_AT_ONCE;
	let cancelTimer: () => void = () => undefined;
	let stopped: Promise<void> | null = null;

	function wake(): void {
		if (state !== 'running') return;
		if (looking) {
			lookAgain = true;
			return;
		}
		looking = look().finally(() => {
			looking = null;
			if (lookAgain) wake();
		});
	}

	/** Claims what there is room for, and sleeps until more is due. */
	async function look(): Promise<void> {
		cancelTimer();
		lookAgain = false;
		looks++;
		const { deliveries, bytes } = lanes.inHand();
		const free = Math.min(concurrency - deliveries, atOnce);
		// The end of an attempt wakes.
		if (free <= 0 || bytes > BYTES_IN_HAND) return;
		try {
			const ahead = alone ? { ahead: lanes.ahead() } : {};
			const claims = await store.claim({ now: time(), leaseMs: LEASE_MS, limit: free, ...ahead });
			atOnce = Math.min(atOnce * 2, CLAIMED_AT_ONCE);
			void handBack(lanes.take(claims));
			if (claims.length === CLAIMED_AT_ONCE) lookAgain = true;
			// Where a claim follows at once, it is the one to ask.
			if (lookAgain) return;
			// There may be more, but all there was room for is in hand. The end of an attempt wakes when more is wanted;
			// the timer is the backstop. To claim again for the few that were answered meanwhile makes every batch small.
			if (claims.length === free) sleep(STORE_RETRY_MS);
			// Another look is likely to follow before that, and then tells more: not yet asked when the next is due. Two of five
			// claims were followed by that question.
			else if (claims.length > 0) sleep(SOON_MS);
			// Not waited for: the next claim need not.
			else void sleepUntilDue(looks);
		} catch (error) {
			atOnce = Math.ceil(atOnce / 2);
			log.error({ err: error }, "deliveries can't be claimed; trying again");
			sleep(STORE_RETRY_MS);
		}
	}

	/** @param look sleeps unless there was another look since */
	async function sleepUntilDue(look: number): Promise<void> {
		const dueAt = await store.nextDueAt().catch(() => time());
		if (dueAt === null || look !== looks) return;
		const wait = dueAt - time();
		// Due, and yet not claimed: its subscription, or the dispatcher, has its hands full. The end of an attempt
		// wakes; the timer is the backstop.
		sleep(wait > 0 ? Math.min(wait, LONGEST_SLEEP_MS) : STORE_RETRY_MS);
	}

	async function run(claim: Claim): Promise<void> {
		const { subscriptionId } = claim;
		await attempt(claim, breakOff.signal, (answer) => {
			void handBack(lanes.answered(claim, answer));
			// The next claim then shares a commit with what this attempt writes. On a database that others claim from, too, it
			// would come before that, and find no slot free: a quarter of all claims did.
			if (alone && lanes.wants(subscriptionId)) wake();
		});
		underWay.delete(claim);
		if (lanes.wants(subscriptionId)) wake();
	}

	/** What comes of it is waited for by nobody: where that fails, their leases run out by themselves, a minute later. */
	function handBack(claims: Claim[]): Promise<void> {
		if (claims.length === 0) return Promise.resolve();
		return store
			.release(claims, time())
			.catch((error: unknown) => log.error({ err: error }, "claims can't be handed back"));
	}

	function sleep(ms: number): void {
		if (state === 'running') cancelTimer = clock.schedule(ms, wake);
	}

	async function stop(budgetMs: number): Promise<void> {
		state = 'stopping';
		cancelTimer();
		await looking;
		const waiting = lanes.clear();
		const finished = Promise.allSettled(underWay.values());
		let cancelBudget: () => void = () => undefined;
		const budget = new Promise<void>((resolve) => (cancelBudget = clock.schedule(budgetMs, resolve)));
		await Promise.race([finished, budget]);
		cancelBudget();
		const left = [...underWay.keys(), ...waiting];
		breakOff.abort();
		await sender.close();
		await finished;
		if (left.length > 0) log.info({ deliveries: left.length }, 'deliveries handed back');
		await handBack(left);
	}

	return {
		start() {
			state = 'running';
			wake();
		},
		wake,
		underWay: () => underWay.size,
		stop: (budgetMs) => (stopped ??= stop(budgetMs)),
	};
}
