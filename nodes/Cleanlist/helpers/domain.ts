import { plain } from './duplicates';

/** The domain in an address of a web site or a mailbox: `https://www.example.com/about` is `example.com`. */
export function bareDomain(value: string): string {
	return plain(value)
		.replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
		.replace(/[/?#:].*$/s, '')
		.replace(/^.*@/, '')
		.replace(/^www\./, '');
}
