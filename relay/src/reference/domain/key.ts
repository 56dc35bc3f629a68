import { sha256 } from '../../crypto.ts';

export const KEY_PREFIX = 'clapi_';

/** `clapi_` and 64 URL-safe characters out of 48 random bytes (G15). */
export const mintKey = (randomBytes: Buffer, prefix: string = KEY_PREFIX): string =>
	prefix + randomBytes.toString('base64url');

/** Bytes of randomness in a minted key: 48 make exactly 64 URL-safe characters. */
export const KEY_BYTES = 48;

/** What is stored of a key besides its last four characters, and of a session token. */
export const hashKey = (key: string): Buffer => sha256(key);

/** What stands in for the vendor's login where a `clapi_` key is not let in. */
export const SESSION_PREFIX = 'sess_';
export const SESSION_BYTES = 32;

export const mintSessionToken = (randomBytes: Buffer): string =>
	SESSION_PREFIX + randomBytes.toString('base64url');

/** The key or token in an `Authorization` header, or null when it is not `Bearer …`. */
export const bearerOf = (authorization: string): string | null =>
	/^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? null;
