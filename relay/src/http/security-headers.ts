/**
 * On every answer, errors and what never became a request included. Pages need more and say so themselves (see
 * `sendPage`).
 */
export const SECURITY_HEADERS = {
	'x-content-type-options': 'nosniff',
	'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
	'cross-origin-resource-policy': 'same-origin',
	'referrer-policy': 'no-referrer',
	'cache-control': 'no-store',
} as const;
