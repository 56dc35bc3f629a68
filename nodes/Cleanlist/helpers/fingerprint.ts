import { createHash } from 'crypto';

/** A short text that is the same for the same parts, and for no others: what makes a repeated request recognisable. */
export function fingerprint(...parts: (string | number | null | readonly string[])[]): string {
	return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
