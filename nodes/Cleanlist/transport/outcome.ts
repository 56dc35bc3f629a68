import type { IDataObject } from 'n8n-workflow';

export interface ApiResponse {
	status: number;
	body: unknown;
	/** What `Retry-After` (or the body's `retry_after_ms`) asks for, in milliseconds. */
	retryAfterMs: number | null;
	/** Where a 3xx points. */
	location: string | null;
}

/** What became of one request. */
export type Outcome =
	| { kind: 'answered'; response: ApiResponse }
	/** It was not sent, because its turn would have come after the run's deadline. */
	| { kind: 'late' }
	| {
			kind: 'unreachable';
			cause: Error;
			/** The system's code, e.g. `ECONNREFUSED`; null when there is none. */
			code: string | null;
			/** True only when it is certain that the server never got the request. */
			neverSent: boolean;
			/** Whether trying again can help: not for a wrong certificate or a cancelled run. */
			mayPass: boolean;
	  };

/** No connection was made, so nothing was processed. */
const NO_CONNECTION = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
/** The connection was given up before the request was written, and would be given up again. */
const NO_TRUST = /CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|^ERR_TLS|^EPROTO$|^ERR_INVALID_URL$/;

export function answered(
	full: { statusCode: number; body: unknown; headers: IDataObject },
	nowMs: number,
): Outcome {
	const { headers, body } = full;
	return {
		kind: 'answered',
		response: {
			status: full.statusCode,
			body,
			retryAfterMs: retryAfter(headers['retry-after'], nowMs) ?? retryAfterInBody(body),
			location: typeof headers.location === 'string' ? headers.location : null,
		},
	};
}

export function unreachable(cause: Error): Outcome {
	const code = systemCode(cause);
	const noTrust = code !== null && NO_TRUST.test(code);
	return {
		kind: 'unreachable',
		cause,
		code,
		neverSent: noTrust || (code !== null && NO_CONNECTION.has(code)),
		mayPass: !noTrust && code !== 'ERR_CANCELED',
	};
}

/** `Retry-After` is whole seconds or an HTTP date. */
function retryAfter(header: unknown, nowMs: number): number | null {
	if (typeof header !== 'string' || header.trim() === '') return null;
	const seconds = Number(header);
	if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
	const date = Date.parse(header);
	return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}

function retryAfterInBody(body: unknown): number | null {
	const error = (body as { error?: { retry_after_ms?: unknown } } | null)?.error;
	const ms = error?.retry_after_ms;
	return typeof ms === 'number' && ms >= 0 ? ms : null;
}

/** n8n wraps the client's error; the system's code is somewhere down the chain of causes. */
function systemCode(error: unknown): string | null {
	let current: unknown = error;
	for (let depth = 0; depth < 6 && current !== null && typeof current === 'object'; depth++) {
		const { code, cause } = current as { code?: unknown; cause?: unknown };
		if (typeof code === 'string') return code;
		current = cause;
	}
	return null;
}
