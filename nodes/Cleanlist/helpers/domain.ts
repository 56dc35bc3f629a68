import { plain } from './duplicates';

/**
 * The domain in an address of a web site or a mailbox: `https://www.example.com/about` is `example.com`. Empty where there
 * is none: "N/A" or "-" in a column would make one company of all that have no web site.
 */
export function bareDomain(value: string): string {
	const domain = plain(value)
		.replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
		.replace(/[/?#:].*$/s, '')
		.replace(/^.*@/, '')
		.replace(/^www\./, '');
	return /^\S+\.[^\s.]{2,}\.?$/.test(domain) ? domain : '';
}
