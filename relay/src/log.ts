import pino from 'pino';
import type { LogFormat, LogLevel } from './config.ts';

export type { Logger } from 'pino';

export interface LogOutput {
	write(text: string): void;
}

/**
 * Creates the process's logger: one JSON object a line, or a compact line for people.
 *
 * Secrets and e-mail addresses are kept out twice: fields that carry them by name are censored by pino, and the
 * finished line is scrubbed of everything that has the look of one, because sooner or later somebody logs an
 * error whose message quotes a URL or a body.
 */
export function createLogger(options: {
	level: LogLevel;
	format: 'json' | 'pretty';
	output: LogOutput;
}): pino.Logger {
	const { level, format, output } = options;
	return pino(
		{ level, base: undefined, redact: { paths: SECRET_FIELDS, censor: '<redacted>' } },
		{
			write(line: string) {
				const clean = scrub(line);
				output.write(format === 'pretty' ? pretty(clean) : clean);
			},
		},
	);
}

/**
 * Standard output for logs, buffered, so that a reader that stalls never holds up a webhook. The lines of one turn of the
 * event loop are written together: under load that is 2 µs a line, and 20 with a write for each.
 */
export function stdoutLog(): LogOutput & { flush(done: () => void): void } {
	const stream = pino.destination({ fd: 1, sync: false });
	// Whoever read the logs is gone. The relay's work goes on without them.
	stream.on('error', () => {});
	let lines = '';
	function writeLines(): void {
		const text = lines;
		lines = '';
		if (text !== '') stream.write(text);
	}
	return {
		write: (text) => {
			if (lines === '') setImmediate(writeLines);
			lines += text;
		},
		flush: (done) => {
			writeLines();
			try {
				// Not flushSync: it knows nothing of a write under way, which an exit right after it would lose.
				stream.flush(() => done());
			} catch {
				// Not open yet, or its reader is gone: there is nobody to tell.
				done();
			}
		},
	};
}

export function chooseFormat(format: LogFormat, isTerminal: boolean): 'json' | 'pretty' {
	if (format === 'auto') return isTerminal ? 'pretty' : 'json';
	return format;
}

/** Of the top level only: with wildcards for the levels below, a line costs 14 µs instead of 0.9. */
const SECRET_FIELDS = ['authorization', 'cookie', 'token', 'secret', 'key', 'api_key', 'apiKey', 'password'];

/** A JSON escape. Matched first and kept, so that nothing below starts in the middle of one and breaks the JSON. */
const ESCAPE = String.raw`\\u[0-9a-fA-F]{4}|\\.`;
const SECRETS = [
	String.raw`(?<prefix>crt_|clapi_|whsec_)(?:[\w+/=-]|%2[BF]|%3D)+`,
	// The ingest token, in a path, a full URL, a URL inside a query, or with its slashes escaped.
	String.raw`(?<ingest>(?:/|%2F)in\\*(?:/|%2F))[^\s"'\\?#&/<>]+`,
	// One by itself, where an id should be: 256 bits in base64url. No id has that length.
	String.raw`(?<![\w-])[\w-]{43}(?![\w-])`,
	String.raw`(?<scheme>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}`,
];
const TOKENS = new RegExp([`(?<escape>${ESCAPE})`, ...SECRETS].join('|'), 'gi');
/** Where text is no serialized line, a header or a field of this name hides its value, whatever that looks like. */
const TOKENS_IN_TEXT = new RegExp(
	[String.raw`(?<header>\bauthorization["'\\]*\s*[:=]\s*["'\\]*)[^\r\n"'\\<>]+`, ...SECRETS].join('|'),
	'gi',
);
/** Local part at most 64 long (RFC 5321), which also bounds the search; the last label starts with a letter. */
const EMAILS = new RegExp(
	String.raw`(?<escape>${ESCAPE})|[^\s"\\<>()[\],:;/@]{1,64}(?:@|%40)(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}[\p{L}\p{N}-]{1,62}`,
	'giu',
);

/** Takes tokens, keys, signing secrets, ingest tokens in URLs and e-mail addresses out of a serialized line. */
export function scrub(line: string): string {
	const withoutTokens = plainly(line).replace(TOKENS, censor);
	if (!withoutTokens.includes('@') && !withoutTokens.includes('%40')) return withoutTokens;
	return withoutTokens.replace(EMAILS, (match, escape?: string) =>
		escape === undefined ? '<e-mail>' : match,
	);
}

/** Letters, digits and the like that are percent-encoded, as they are: in a URL that means the same (RFC 3986, 6.2.2.2). */
const plainly = (line: string): string =>
	line.includes('%') ? line.replace(/%[2-7][\da-f]/gi, decodeUnreserved) : line;

function decodeUnreserved(escape: string): string {
	const character = decoded(escape);
	return /[\w.~-]/.test(character) ? character : escape;
}

const decoded = (escape: string) => String.fromCharCode(parseInt(escape.slice(1), 16));

/**
 * Takes tokens, keys, signing secrets, ingest tokens in URLs and `Authorization` values out of a text from outside, percent-encoded
 * ones too. All else stays as it is spelt, and so do e-mail addresses.
 *
 * @param known secrets to look for as they are, whatever they look like
 */
export function redactSecrets(text: string, known: string[] = []): string {
	const patterns = [...known.map((secret) => new RegExp(secret.replace(/\W/g, '\\$&'), 'g')), TOKENS_IN_TEXT];
	return patterns.reduce(redact, text);
}

function redact(text: string, pattern: RegExp): string {
	if (!text.includes('%')) return text.replace(pattern, censor);
	// Each character as it is spelt, and as what it is looked for.
	const spelt = text.match(/%[2-7][\da-f]|[^]/gi)!;
	const plain = spelt.map((one) => (one.length === 3 ? decoded(one) : one)).join('');
	const parts: string[] = [];
	let end = 0;
	for (const match of plain.matchAll(pattern)) {
		parts.push(...spelt.slice(end, match.index + kept(match.groups).length), REDACTED);
		end = match.index + match[0].length;
	}
	return [...parts, ...spelt.slice(end)].join('');
}

const REDACTED = '<redacted>';

type Groups = Partial<Record<'escape' | 'header' | 'prefix' | 'ingest' | 'scheme', string>>;

/** What a secret begins with, and may be shown. */
const kept = ({ header, prefix, ingest, scheme }: Groups = {}): string =>
	header ?? prefix ?? ingest ?? scheme ?? '';

function censor(match: string, ...rest: unknown[]): string {
	const last = rest.at(-1);
	const groups = typeof last === 'object' ? (last as Groups) : {};
	return groups.escape === undefined ? kept(groups) + REDACTED : match;
}

/** `09:14:03.120 info  event stored event_id=evt_1` */
function pretty(line: string): string {
	const { level, time, msg, err, ...fields } = JSON.parse(line) as {
		level: number;
		time: number;
		msg?: string;
		err?: { stack?: string };
	} & Record<string, unknown>;
	const parts = [
		new Date(time).toISOString().slice(11, 23),
		(pino.levels.labels[level] ?? String(level)).padEnd(5),
		visible(msg ?? ''),
		...Object.entries(fields).map(([name, value]) => `${visible(name)}=${visible(plain(value))}`),
	];
	const stack = err?.stack ? `${err.stack.split('\n').map(visible).join('\n    ')}\n` : '';
	return `${parts.join(' ')}\n${stack}`;
}

const plain = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

/** Spells control characters out: what comes from outside must not move the cursor or fake another line. */
const visible = (text: string) =>
	text.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
