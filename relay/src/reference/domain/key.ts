import { createHash } from 'node:crypto';

export const KEY_PREFIX = 'clapi_';

/** `clapi_` and 64 URL-safe characters out of 48 random bytes (G15). */
export const mintKey = (randomBytes: Buffer): string => KEY_PREFIX + randomBytes.toString('base64url');

/** Bytes of randomness in a minted key: 48 make exactly 64 URL-safe characters. */
export const KEY_BYTES = 48;

/** What is stored of a key besides its last four characters. */
export const hashKey = (key: string): Buffer => createHash('sha256').update(key).digest();

/** The key in an `Authorization` header, or null when the header is missing or is not `Bearer clapi_…`. */
export function keyFromHeader(authorization: string | undefined): string | null {
	const match = /^Bearer +(\S+) *$/i.exec(authorization ?? '');
	const key = match?.[1];
	return key?.startsWith(KEY_PREFIX) ? key : null;
}
