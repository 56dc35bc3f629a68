import type { KeyObject } from 'node:crypto';
import type { Logger } from 'pino';
import type { Bodies } from '../bodies.ts';
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import { redactSecrets } from '../log.ts';
import type { Sealer } from '../sealing.ts';
import type { Claim, Settlement, Store } from '../store/port.ts';
import type { FailureClass } from './failure.ts';
import { BREAKER, decide, healthOf } from './policy.ts';
import type { Sender, SendResult } from './sender.ts';
import { signatureHeaders, signingKey } from './signature.ts';

/** Pause after the store failed, and how often a settlement is tried before its lease is left to run out. */
export const STORE_RETRY_MS = 1_000;
const SETTLE_TRIES = 5;

/** What became of an attempt, for whoever counts. */
export interface Outcome {
	eventId: string;
	kind:
		| 'delivered'
		| 'retried'
		| 'dead'
		/** The receiver is gone (410): its subscription ended. */
		| 'ended'
		/** The result came too late and was not written: another attempt was claimed, or the delivery cancelled. */
		| 'fenced'
		/** The store would not take the result: the delivery is made again once its lease has run out. */
		| 'unwritten';
	/** Null on a 2xx. */
	error: FailureClass | null;
	durationMs: number;
}

/** Makes attempts: signs, posts, decides what is next, and writes that down. */
export function createAttempts(options: {
	store: Store;
	clock: Clock;
	/** The time deliveries are scheduled by; see steady-time.ts. */
	time: () => number;
	ids: Ids;
	sealer: Sealer;
	bodies: Bodies;
	sender: Sender;
	log: Logger;
	onOutcome?: (outcome: Outcome) => void;
}): (claim: Claim, breakOff: AbortSignal, onAnswered: (answer: Settlement) => void) => Promise<void> {
	const { store, clock, time, ids, bodies, sender, log, onOutcome } = options;
	const open = withOpened(options.sealer);

	/** The secret, and the one before while that is still good. */
	function secretsOf({ subscriptionId, receiver }: Claim): Secret[] {
		const { sealedSecret, previousSealedSecret } = receiver;
		const secrets = [open(sealedSecret)];
		if (previousSealedSecret === null) return secrets;
		try {
			secrets.push(open(previousSealedSecret));
		} catch (error) {
			// The new one is enough for a receiver that knows it.
			log.error({ err: error, subscription_id: subscriptionId }, 'the old secret does not open');
		}
		return secrets;
	}

	async function post(claim: Claim): Promise<SendResult> {
		try {
			const secrets = secretsOf(claim);
			const body = bodies.toRaw({ body: claim.body, keyId: claim.bodyKeyId });
			const headers = {
				'content-type': claim.contentType,
				'webhook-attempt': String(claim.attempt),
				// By the clock as it is: the receiver compares it with its own.
				...signatureHeaders(
					secrets.map(({ key }) => key),
					claim.eventId,
					clock.now(),
					body,
				),
			};
			const result = await sender.send({ url: claim.receiver.url, headers, body });
			if (!result.response) return result;
			const shown = secrets.map((secret) => secret.shown);
			return { ...result, response: redactSecrets(result.response, shown) };
		} catch (error) {
			log.error({ err: error, delivery_id: claim.deliveryId }, 'delivery could not be prepared');
			return NOTHING_SENT;
		}
	}

	/** `unwritten`: the store would not take it, so the lease runs out and the delivery is made again. */
	async function write(
		settlement: Settlement,
		breakOff: AbortSignal,
	): Promise<'settled' | 'fenced' | 'unwritten'> {
		const { deliveryId } = settlement;
		for (let tries = 1; ; tries++) {
			try {
				return await store.settle(settlement);
			} catch (error) {
				log.error({ err: error, delivery_id: deliveryId }, "a result can't be written");
				if (tries === SETTLE_TRIES || breakOff.aborted) return 'unwritten';
				await pause(breakOff);
			}
		}
	}

	/** Until the store may be tried again, or everything is broken off. */
	const pause = (breakOff: AbortSignal) =>
		new Promise<void>((resolve) => {
			const goOn = () => {
				cancel();
				breakOff.removeEventListener('abort', goOn);
				resolve();
			};
			const cancel = clock.schedule(STORE_RETRY_MS, goOn);
			breakOff.addEventListener('abort', goOn);
		});

	function report(claim: Claim, settlement: Settlement): void {
		const { attempt, status, error, durationMs, next } = settlement;
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

	return async (claim, breakOff, onAnswered) => {
		const startedAt = time();
		const result = await post(claim);
		// Broken off: whether the receiver took it is unknown, so it goes back and is sent again.
		if (breakOff.aborted) return;
		const { deliveryId, attempt } = claim;
		const { status, error, response, durationMs, timings } = result;
		const health = healthOf(result);
		const next = decide(claim, result, time(), ids.fraction());
		const settlement: Settlement = {
			deliveryId,
			attempt,
			startedAt,
			durationMs,
			timings,
			status,
			error,
			response,
			health,
			breaker: BREAKER,
			next,
		};
		const writing = write(settlement, breakOff);
		onAnswered(settlement);
		const written = await writing;
		if (written === 'settled') report(claim, settlement);
		else if (written === 'fenced') {
			log.warn({ delivery_id: deliveryId, attempt }, 'late result fenced off');
		}
		const kind = written === 'settled' ? KINDS[next.state] : written;
		onOutcome?.({ eventId: claim.eventId, kind, error, durationMs });
	};
}

const KINDS = { delivered: 'delivered', ready: 'retried', dead: 'dead', cancelled: 'ended' } as const;

/** The result of an attempt that ended before it began. */
const NOTHING_SENT: SendResult = {
	status: null,
	error: 'other',
	response: null,
	retryAfter: null,
	durationMs: 0,
	timings: { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null },
};

/** A signing secret, ready for use. */
interface Secret {
	key: KeyObject;
	/** The key as a receiver may show it. */
	shown: string;
}

/** Secrets that are kept open, those of the subscriptions delivered to last: opening one costs 60 µs. */
const MAX_OPENED = 200;

function withOpened(sealer: Sealer): (sealed: Buffer) => Secret {
	/** The least recently opened first. */
	const opened = new Map<string, Secret>();
	return (sealed) => {
		const name = sealed.toString('latin1');
		const known = opened.get(name);
		if (known !== undefined) return known;
		const text = sealer.open(sealed);
		const secret = { key: signingKey(text), shown: text.replace(/^whsec_/, '') };
		opened.set(name, secret);
		const [oldest] = opened.keys();
		if (oldest !== undefined && opened.size > MAX_OPENED) opened.delete(oldest);
		return secret;
	};
}
