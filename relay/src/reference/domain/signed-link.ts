import { createHmac, timingSafeEqual } from 'node:crypto';

/** The signature of a link to a file that holds until `expires` (ms since the epoch): HMAC-SHA256, in hex. */
export const signLink = (secret: Uint8Array, fileId: string, expires: number | string): string =>
	createHmac('sha256', secret).update(`${fileId}\n${expires}`).digest('hex');

/** @param expires as it stands in the link: any other spelling of the same time is another link */
export function isSignedLink(
	secret: Uint8Array,
	fileId: string,
	expires: string,
	signature: string,
): boolean {
	const expected = Buffer.from(signLink(secret, fileId, expires));
	const given = Buffer.from(signature);
	return given.length === expected.length && timingSafeEqual(given, expected);
}
