import { Agent } from 'undici';
import type { Clock } from '../clock.ts';
import { VERSION } from '../version.ts';
import type { AddressGuard } from './address-guard.ts';

/** Limits of one attempt, in ms and bytes. Connecting is limited by the address guard's connector (5 s). */
export const FIRST_BYTE_MS = 10_000;
export const ATTEMPT_MS = 15_000;
export const MAX_RESPONSE_BYTES = 16 * 1024;

/** Class of a failure, for operators: where it went wrong, not the system's wording. */
export type FailureClass = 'blocked' | 'dns' | 'connect' | 'tls' | 'timeout' | 'reset' | 'http' | 'other';

export interface SendResult {
	/** HTTP status; null when no answer came. */
	status: number | null;
	/** Null on a 2xx. */
	error: FailureClass | null;
	/** The first 16 KiB of the answer. */
	response: string | null;
	retryAfter: string | null;
	durationMs: number;
}

export interface Sender {
	/** Posts once. Never rejects: what went wrong is in the result. `signal` breaks the attempt off. */
	send(
		request: { url: string; headers: Record<string, string>; body: Buffer },
		signal: AbortSignal,
	): Promise<SendResult>;
	close(): Promise<void>;
}

export function createSender(options: { clock: Clock; guard: AddressGuard }): Sender {
	const { clock, guard } = options;
	// Time limits come from the clock below, so undici's own are off. No redirect is followed unless asked to.
	const agent = new Agent({ connect: guard.connector, headersTimeout: 0, bodyTimeout: 0, pipelining: 1 });

	return {
		async send({ url, headers, body }, signal) {
			const started = clock.monotonic();
			const limit = new AbortController();
			const giveUp = () => limit.abort(new TimedOut());
			const cancelAttempt = clock.schedule(ATTEMPT_MS, giveUp);
			const cancelFirstByte = clock.schedule(FIRST_BYTE_MS, giveUp);
			const done = (result: Omit<SendResult, 'durationMs'>): SendResult => ({
				...result,
				durationMs: clock.monotonic() - started,
			});
			try {
				const { origin, pathname, search } = new URL(url);
				const answer = await agent.request({
					origin,
					path: pathname + search,
					method: 'POST',
					headers: { ...headers, 'user-agent': `cleanlist-relay/${VERSION}` },
					body,
					signal: AbortSignal.any([signal, limit.signal]),
				});
				cancelFirstByte();
				const status = answer.statusCode;
				const retryAfter = answer.headers['retry-after'];
				return done({
					status,
					error: status >= 200 && status < 300 ? null : 'http',
					response: await readStart(answer.body),
					retryAfter: typeof retryAfter === 'string' ? retryAfter : null,
				});
			} catch (error) {
				return done({ status: null, error: classOf(error), response: null, retryAfter: null });
			} finally {
				cancelFirstByte();
				cancelAttempt();
			}
		},
		close: () => agent.destroy(),
	};
}

class TimedOut extends Error {
	override readonly name = 'TimedOut';
}

/** The answer's start. The status has decided already, so a body that breaks off or never ends changes nothing. */
async function readStart(body: AsyncIterable<Buffer>): Promise<string> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	try {
		for await (const chunk of body) {
			chunks.push(chunk);
			bytes += chunk.length;
			if (bytes >= MAX_RESPONSE_BYTES) break;
		}
	} catch {
		// What came is what there is.
	}
	return Buffer.concat(chunks).subarray(0, MAX_RESPONSE_BYTES).toString('utf8');
}

const CLASSES: Record<string, FailureClass> = {
	ADDRESS_REFUSED: 'blocked',
	ENOTFOUND: 'dns',
	EAI_AGAIN: 'dns',
	ECONNREFUSED: 'connect',
	EHOSTUNREACH: 'connect',
	ENETUNREACH: 'connect',
	EADDRNOTAVAIL: 'connect',
	UND_ERR_CONNECT_TIMEOUT: 'connect',
	ECONNRESET: 'reset',
	EPIPE: 'reset',
	UND_ERR_SOCKET: 'reset',
};

function classOf(error: unknown): FailureClass {
	if (error instanceof TimedOut) return 'timeout';
	const { code = '', errors } = error as { code?: string; errors?: unknown[] };
	// "Happy eyeballs": one error for each address tried.
	if (error instanceof AggregateError && errors?.length) return classOf(errors[0]);
	if (/CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|^ERR_(TLS|SSL)|^EPROTO$/.test(code)) return 'tls';
	return CLASSES[code] ?? 'other';
}
