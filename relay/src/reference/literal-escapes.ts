/** As long as a request may be for Node, so that an id too long for Fastify is an unknown one: a 404 like any other. */
export const MAX_PARAM_LENGTH = 16 * 1024;

/**
 * A path with a `%` that begins no escape, or with escapes that are no UTF-8, counts as it is written. So it names a
 * list that is not there, and not something that only Fastify has an answer to.
 */
export function literalEscapes(url: string): string {
	const at = url.indexOf('?');
	const path = at < 0 ? url : url.slice(0, at);
	try {
		decodeURIComponent(path);
		return url;
	} catch {
		return path.replaceAll('%', '%25') + url.slice(path.length);
	}
}
