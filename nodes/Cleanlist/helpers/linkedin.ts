/** What follows the host of a LinkedIn address, whatever the country or mobile host. */
const ON_LINKEDIN = /^(?:https?:\/\/)?(?:[a-z]{1,3}\.)?linkedin\.com\/(.*)$/is;

/**
 * One form for the many ways to write a profile's address: without scheme, host, query, what follows the profile's
 * name, percent-encoding and case. Null for what is no profile, such as a company's page or "N/A".
 */
export function canonicalProfile(value: string): string | null {
	const text = value.trim();
	const path = (ON_LINKEDIN.exec(text)?.[1] ?? text).replace(/[?#].*$/s, '').replace(/^\/+/, '');
	const name = /^in\/([^/]+)/i.exec(path)?.[1];
	return name === undefined ? null : `in/${decoded(name).normalize('NFC').toLowerCase()}`;
}

function decoded(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}
