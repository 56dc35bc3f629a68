/** Characters a profile's name in its address may have. */
const SLUG = /^[\p{L}\p{M}\p{N}_~'-]{1,100}$/u;

/**
 * The one form of a profile's address, `https://www.linkedin.com/in/<slug>`, of the many that people paste:
 * with or without scheme, `www`, country or mobile host, what follows the slug, query and fragment, in any case,
 * percent-encoded or not, `in/<slug>` alone, or the bare slug.
 *
 * @returns null when the text is not a LinkedIn profile
 */
export function canonicalProfile(value: string): string | null {
	const slug = slugOf(value.trim());
	return slug === null ? null : `https://www.linkedin.com/in/${encodeURIComponent(slug)}`;
}

function slugOf(value: string): string | null {
	const afterHost = /^(?:https?:\/\/)?(?:[a-z]{1,3}\.)?linkedin\.com\/(.*)$/is.exec(value)?.[1];
	const path = (afterHost ?? value).replace(/[?#].*$/s, '').replace(/^\//, '');
	const slug = /^in\/([^/]+)/i.exec(path)?.[1] ?? (afterHost === undefined ? path : '');
	try {
		const decoded = decodeURIComponent(slug).normalize('NFC').toLowerCase();
		return SLUG.test(decoded) ? decoded : null;
	} catch {
		return null;
	}
}
