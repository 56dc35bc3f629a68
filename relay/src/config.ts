import { resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { closest } from './closest.ts';
import { MANAGEMENT_TOKEN } from './management-token.ts';
import { parseLimits } from './reference/limits.ts';
import type { RateLimits } from './reference/limits.ts';
import type { RetentionRules } from './retention.ts';
import { parseSealingKeys } from './sealing.ts';
import type { SealingKey } from './sealing.ts';
import { DatabaseUrlError, readDatabaseUrl } from './store/postgres/address.ts';

/** Everything an operator can set, from environment variables; docs/relay.md has the table. */
export interface Config {
	host: string;
	/** 0: a free port is chosen. */
	port: number;
	/** What callers reach the relay under, no trailing slash; null: the address it listens on. */
	publicUrl: string | null;
	/** Absolute path. */
	dataFolder: string;
	/** The PostgreSQL that holds the events; null: SQLite, in the data folder. */
	databaseUrl: string | null;
	/** What relays on one database share; null: the one of the key file. */
	masterKey: Buffer | null;
	sealingKeys: SealingKey[] | null;
	reference: {
		enabled: boolean;
		/** How long a workflow takes, in milliseconds; null: the reference's own default. */
		completionMs: number | null;
		/** Null: the reference's own default. */
		limits: RateLimits | 'off' | null;
		/** Who may steer it, under /reference. */
		control: 'loopback' | 'anywhere' | 'off';
	};
	/** Networks (CIDR), addresses and host names that deliveries may go to although they are private. */
	allow: string[];
	/** Proxies whose X-Forwarded-For is believed. */
	trustProxy: string[];
	/** Connections open at once; further ones are closed as they come. */
	maxConnections: number;
	/** The first management token; null: the one of the key file. */
	token: string | null;
	/** Whether /metrics needs no token. */
	openMetrics: boolean;
	/** Whether the first start shows the new keys on the screen. */
	showKeys: boolean;
	log: { level: LogLevel; format: LogFormat };
	/** Bytes of the data folder's file system that webhooks may not use up. */
	diskReserveBytes: number;
	/** Whether the bodies of new events are encrypted at rest. Secrets always are. */
	encryptBodies: boolean;
	/** How long things are kept, in milliseconds; null: for good. */
	retention: RetentionRules;
	/** How long everything goes on while readiness fails already, in milliseconds. */
	shutdownGraceMs: number;
	/** How long a shutdown waits for work under way, in milliseconds. */
	shutdownBudgetMs: number;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
const LOG_FORMATS = ['auto', 'json', 'pretty'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** n8n usually runs on the same machine as a relay that only this machine can reach. */
const LOOPBACK = ['127.0.0.0/8', '::1/128', 'localhost'];
const PROXY_KEYWORDS = ['loopback', 'linklocal', 'uniquelocal'];
/** One whose last part is a number would be read as an address, as 8080 is 0.0.31.144. */
const HOST_NAME =
	/^(?=.{1,253}$)(?!(.*\.)?(\d+|0x[\da-f]*)\.?$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;

/** The configuration can't be used. The message has one sentence for each fault, a line each. */
export class ConfigError extends Error {
	override readonly name = 'ConfigError';
}

const wholeNumber = (min: number, max: number) =>
	z
		.string()
		.regex(/^\d{1,9}$/)
		.transform(Number)
		.refine((value) => value >= min && value <= max);

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) => z.enum(values);
const list = (accepts: (entry: string) => boolean) =>
	z
		.string()
		.transform((value) =>
			value
				.split(',')
				.map((entry) => entry.trim())
				.filter((entry) => entry !== ''),
		)
		.refine((entries) => entries.every(accepts));

const DAY_MS = 86_400_000;
/** In milliseconds; `off`: null. */
const daysOrOff = z.union([
	z.literal('off').transform(() => null),
	wholeNumber(1, 36_500).transform((days) => days * DAY_MS),
]);
const DAYS_EXPECTED = 'off, or a whole number of days from 1 to 36500, e.g. 30';

/**
 * What SQLite may still have to write when webhooks are refused: the database file grows for what the log holds (8 MiB
 * and a batch), and 4 MiB may have been admitted since the last look. With less, deliveries might not go on.
 */
const LEAST_RESERVE_MIB = 16;
/** Where nothing is set. */
export const USUAL_RESERVE_MIB = 256;

/** Written out: shortened or with leading zeroes it means something else than it seems to; 10/8 is 0.0.0.0/8. */
const isAddress = (entry: string) => ipaddr.IPv4.isValidFourPartDecimal(entry) || ipaddr.IPv6.isValid(entry);
const isNetwork = (entry: string) =>
	isAddress(entry) || ipaddr.IPv4.isValidCIDRFourPartDecimal(entry) || ipaddr.IPv6.isValidCIDR(entry);
/** One of IPv4 in the notation of IPv6. */
const isMappedNetwork = (entry: string) =>
	ipaddr.IPv6.isValidCIDR(entry) && ipaddr.IPv6.parseCIDR(entry)[0].isIPv4MappedAddress();

interface Variable {
	/** What it sets. */
	about: string;
	/** Its default, in words. */
	usually: string;
	schema: z.ZodType;
	/** What to say of a value of another form: "… must be <expected>." */
	expected: string;
	/** Its value is never repeated. */
	secret?: true;
}

const VARIABLES = {
	RELAY_HOST: {
		about: 'Address to listen on',
		usually: '127.0.0.1',
		schema: z.string().refine((value) => isAddress(value) || HOST_NAME.test(value)),
		expected: 'an address or host name to listen on, e.g. 127.0.0.1 or 0.0.0.0',
	},
	RELAY_PORT: {
		about: 'Port to listen on',
		usually: '8717',
		schema: wholeNumber(0, 65_535),
		expected: 'a whole number from 0 (any free port) to 65535, e.g. 8717',
	},
	RELAY_PUBLIC_URL: {
		about: 'What others reach the relay under',
		usually: 'the address it listens on',
		schema: z.string().transform(publicUrl),
		expected: 'an http or https URL without query or password, e.g. https://relay.example.com',
	},
	RELAY_DATA: {
		about: 'Folder for keys and databases',
		usually: '.cleanlist-relay',
		schema: z.string(),
		expected: 'the path of a folder',
	},
	DATABASE_URL: {
		about: 'PostgreSQL to keep the events in',
		usually: 'SQLite, in the data folder',
		schema: z.string(),
		expected: 'postgres://<user>:<password>@<host>:<port>/<database>',
		secret: true,
	},
	RELAY_MASTER_KEY: {
		about: 'The master key, shared by relays on one database',
		usually: 'the one in keys/master-key',
		schema: z
			.string()
			.regex(/^[A-Za-z0-9+/]{43}=$/)
			.transform((value) => Buffer.from(value, 'base64')),
		expected: '32 bytes in base64, e.g. what openssl rand -base64 32 prints',
		secret: true,
	},
	RELAY_SEALING_KEYS: {
		about: 'The sealing keys, shared likewise, separated by commas',
		usually: 'those in keys/sealing-keys',
		schema: z.string().transform(sealingKeys),
		expected: 'the lines of a file keys/sealing-keys, separated by commas: "<number> <32 bytes in base64>"',
		secret: true,
	},
	RELAY_REFERENCE: {
		about: 'The reference API: on or off',
		usually: 'on for a local run',
		schema: oneOf(['on', 'off']),
		expected: 'on or off',
	},
	RELAY_REFERENCE_COMPLETION_MS: {
		about: 'How long an enrichment takes there',
		usually: '1500',
		schema: wholeNumber(0, 86_400_000),
		expected: 'a whole number of milliseconds from 0 to 86400000, e.g. 1500',
	},
	RELAY_REFERENCE_LIMITS: {
		about: 'Its rate limits: <per key>/<per organization> or off',
		usually: "the vendor's",
		schema: z.string().transform(referenceLimits),
		expected: 'off, or requests a minute for each key and for each organization, e.g. 60/300',
	},
	RELAY_REFERENCE_CONTROL: {
		about: 'Who may steer it: loopback, anywhere or off',
		usually: 'loopback',
		schema: oneOf(['loopback', 'anywhere', 'off']),
		expected: 'loopback (processes of this machine), anywhere (whoever reaches the port) or off',
	},
	RELAY_ALLOW: {
		about: 'Private networks and hosts that deliveries may go to',
		usually: 'loopback if it listens there, or none',
		schema: list((entry) => (isNetwork(entry) && !isMappedNetwork(entry)) || HOST_NAME.test(entry)),
		expected:
			'a comma-separated list of networks (of IPv4 without ::ffff:), addresses or host names, e.g. 10.0.0.0/8,n8n.internal',
	},
	RELAY_TRUST_PROXY: {
		about: 'Proxies whose X-Forwarded-For is believed',
		usually: 'none',
		schema: list((entry) => (isNetwork(entry) && !/\/0+$/.test(entry)) || PROXY_KEYWORDS.includes(entry)),
		expected: `a comma-separated list of addresses, networks (none of all addresses: then anybody could make the header up) or ${PROXY_KEYWORDS.join(', ')}, e.g. 127.0.0.1`,
	},
	RELAY_MAX_CONNECTIONS: {
		about: 'Connections open at once',
		usually: '1000',
		schema: wholeNumber(1, 65_535),
		expected: 'a whole number from 1 to 65535, e.g. 1000',
	},
	RELAY_TOKEN: {
		about: 'The first management token',
		usually: 'the one in keys/relay-token',
		schema: z.string().regex(MANAGEMENT_TOKEN),
		expected: 'crt_ and 43 characters of A-Z, a-z, 0-9, _ and -',
		secret: true,
	},
	RELAY_METRICS: {
		about: 'Who may read /metrics: token or open',
		usually: 'token',
		schema: oneOf(['token', 'open']),
		expected: 'token (with the scope read) or open (whoever reaches the port)',
	},
	RELAY_SHOW_KEYS: {
		about: 'Show new keys: first-start or never',
		usually: 'first-start',
		schema: oneOf(['first-start', 'never']),
		expected: 'first-start or never',
	},
	RELAY_LOG_LEVEL: {
		about: 'trace, debug, info, warn, error, fatal or silent',
		usually: 'info',
		schema: oneOf(LOG_LEVELS),
		expected: `one of ${LOG_LEVELS.join(', ')}`,
	},
	RELAY_LOG_FORMAT: {
		about: 'json, pretty, or auto (pretty on a terminal)',
		usually: 'auto',
		schema: oneOf(LOG_FORMATS),
		expected: `one of ${LOG_FORMATS.join(', ')}`,
	},
	RELAY_ENCRYPT_BODIES: {
		about: 'Whether bodies are encrypted at rest: on or off',
		usually: 'off',
		schema: oneOf(['on', 'off']),
		expected: 'on or off',
	},
	RELAY_DISK_RESERVE_MIB: {
		about: 'Disk space that webhooks may not use up',
		usually: String(USUAL_RESERVE_MIB),
		schema: z.union([z.literal('0').transform(Number), wholeNumber(LEAST_RESERVE_MIB, 1_048_576)]),
		expected: `0 for none, or a whole number of MiB from ${LEAST_RESERVE_MIB} to 1048576, e.g. ${USUAL_RESERVE_MIB}`,
	},
	RELAY_RETENTION_PENDING_DAYS: {
		about: 'Days that deliveries wait for a receiver that is down, or off',
		usually: '7',
		schema: daysOrOff,
		expected: DAYS_EXPECTED,
	},
	RELAY_RETENTION_DELIVERED_DAYS: {
		about: 'Days that delivered events are kept, or off',
		usually: '30',
		schema: daysOrOff,
		expected: DAYS_EXPECTED,
	},
	RELAY_RETENTION_DEAD_DAYS: {
		about: 'Days that events not delivered are kept, or off',
		usually: '90',
		schema: daysOrOff,
		expected: DAYS_EXPECTED,
	},
	RELAY_RETENTION_KEYS_DAYS: {
		about: 'Days that repeats are recognised, or off',
		usually: '180',
		schema: daysOrOff,
		expected: DAYS_EXPECTED,
	},
	RELAY_SHUTDOWN_GRACE_MS: {
		about: 'How long it goes on after /readyz failed',
		usually: '0',
		schema: wholeNumber(0, 600_000),
		expected: 'a whole number of milliseconds from 0 to 600000, e.g. 5000',
	},
	RELAY_SHUTDOWN_BUDGET_MS: {
		about: 'How long a shutdown waits for work under way',
		usually: '8000',
		schema: wholeNumber(0, 600_000),
		expected: 'a whole number of milliseconds from 0 to 600000, e.g. 8000',
	},
} satisfies Record<string, Variable>;

type Name = keyof typeof VARIABLES;
const NAMES = Object.keys(VARIABLES) as Name[];

/** Every setting, for `--help`. */
export const SETTINGS = NAMES.map((name) => ({ name, ...VARIABLES[name] }));

/**
 * Reads the configuration. An empty variable counts as unset.
 *
 * @throws ConfigError with one sentence for each fault, unknown `RELAY_…` variables included: a misspelt setting
 *   must not be taken for its default in silence
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
	const faults: string[] = [];
	const read = <N extends Name>(name: N): z.output<(typeof VARIABLES)[N]['schema']> | undefined => {
		const value = env[name]?.trim();
		if (value === undefined || value === '') return undefined;
		const { schema, expected, secret }: Variable = VARIABLES[name];
		const result = schema.safeParse(value);
		if (result.success) return result.data as z.output<(typeof VARIABLES)[N]['schema']>;
		faults.push(
			secret
				? `${name} must be ${expected}.`
				: `${name} is ${JSON.stringify(withoutSecrets(value))}, but must be ${expected}.`,
		);
		return undefined;
	};

	for (const name of Object.keys(env)) {
		if (name.startsWith('RELAY_') && !(name in VARIABLES)) faults.push(unknownVariable(name));
	}
	const host = read('RELAY_HOST') ?? '127.0.0.1';
	const publicUrl = read('RELAY_PUBLIC_URL') ?? null;
	const reference = read('RELAY_REFERENCE');
	const loopback = isLoopback(host);
	const databaseUrl = read('DATABASE_URL') ?? null;
	if (databaseUrl !== null) {
		const fault = databaseUrlFault(databaseUrl);
		if (fault !== null) faults.push(fault);
	}
	const config: Config = {
		host,
		port: read('RELAY_PORT') ?? 8717,
		publicUrl,
		dataFolder: resolve(read('RELAY_DATA') ?? '.cleanlist-relay'),
		databaseUrl,
		masterKey: read('RELAY_MASTER_KEY') ?? null,
		sealingKeys: read('RELAY_SEALING_KEYS') ?? null,
		reference: {
			// A stand-in with a demo key has no place where others can reach it, unless asked for.
			enabled: reference ? reference === 'on' : loopback && publicUrl === null,
			completionMs: read('RELAY_REFERENCE_COMPLETION_MS') ?? null,
			limits: read('RELAY_REFERENCE_LIMITS') ?? null,
			control: read('RELAY_REFERENCE_CONTROL') ?? 'loopback',
		},
		allow: read('RELAY_ALLOW') ?? (loopback ? LOOPBACK : []),
		trustProxy: read('RELAY_TRUST_PROXY') ?? [],
		maxConnections: read('RELAY_MAX_CONNECTIONS') ?? 1_000,
		token: read('RELAY_TOKEN') ?? null,
		openMetrics: read('RELAY_METRICS') === 'open',
		showKeys: read('RELAY_SHOW_KEYS') !== 'never',
		log: { level: read('RELAY_LOG_LEVEL') ?? 'info', format: read('RELAY_LOG_FORMAT') ?? 'auto' },
		encryptBodies: read('RELAY_ENCRYPT_BODIES') === 'on',
		diskReserveBytes: (read('RELAY_DISK_RESERVE_MIB') ?? USUAL_RESERVE_MIB) * 1024 * 1024,
		retention: retention(read),
		shutdownGraceMs: read('RELAY_SHUTDOWN_GRACE_MS') ?? 0,
		shutdownBudgetMs: read('RELAY_SHUTDOWN_BUDGET_MS') ?? 8_000,
	};
	const { pendingMs, deliveredMs, deadMs, keysMs } = config.retention;
	if (pendingMs !== null && deadMs !== null && deadMs <= pendingMs) {
		faults.push(
			'RELAY_RETENTION_DEAD_DAYS must be off, or longer than RELAY_RETENTION_PENDING_DAYS: what is given up would be deleted before anybody can re-drive it.',
		);
	}
	if (keysMs !== null && keysMs < Math.max(deliveredMs ?? Infinity, deadMs ?? Infinity)) {
		faults.push(
			'RELAY_RETENTION_KEYS_DAYS must be off, or at least as long as those of delivered and dead events: a repeat of an event that is still there would be taken for a new one.',
		);
	}
	if (faults.length > 0) throw new ConfigError(faults.join('\n'));
	return config;
}

/** A refused value as it may be repeated: whatever is meant as a URL may have a password or a token in it. */
const withoutSecrets = (value: string): string =>
	value
		.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1<redacted>@')
		.replace(/(?<=[a-z]:\/\/.*[?#]).*/is, '<redacted>');

/** Kept for good unless all events go: keys outlive what they stand for. */
function retention(
	read: (
		name: `RELAY_RETENTION_${'PENDING' | 'DELIVERED' | 'DEAD' | 'KEYS'}_DAYS`,
	) => number | null | undefined,
): Config['retention'] {
	const or = (value: number | null | undefined, days: number) =>
		value === undefined ? days * DAY_MS : value;
	const pendingMs = or(read('RELAY_RETENTION_PENDING_DAYS'), 7);
	const deliveredMs = or(read('RELAY_RETENTION_DELIVERED_DAYS'), 30);
	const deadMs = or(read('RELAY_RETENTION_DEAD_DAYS'), 90);
	const keys = read('RELAY_RETENTION_KEYS_DAYS');
	if (keys !== undefined) return { pendingMs, deliveredMs, deadMs, keysMs: keys };
	const keysMs = deliveredMs === null || deadMs === null ? null : Math.max(180 * DAY_MS, deliveredMs, deadMs);
	return { pendingMs, deliveredMs, deadMs, keysMs };
}

function unknownVariable(name: string): string {
	const meant = closest(name, NAMES);
	return meant
		? `${name} is not a setting; did you mean ${meant}?`
		: `${name} is not a setting; unset it, or use one of ${NAMES.join(', ')}.`;
}

/** Whether only this machine can reach what listens on `host`. */
export function isLoopback(host: string): boolean {
	return ipaddr.isValid(host) ? ipaddr.process(host).range() === 'loopback' : host === 'localhost';
}

/** Whether the URL leads to this machine whoever uses it. */
export const isLoopbackUrl = (url: string): boolean =>
	isLoopback(new URL(url).hostname.replace(/^\[(.*)\]$/, '$1'));

/** What a server that listens there can be reached under on this machine. */
export function localUrl({ host, port }: { host: string; port: number }): string {
	const everywhere = host === '0.0.0.0' || host === '::';
	const name = everywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
	return `http://${name}:${port}`;
}

function publicUrl(value: string, context: z.RefinementCtx): string {
	const url = URL.canParse(value) ? new URL(value) : null;
	if (
		!url ||
		!/^https?:$/.test(url.protocol) ||
		url.username !== '' ||
		url.password !== '' ||
		url.search !== '' ||
		url.hash !== ''
	) {
		context.addIssue({ code: 'custom', message: 'not a public URL' });
		return z.NEVER;
	}
	return url.href.replace(/\/+$/, '');
}

function databaseUrlFault(value: string): string | null {
	try {
		readDatabaseUrl(value);
		return null;
	} catch (error) {
		if (error instanceof DatabaseUrlError) return error.message;
		throw error;
	}
}

function sealingKeys(value: string, context: z.RefinementCtx): SealingKey[] {
	const keys = parseSealingKeys(value);
	if (keys) return keys;
	context.addIssue({ code: 'custom', message: 'not sealing keys' });
	return z.NEVER;
}

function referenceLimits(value: string, context: z.RefinementCtx): RateLimits | 'off' {
	const limits = parseLimits(value);
	if (limits !== null) return limits;
	context.addIssue({ code: 'custom', message: 'not limits' });
	return z.NEVER;
}
