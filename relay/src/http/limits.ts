/** Limits on everything that comes from outside. */

/** The most bytes one webhook may have. The vendor's largest, 250 results, is about 0.4 MiB. */
export const MAX_EVENT_BYTES = 4 * 1024 * 1024;
/** The most bytes of a management request. */
export const MAX_REQUEST_BYTES = 64 * 1024;
/** Requests with an unknown token that one address may send in a minute. */
export const UNKNOWN_TOKENS_PER_MINUTE = 60;

/** How long a request may take to arrive. The vendor gives up after 10 s. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** How long its headers may take. */
export const HEADERS_TIMEOUT_MS = 10_000;
/** How long a connection may be silent, in the middle of a request or between two. */
export const CONNECTION_TIMEOUT_MS = 60_000;
export const KEEP_ALIVE_TIMEOUT_MS = 30_000;
