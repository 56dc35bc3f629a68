import { webhook } from '../relay/harness.ts';

/** Random values that the same seed gives again. */
export interface Dice {
	/** A whole number from 0 to `max` - 1. */
	below(max: number): number;
	chance(share: number): boolean;
	pick<T>(values: readonly T[]): T;
	bytes(max: number): Buffer;
	text(max: number): string;
}

/** mulberry32: small, and good enough to wander. */
export function createDice(seed: number): Dice {
	let state = seed >>> 0;
	const next = () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
	const below = (max: number) => Math.floor(next() * max);
	const pick = <T>(values: readonly T[]): T => values[below(values.length)]!;
	return {
		below,
		chance: (share) => next() < share,
		pick,
		bytes: (max) => Buffer.from(Array.from({ length: below(max) }, () => below(256))),
		text: (max) => Array.from({ length: below(max) }, () => pick(CHARACTERS)).join(''),
	};
}

const CHARACTERS = [
	...'aZ09 ./-_%&?=#:@\\"\'{}[]<>,;+*~',
	'\u0000',
	'\n',
	'\u001b',
	'é',
	'株',
	'😀',
	'\u202e',
	'\ufeff',
	'\ud800',
];
const KEYS = [
	'event',
	'workflow_id',
	'results',
	'results_truncated',
	'status',
	'lead_list_id',
	'__proto__',
	'constructor',
	'toString',
	'url',
	'name',
	'scopes',
	'events',
	'filter',
	'limit',
	'',
];

/** Any JSON value, sometimes large or deep. */
export function anyJson(dice: Dice, depth = 0): unknown {
	switch (dice.below(depth > 4 ? 6 : 9)) {
		case 0:
			return null;
		case 1:
			return dice.chance(0.5);
		case 2:
			return dice.pick([0, -1, 1.5, 1e308, 2 ** 53, -0, 2 ** 31, Number.MAX_VALUE]);
		case 3:
			return dice.text(20);
		case 4:
			return dice.text(300);
		case 5:
			return dice.pick([
				'enrichment.completed',
				'completed',
				'read',
				'admin',
				'2026-01-01T00:00:00Z',
				'http://127.0.0.1:2/a',
			]);
		case 6:
			return Array.from({ length: dice.below(6) }, () => anyJson(dice, depth + 1));
		default:
			return Object.fromEntries(
				Array.from({ length: dice.below(6) }, () => [dice.pick(KEYS), anyJson(dice, depth + 1)]),
			);
	}
}

/** A body as it might arrive: right, nearly right, and anything else. */
export function anyBody(dice: Dice): Buffer {
	const right = () => Buffer.from(webhook(`wf-${dice.below(5_000)}`, { [dice.pick(KEYS)]: anyJson(dice) }));
	switch (dice.below(8)) {
		case 0:
		case 1:
			return right();
		case 2: {
			const body = right();
			for (let n = dice.below(5); n >= 0; n--) body[dice.below(body.length)] = dice.below(256);
			return body;
		}
		case 3: {
			const body = right();
			return body.subarray(0, dice.below(body.length));
		}
		case 4:
			return dice.bytes(200);
		case 5:
			return Buffer.from(JSON.stringify(anyJson(dice)) ?? '');
		case 6: {
			const open = dice.pick(['[', '{"a":']);
			return Buffer.from(open.repeat(dice.below(20_000)));
		}
		default:
			return dice.chance(0.05)
				? Buffer.alloc(dice.below(300_000), dice.pick(['x', '{', '\u0000']))
				: Buffer.alloc(0);
	}
}

/** A header's value that may be sent: Latin-1 without control characters. */
export const anyHeaderValue = (dice: Dice): string =>
	dice.chance(0.5)
		? dice.pick([
				'application/json',
				'text/plain',
				'application/json; charset=utf-16',
				'multipart/form-data',
				'*/*',
				'a/b/c',
				';;;',
				'gzip',
				'10.0.0.1, ::1',
				'0',
				'-1',
			])
		: Array.from({ length: dice.below(40) }, () => String.fromCharCode(dice.pick(LATIN_1)))
				.join('')
				.trim();

/** Printable ASCII, and what lies above it. */
const LATIN_1 = [...Array(256).keys()].filter((code) => (code >= 0x20 && code < 0x7f) || code >= 0x80);

/** What may stand after "Bearer": nearly a token, one cut short, or anything else that a header can hold. */
export function anyToken(dice: Dice): string {
	const prefix = dice.pick(['crt_', 'CRT_', 'clapi_', 'whsec_', '']);
	const random = dice.bytes(64).toString('base64url');
	return dice.chance(0.5)
		? prefix + random.padEnd(43, 'A').slice(0, 43)
		: dice.pick([random, anyHeaderValue(dice)]);
}

export const HEADERS = [
	'content-type',
	'accept',
	'x-forwarded-for',
	'origin',
	'cookie',
	'content-encoding',
	'range',
	'if-none-match',
	'x-http-method-override',
	'forwarded',
	'accept-encoding',
	'user-agent',
];
