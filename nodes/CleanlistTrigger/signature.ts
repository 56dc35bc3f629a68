import { createHmac, timingSafeEqual } from 'crypto';

/** How far the sender's clock, and a delivery on its way, may be off. The relay signs anew for every attempt. */
export const TOLERANCE_S = 300;

export interface SignedHeaders {
	id: unknown;
	/** Seconds since the epoch, as text. */
	timestamp: unknown;
	/** `v1,<base64>`; several, separated by spaces, while a secret is being rotated. */
	signature: unknown;
}

export type Verdict = 'ok' | 'unsigned' | 'stale' | 'forged' | 'no-secret';

/**
 * Verifies a delivery by the Standard Webhooks specification (symmetric, `v1`): HMAC-SHA256 over
 * `id.timestamp.body` with the secret's bytes.
 *
 * @param secret `whsec_` + base64
 * @param nowMs milliseconds since the epoch
 */
export function verifySignature(
	secret: unknown,
	{ id, timestamp, signature }: SignedHeaders,
	body: Buffer,
	nowMs: number,
): Verdict {
	const key = Buffer.from(typeof secret === 'string' ? secret.replace(/^whsec_/, '') : '', 'base64');
	if (key.length === 0) return 'no-secret';
	if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') {
		return 'unsigned';
	}
	if (!/^\d{1,12}$/.test(timestamp)) return 'unsigned';
	if (Math.abs(nowMs / 1000 - Number(timestamp)) > TOLERANCE_S) return 'stale';
	const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
	const matches = signature.split(' ').some((part) => {
		const [version, encoded] = part.split(',', 2);
		if (version !== 'v1' || encoded === undefined) return false;
		const given = Buffer.from(encoded, 'base64');
		return given.length === expected.length && timingSafeEqual(given, expected);
	});
	return matches ? 'ok' : 'forged';
}
