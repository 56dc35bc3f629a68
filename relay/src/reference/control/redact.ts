/** Most bytes of a body that are kept to be looked at. */
export const BODY_LIMIT = 8 * 1024;

/** A slash as it may be written in JSON or inside a query. */
const SLASH = String.raw`(?:\\?/|%2F)`;
const SECRETS = new RegExp(
	[
		String.raw`(?<prefix>clapi_|clext_|sess_|crt_|whsec_)[\w+/=-]+`,
		String.raw`(?<ingest>${SLASH}in${SLASH})[^\s"'\\?#&/<>]+`,
		String.raw`(?<signature>\bsignature=)[\w-]+`,
	].join('|'),
	'gi',
);

/** Takes keys, session tokens, ingest tokens in URLs and signatures of links out of a text. */
export const redact = (text: string): string =>
	text.replace(SECRETS, (_match, ...rest) => {
		const { prefix, ingest, signature } = rest.at(-1) as Record<string, string | undefined>;
		return `${prefix ?? ingest ?? signature}<redacted>`;
	});

export interface KeptBody {
	text: string;
	/** Of the whole body. */
	bytes: number;
	truncated: boolean;
}

/** The beginning of a body, without its secrets; null when there was none. */
export function keepBody(body: Buffer | string | null | undefined): KeptBody | null {
	if (body === null || body === undefined || body.length === 0) return null;
	const bytes = Buffer.byteLength(body);
	// Cut first: what a cut leaves of a key still begins like one.
	const start = typeof body === 'string' ? Buffer.from(body.slice(0, BODY_LIMIT)) : body;
	const text = new TextDecoder('utf-8').decode(start.subarray(0, BODY_LIMIT), { stream: true });
	return { text: redact(text), bytes, truncated: bytes > BODY_LIMIT };
}
