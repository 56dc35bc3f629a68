/** Class of a failure, for operators: where it went wrong, not the system's wording. */
export type FailureClass =
	/** The address is not delivered to (address-guard.ts). */
	| 'blocked'
	| 'dns'
	| 'connect'
	| 'tls'
	| 'timeout'
	/** The connection broke off, or was closed without an answer. */
	| 'reset'
	/** What came is no HTTP answer that can be read. */
	| 'protocol'
	/** An answer that is not a 2xx. */
	| 'http'
	| 'other';

/** The time an attempt may take is over. */
export class TimedOut extends Error {
	override readonly name = 'TimedOut';
}

const CLASSES: Record<string, FailureClass> = {
	ADDRESS_REFUSED: 'blocked',
	ENOTFOUND: 'dns',
	EAI_AGAIN: 'dns',
	ECONNREFUSED: 'connect',
	EHOSTUNREACH: 'connect',
	ENETUNREACH: 'connect',
	EADDRNOTAVAIL: 'connect',
	ETIMEDOUT: 'connect',
	UND_ERR_CONNECT_TIMEOUT: 'connect',
	ECONNRESET: 'reset',
	EPIPE: 'reset',
	UND_ERR_SOCKET: 'reset',
	UND_ERR_HEADERS_OVERFLOW: 'protocol',
	UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'protocol',
};

/** The class of what a request was rejected with. */
export function classOf(error: unknown): FailureClass {
	if (error instanceof TimedOut) return 'timeout';
	const { name, code: given, errors } = error as { name?: string; code?: unknown; errors?: unknown[] };
	// That of a DOMException (broken off) is a number.
	const code = typeof given === 'string' ? given : '';
	// "Happy eyeballs": one error for each address tried.
	if (error instanceof AggregateError && errors?.length) return classOf(errors[0]);
	if (/CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET)|^ERR_(TLS|SSL)|^EPROTO$/.test(code)) return 'tls';
	if (name === 'HTTPParserError') return 'protocol';
	return CLASSES[code] ?? 'other';
}
