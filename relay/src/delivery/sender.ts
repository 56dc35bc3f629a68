import type { Clock } from '../clock.ts';
import { VERSION } from '../version.ts';
import type { AddressGuard } from './address-guard.ts';
import { createConnections } from './connections.ts';
import type { ConnectTimings } from './connections.ts';
import { Exchange } from './exchange.ts';
import type { Answer } from './exchange.ts';
import { classOf, TimedOut } from './failure.ts';
import type { FailureClass } from './failure.ts';

/** Limits of one attempt, in ms and bytes. Connecting is limited by the address guard's connector (5 s). */
export const FIRST_BYTE_MS = 10_000;
export const ATTEMPT_MS = 15_000;
export const MAX_RESPONSE_BYTES = 16 * 1024;

export interface SendResult {
	/** HTTP status; null when no answer came. */
	status: number | null;
	/** Null on a 2xx. */
	error: FailureClass | null;
	/** The first 16 KiB of the answer, as text. */
	response: string | null;
	retryAfter: string | null;
	durationMs: number;
	/** `firstByteMs` is from the start of the attempt. */
	timings: ConnectTimings & { firstByteMs: number | null };
}

export interface Sender {
	/** Posts once. Never rejects: what went wrong is in the result. */
	send(request: { url: string; headers: Record<string, string>; body: Buffer }): Promise<SendResult>;
	/** Breaks off what is under way. */
	close(): Promise<void>;
}

export function createSender(options: { clock: Clock; guard: AddressGuard; maxOrigins?: number }): Sender {
	const { clock, guard } = options;
	const connections = createConnections({ ...options, connector: guard.connector });

	return {
		send: ({ url, headers, body }) =>
			new Promise((resolve) => {
				const started = clock.monotonic();
				const sinceStart = () => clock.monotonic() - started;
				const timings: SendResult['timings'] = {
					dnsMs: null,
					connectMs: null,
					tlsMs: null,
					firstByteMs: null,
				};
				const exchange = new Exchange({
					maxBytes: MAX_RESPONSE_BYTES,
					onStart() {
						cancelFirstByte();
						timings.firstByteMs = sinceStart();
					},
					resolve(answer) {
						cancelFirstByte();
						cancelAttempt();
						resolve(resultOf(answer, sinceStart(), timings));
					},
				});
				const giveUp = () => exchange.abort(new TimedOut());
				const cancelFirstByte = clock.schedule(FIRST_BYTE_MS, giveUp);
				const cancelAttempt = clock.schedule(ATTEMPT_MS, giveUp);
				try {
					const { origin, pathname, search } = new URL(url);
					// No redirect is followed: undici does not unless asked to.
					const request = {
						path: pathname + search,
						method: 'POST' as const,
						headers: { ...headers, 'user-agent': USER_AGENT },
						body,
					};
					connections.dispatch(origin, request, exchange, timings);
				} catch (error) {
					exchange.onResponseError(null, error as Error);
				}
			}),
		close: () => connections.close(),
	};
}

const USER_AGENT = `cleanlist-relay/${VERSION}`;

function resultOf(answer: Answer, durationMs: number, timings: SendResult['timings']): SendResult {
	if (answer.status === null) {
		const error = classOf(answer.error);
		return { status: null, error, response: null, retryAfter: null, durationMs, timings };
	}
	const { status, retryAfter, start } = answer;
	const error = status >= 200 && status < 300 ? null : 'http';
	return { status, error, response: toText(start), retryAfter, durationMs, timings };
}

/** A character that is cut in two at the end is left out. */
const toText = (bytes: Buffer): string =>
	bytes.length === 0 ? '' : new TextDecoder().decode(bytes, { stream: true });
