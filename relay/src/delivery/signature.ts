import { createHmac, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** The key in a secret (`whsec_` + base64). To be kept: it signs 2 KiB in 4 µs, and with the making of it in 14. */
export const signingKey = (secret: string): KeyObject =>
	createSecretKey(Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));

/**
 * The headers that let a receiver trust a delivery, by the Standard Webhooks specification (symmetric, `v1`):
 * HMAC-SHA256 over `id.timestamp.body`, one signature for each secret.
 *
 * By node:crypto and not by the `standardwebhooks` library, whose hash is written in JavaScript (1 ms for a body of
 * 120 KiB, against 0.1 ms) and which signs text where this signs bytes. A test has the library verify what this signs.
 *
 * @param keys the one that is good, and the one before while that still is
 * @param nowMs ms since the epoch
 */
export function signatureHeaders(keys: KeyObject[], id: string, nowMs: number, body: Buffer) {
	const timestamp = Math.floor(nowMs / 1000);
	const signatures = keys.map((key) => {
		const hash = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body);
		return `v1,${hash.digest('base64')}`;
	});
	return {
		'webhook-id': id,
		'webhook-timestamp': String(timestamp),
		'webhook-signature': signatures.join(' '),
	};
}
