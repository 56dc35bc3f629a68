import type { Logger } from 'pino';
import { Agent, request } from 'undici';
import { iso } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { VENDOR_TIMEOUT_S } from '../contract/webhook.ts';
import type { Ids } from '../ids.ts';
import type { Tell } from './control/feed.ts';
import type { Database } from './db/index.ts';
import type { PendingAttempt } from './db/webhooks.ts';

/** Sends under way at once; more wait their turn. */
const CONCURRENCY = 50;
/** How much of a receiver's answer is read before its connection is dropped. */
const MAX_ANSWER_BYTES = 16 * 1024;
/** Pause before an attempt whose outcome could not be written down is made again. */
const UNRECORDED_RETRY_MS = 1_000;

interface Outcome {
	responseCode: number | null;
	/** Null on success. */
	errorMessage: string | null;
}

/**
 * Sends webhooks the way the vendor does (contract C, G8): unsigned, 10 s an attempt, five attempts, anything
 * but a 2xx a failure, no redirect followed. Attempts to come are rows, so they survive a restart; one that a
 * crash cut off is made again, so a receiver may see the same webhook twice, as it may from the vendor.
 */
export function createWebhookSender(o: {
	db: Database;
	clock: Clock;
	ids: Ids;
	log: Logger;
	onChange: () => void;
	tell: Tell;
	/** Seconds to wait before each attempt after the first, as they stand. */
	backoffS: () => readonly number[];
}) {
	const { db, clock, ids, log, onChange, tell, backoffS } = o;
	// A connection per attempt, and no time limits but the clock's.
	const agent = new Agent({ pipelining: 0, connect: { timeout: 0 }, headersTimeout: 0, bodyTimeout: 0 });
	const underWay = new Map<string, Promise<void>>();
	let stopping = new AbortController();

	/** Attempts nobody has begun, the one due first in front. */
	const waiting = (): PendingAttempt[] =>
		underWay.size >= CONCURRENCY
			? []
			: db.webhooks
					.pending(CONCURRENCY + underWay.size)
					.filter(({ deliveryId }) => !underWay.has(deliveryId))
					.slice(0, CONCURRENCY - underWay.size);

	const attempt = async (pending: PendingAttempt): Promise<void> => {
		const attemptedAt = clock.now();
		const outcome = await post(pending);
		// Stopped halfway: it stays pending, and the next start makes it again.
		if (outcome === 'stopped') return;
		// As the vendor's sometimes is.
		if (outcome.errorMessage === null && pending.isTwice) {
			const again = await post(pending);
			if (again === 'stopped') return;
			tellOf(pending, again, { duplicate: true });
		}
		try {
			record(pending, attemptedAt, outcome);
		} catch (err) {
			log.error({ err, delivery_id: pending.deliveryId }, 'webhook attempt not recorded');
			await new Promise<void>((resolve) => {
				const cancel = clock.schedule(UNRECORDED_RETRY_MS, resolve);
				stopping.signal.addEventListener('abort', () => (cancel(), resolve()));
			});
		}
	};

	const record = (pending: PendingAttempt, attemptedAt: number, outcome: Outcome): void => {
		const { deliveryId, workflowId, attemptNumber } = pending;
		const succeeded = outcome.errorMessage === null;
		const backoff = succeeded ? undefined : backoffS()[attemptNumber - 1];
		// Counted from the end of the attempt: a receiver that takes 10 s to fail still gets its pause.
		const nextRetryAt = backoff === undefined ? null : clock.now() + backoff * 1000;
		db.transaction(() => {
			db.webhooks.settle({
				deliveryId,
				status: succeeded ? 'succeeded' : 'failed',
				attemptedAt,
				responseCode: outcome.responseCode,
				errorMessage: outcome.errorMessage,
				nextRetryAt,
			});
			if (nextRetryAt !== null) {
				db.webhooks.schedule({
					deliveryId: ids.uuid(),
					workflowId,
					attemptNumber: attemptNumber + 1,
					dueAt: nextRetryAt,
				});
			}
		});
		tellOf(pending, outcome, { next_retry_at: nextRetryAt === null ? null : iso(nextRetryAt) });
		log.info(
			{
				workflow_id: workflowId,
				attempt: attemptNumber,
				response_code: outcome.responseCode,
				final: nextRetryAt === null,
			},
			succeeded ? 'webhook delivered' : 'webhook attempt failed',
		);
	};

	const tellOf = (pending: PendingAttempt, outcome: Outcome, more: object): void =>
		tell('webhook', {
			delivery_id: pending.deliveryId,
			workflow_id: pending.workflowId,
			attempt_number: pending.attemptNumber,
			status: outcome.errorMessage === null ? 'succeeded' : 'failed',
			response_code: outcome.responseCode,
			error_message: outcome.errorMessage,
			...more,
		});

	const post = async ({ workflowId, webhookUrl }: PendingAttempt): Promise<Outcome | 'stopped'> => {
		const timedOut = new AbortController();
		const cancelTimeout = clock.schedule(VENDOR_TIMEOUT_S * 1000, () => timedOut.abort());
		try {
			const { statusCode, body } = await request(webhookUrl, {
				dispatcher: agent,
				method: 'POST',
				headers: { 'content-type': 'application/json' },
				body: db.webhooks.body(workflowId),
				signal: AbortSignal.any([timedOut.signal, stopping.signal]),
			});
			// The status is the answer; what else the receiver says is of no interest, nor is how that ends.
			await body.dump({ limit: MAX_ANSWER_BYTES }).catch(() => {});
			const acknowledged = statusCode >= 200 && statusCode < 300;
			return { responseCode: statusCode, errorMessage: acknowledged ? null : `HTTP ${statusCode}` };
		} catch (error) {
			if (stopping.signal.aborted) return 'stopped';
			const errorMessage = timedOut.signal.aborted
				? `no answer within ${VENDOR_TIMEOUT_S} s`
				: describe(error as NodeJS.ErrnoException);
			return { responseCode: null, errorMessage };
		} finally {
			cancelTimeout();
		}
	};

	return {
		/** Begins every attempt that is due, as far as the limit on sends under way allows. */
		sendDue(): void {
			const now = clock.now();
			for (const pending of waiting()) {
				if (pending.dueAt > now) break;
				const settled = attempt(pending).finally(() => {
					underWay.delete(pending.deliveryId);
					onChange();
				});
				underWay.set(pending.deliveryId, settled);
			}
		},
		/** When the next attempt is due; null when none is waiting. */
		nextDueAt: (): number | null => waiting()[0]?.dueAt ?? null,
		/** Resolves when no attempt is under way. */
		async idle(): Promise<void> {
			while (underWay.size > 0) await Promise.all(underWay.values());
		},
		/** Breaks off what is under way, as if it had never begun. */
		async breakOff(): Promise<void> {
			stopping.abort();
			await Promise.all(underWay.values());
			stopping = new AbortController();
		},
		/** Breaks off what is under way, to be made again after the next start. */
		async stop(): Promise<void> {
			stopping.abort();
			await Promise.all(underWay.values());
			await agent.destroy();
		},
	};
}

/** Connection errors come with an empty message when several addresses were tried; their code says it all. */
const describe = (error: NodeJS.ErrnoException): string => error.message || error.code || error.name;
