import type { Logger } from 'pino';
import type { Bodies } from '../bodies.ts';
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import type { Sealer } from '../sealing.ts';
import type { Claim, Store } from '../store/port.ts';
import type { AddressGuard } from './address-guard.ts';
import { createAttempts, STORE_RETRY_MS } from './attempt.ts';
import type { Outcome } from './attempt.ts';
import { createSender } from './sender.ts';
import { steadyTime } from './steady-time.ts';

/** A claim on a delivery; four times what an attempt may take, so a lease runs out only when its process is gone. */
export const LEASE_MS = 60_000;

/** Deliveries under way at once, in all. How many for one subscription is the subscription's own setting (at most 50). */
const CONCURRENCY = 64;

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
	onOutcome?: (outcome: Outcome) => void;
	concurrency?: number;
}): Dispatcher {
	const { store, clock, log, concurrency = CONCURRENCY } = options;
	const time = steadyTime(clock);
	const sender = createSender(options);
	const attempt = createAttempts({ ...options, time, sender });
	const underWay = new Map<Claim, Promise<void>>();
	/** Of those, the ones whose receiver has answered: they wait for the store alone. */
	const answered = new Set<Claim>();
	const breakOff = new AbortController();
	let state: 'idle' | 'running' | 'stopping' = 'idle';
	let looking: Promise<void> | null = null;
	let lookAgain = false;
	let looks = 0;
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
		const free = concurrency - underWay.size + answered.size;
		// The end of an attempt wakes.
		if (free <= 0) return;
		try {
			const claims = await store.claim({ now: time(), leaseMs: LEASE_MS, limit: free });
			for (const claim of claims) underWay.set(claim, run(claim));
			// Not waited for: the next claim need not. Where one follows at once, it is the one to ask: with much under way
			// that spares the store a question a claim.
			if (claims.length < free && !lookAgain) void sleepUntilDue(looks);
		} catch (error) {
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
		await attempt(claim, breakOff.signal, () => {
			answered.add(claim);
			// The next claim then shares a commit with what this attempt writes.
			wake();
		});
		answered.delete(claim);
		underWay.delete(claim);
		wake();
	}

	function sleep(ms: number): void {
		if (state === 'running') cancelTimer = clock.schedule(ms, wake);
	}

	async function stop(budgetMs: number): Promise<void> {
		state = 'stopping';
		cancelTimer();
		await looking;
		const finished = Promise.allSettled(underWay.values());
		let cancelBudget: () => void = () => undefined;
		const budget = new Promise<void>((resolve) => (cancelBudget = clock.schedule(budgetMs, resolve)));
		await Promise.race([finished, budget]);
		cancelBudget();
		const left = [...underWay.keys()];
		breakOff.abort();
		await sender.close();
		await finished;
		if (left.length > 0) {
			log.info({ deliveries: left.length }, 'attempts broken off and handed back');
			// Where that fails, their leases run out by themselves, a minute later.
			await store
				.release(left, time())
				.catch((error: unknown) => log.error({ err: error }, "claims can't be handed back"));
		}
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
