/** Limits on everything that comes from outside. */

/** The most bytes one webhook may have. The vendor's largest, 250 results, is about 0.4 MiB. */
export const MAX_EVENT_BYTES = 4 * 1024 * 1024;
/** The most bytes of a management request. */
export const MAX_REQUEST_BYTES = 64 * 1024;

/** Limits of a server; times in milliseconds. Tests make them short. */
export interface Limits {
	/** Connections open at once. Further ones are closed as they come. */
	connections: number;
	/** How long a request may take to arrive, its body included. The vendor gives up after 10 s. */
	requestMs: number;
	/** How long its headers may take, from the opening of the connection on. */
	headersMs: number;
	/** How long a connection may be silent in the middle of a request. */
	silenceMs: number;
	/** How long it may be idle between two requests. */
	idleMs: number;
	/** How often Node looks for requests that take too long, and so how late they are noticed. */
	checkMs: number;
	/** Size of all headers of a request together. */
	headerBytes: number;
	/** Requests over one connection, after which it is closed: load balancers then spread long-lived clients anew. */
	requestsPerConnection: number;
	/** Requests with an unknown token that one address may send in a minute. */
	unknownTokensPerMinute: number;
}

/** All but those the operator sets. */
export const LIMITS: Omit<Limits, 'connections'> = {
	requestMs: 30_000,
	headersMs: 10_000,
	silenceMs: 60_000,
	idleMs: 30_000,
	checkMs: 2_000,
	headerBytes: 16 * 1024,
	requestsPerConnection: 10_000,
	unknownTokensPerMinute: 60,
};
