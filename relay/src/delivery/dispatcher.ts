import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Bodies } from '../bodies.ts';
import type { Ids } from '../ids.ts';
import type { Sealer } from '../sealing.ts';
import { redactSecrets } from '../log.ts';
import type { Claim, Settlement, Store } from '../store/port.ts';
import type { AddressGuard } from './address-guard.ts';
import { BREAKER, decide } from './policy.ts';
import { createSender } from './sender.ts';
import type { SendResult } from './sender.ts';
import { signatureHeaders } from './signature.ts';

/** A claim on a delivery; four times what an attempt may take, so a lease runs out only when its process is gone. */
export const LEASE_MS = 60_000;

/** Deliveries under way at once, in all. How many for one subscription is the subscription's own setting. */
const CONCURRENCY = 32;

/** The result of an attempt that ended before it began. */
const NOTHING_SENT: SendResult = {
	status: null,
	error: 'other',
	response: null,
	retryAfter: null,
	durationMs: 0,
	timings: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null },
};

/** Pause after the store failed, and how often a settlement is tried before its lease is left to run out. */
const STORE_RETRY_MS = 1_000;
const SETTLE_TRIES = 5;
/** Longest sleep of the timer: bounds what a clock set back can delay. */
const LONGEST_SLEEP_MS = 60_000;

export interface Dispatcher {
	start(): void;
	/** Something may be due: look now. */
	wake(): void;
	/**
	 * Ends: no new claims; attempts under way get `budgetMs` to finish, then they are broken off and handed
	 * back. Nothing is lost: what was handed back is sent again after the next start.
	 */
	stop(budgetMs: number): Promise<void>;
}

/** Takes due deliveries from the store and brings them to their receivers (docs/delivery.md has the states). */
export function createDispatcher(options: {
	store: Store;
	clock: Clock;
	ids: Ids;
	sealer: Sealer;
	bodies: Bodies;
	guard: AddressGuard;
	log: Logger;
	concurrency?: number;
}): Dispatcher {
	const { store, clock, ids, sealer, bodies, guard, log } = options;
	const { concurrency = CONCURRENCY } = options;
	const sender = createSender({ clock, guard });
	const underWay = new Map<Claim, Promise<void>>();
	const breakOff = new AbortController();
	let state: 'idle' | 'running' | 'stopping' = 'idle';
	let looking: Promise<void> | null = null;
	let lookAgain = false;
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

	async function look(): Promise<void> {
		cancelTimer();
		lookAgain = false;
		try {
			await claimAll();
			await sleepUntilDue();
		} catch (error) {
			log.error({ err: error }, "deliveries can't be claimed; trying again");
			sleep(STORE_RETRY_MS);
		}
	}

	async function claimAll(): Promise<void> {
		for (let free = concurrency - underWay.size; free > 0; free = concurrency - underWay.size) {
			const claims = await store.claim({ now: clock.now(), leaseMs: LEASE_MS, limit: free });
			for (const claim of claims) underWay.set(claim, attempt(claim));
			if (claims.length < free || state !== 'running') return;
		}
	}

	async function sleepUntilDue(): Promise<void> {
		const dueAt = await store.nextDueAt();
		if (dueAt === null || state !== 'running') return;
		const wait = dueAt - clock.now();
		// Due, and yet not claimed: its subscription, or the dispatcher, has its hands full. The end of an attempt
		// wakes; the timer is the backstop.
		sleep(wait > 0 ? Math.min(wait, LONGEST_SLEEP_MS) : STORE_RETRY_MS);
	}

	function sleep(ms: number): void {
		if (state === 'running') cancelTimer = clock.schedule(ms, wake);
	}

	async function attempt(claim: Claim): Promise<void> {
		const startedAt = clock.now();
		const result = await post(claim, startedAt);
		// Broken off by stop(): whether the receiver took it is unknown, so it goes back and is sent again.
		if (!breakOff.signal.aborted) await settle(claim, startedAt, result);
		underWay.delete(claim);
		wake();
	}

	async function post(claim: Claim, now: number): Promise<SendResult> {
		try {
			const secret = sealer.open(claim.sealedSecret);
			const body = bodies.toRaw({ body: claim.body, keyId: claim.bodyKeyId });
			const headers = {
				'content-type': claim.contentType,
				'webhook-attempt': String(claim.attempt),
				...signatureHeaders(secret, claim.eventId, now, body),
			};
			const result = await sender.send({ url: claim.url, headers, body }, breakOff.signal);
			const { response } = result;
			return { ...result, response: response && redactSecrets(response, [secret.replace('whsec_', '')]) };
		} catch (error) {
			log.error({ err: error, delivery_id: claim.deliveryId }, 'delivery could not be prepared');
			return NOTHING_SENT;
		}
	}

	async function settle(claim: Claim, startedAt: number, result: SendResult): Promise<void> {
		const next = decide(claim, result, clock.now(), ids.fraction());
		const { status, error, response, durationMs } = result;
		const { deliveryId, attempt } = claim;
		const settlement: Settlement = {
			deliveryId,
			attempt,
			startedAt,
			durationMs,
			timings: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null },
			status,
			error,
			response,
			health: next.state === 'delivered' ? 'up' : status === 409 ? 'busy' : 'down',
			breaker: BREAKER,
			next,
		};
		if (await write(settlement)) report(claim, settlement);
	}

	/** False when a later attempt has taken over, or the store would not take it: then the lease runs out. */
	async function write(settlement: Settlement): Promise<boolean> {
		for (let tries = 1; ; tries++) {
			try {
				const outcome = await store.settle(settlement);
				if (outcome === 'settled') return true;
				log.warn(
					{ delivery_id: settlement.deliveryId, attempt: settlement.attempt },
					'late result fenced off',
				);
				return false;
			} catch (error) {
				log.error({ err: error, delivery_id: settlement.deliveryId }, "a result can't be written");
				if (tries === SETTLE_TRIES || breakOff.signal.aborted) return false;
				await new Promise<void>((resolve) => {
					clock.schedule(STORE_RETRY_MS, resolve);
					breakOff.signal.addEventListener('abort', () => resolve(), { once: true });
				});
			}
		}
	}

	function report(claim: Claim, { attempt, status, error, durationMs, next }: Settlement): void {
		const facts = {
			event_id: claim.eventId,
			delivery_id: claim.deliveryId,
			subscription_id: claim.subscriptionId,
			attempt,
			status,
			duration_ms: Math.round(durationMs),
		};
		if (next.state === 'delivered') log.info(facts, 'delivered');
		else if (next.state === 'ready') log.warn({ ...facts, error, retry_at: next.at }, 'delivery failed');
		else if (next.state === 'dead')
			log.error({ ...facts, error }, 'delivery is dead: its schedule is used up');
		else log.warn(facts, 'the receiver is gone: subscription ended');
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
				.release(left, clock.now())
				.catch((error: unknown) => log.error({ err: error }, "claims can't be handed back"));
		}
	}

	return {
		start() {
			state = 'running';
			wake();
		},
		wake,
		stop: (budgetMs) => (stopped ??= stop(budgetMs)),
	};
}
