import { BehavioursRequest } from '../reference/control/behaviours-view.ts';
import { wholeNumber } from './options.ts';
import type { Options } from './options.ts';
import { SEED_OPTIONS, seedStart } from './seed-start.ts';
import { UsageError } from './usage-error.ts';

export const FAULT_OPTIONS = {
	operation: {
		type: 'string',
		value: 'NAME',
		about: 'Only in this operation, by its name in the coverage table',
	},
	method: { type: 'string', value: 'M', about: 'Only with this method' },
	path: { type: 'string', value: 'P', about: "Only on this path; '*' stands for any text" },
	'key-last4': { type: 'string', value: 'XXXX', about: 'Only with the key that ends like this' },
	times: { type: 'string', value: 'N', about: 'So often, then never' },
	probability: { type: 'string', value: 'P', about: 'Each time by chance, from 0 to 1, drawn from the seed' },
} as const satisfies Options;

/** A request to the control surface. */
export interface Request {
	method: 'GET' | 'POST' | 'PUT' | 'DELETE';
	path: string;
	body?: object;
}

type Values = Record<string, string | boolean | undefined>;

interface Verb {
	/** Its arguments, as help shows them. */
	args?: string;
	about: string;
	/** Most arguments it takes. Default: as many as its `args` has words. */
	most?: number;
	options?: Options;
	request(args: string[], options: Values): Request | Promise<Request>;
}

const get = (path: string): Request => ({ method: 'GET', path });
const post = (path: string, body?: object): Request => ({ method: 'POST', path, ...(body && { body }) });

/** What can be done, by the word for it. */
export const VERBS: Record<string, Verb> = {
	state: {
		about: 'Seed, clock, counts, snapshots, faults, completion, behaviours',
		request: () => get('/state'),
	},
	reset: { about: 'Back to the start', request: () => post('/reset') },
	seed: {
		about: 'Another start, by --seed or --seed-file, and its people with their keys',
		options: SEED_OPTIONS,
		async request(_, options) {
			const { seed, people } = await seedStart(options);
			return post('/seed', typeof people === 'string' ? { seed } : { ...people, seed });
		},
	},
	snapshot: {
		args: 'NAME',
		about: 'Keep everything as it is',
		request: ([name]) => post('/snapshot', { name }),
	},
	restore: { args: 'NAME', about: 'Put that back', request: ([name]) => post('/restore', { name }) },
	clock: { about: 'What time it is there', request: () => get('/clock') },
	freeze: {
		args: '[INSTANT]',
		about: 'Stand still, now or at 2026-05-01T08:00:00Z',
		request: ([at]) => post('/clock/freeze', at === undefined ? {} : { at }),
	},
	advance: {
		args: 'TIME',
		about: 'Go on by 1500ms, 30s, 5m, 2h or 1d, or to an instant, and do what comes due',
		request: ([time = '']) => post('/clock/advance', advanceBy(time)),
	},
	resume: { about: 'Let the clock run on', request: () => post('/clock/resume') },
	fault: {
		args: 'TYPE [FIELD=VALUE …]',
		about: 'Order a fault, as in: fault status status=503 --times 2',
		most: 10,
		options: FAULT_OPTIONS,
		request: ([type, ...fields], options) => post('/faults', faultFrom(type, fields, options)),
	},
	faults: { about: 'Those there are, and how often each happened', request: () => get('/faults') },
	unfault: {
		args: '[ID]',
		about: 'End a fault, or all',
		request: ([id]) => ({
			method: 'DELETE',
			path: id === undefined ? '/faults' : `/faults/${encodeURIComponent(id)}`,
		}),
	},
	completion: {
		args: '[MODE [FIELD=VALUE …]]',
		about: 'How work ends that starts from now on, as in: completion after_polls polls=3',
		most: 10,
		request: ([mode, ...fields]) =>
			mode === undefined ? get('/completion') : post('/completion', { mode, ...fieldsFrom(fields) }),
	},
	behaviours: {
		args: '[NAME=VALUE …]',
		about: 'Switch behaviours in doubt, as in: behaviours webhook_posts=6',
		most: 50,
		request: (args) =>
			args.length === 0
				? get('/behaviours')
				: { method: 'PUT', path: '/behaviours', body: behavioursFrom(args) },
	},
	requests: {
		args: '[N]',
		about: 'The latest requests [100]',
		request: ([count = '100']) => get(`/requests?limit=${wholeNumber('requests', count, 1, 500)}`),
	},
};

const MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** @throws UsageError */
function advanceBy(time: string): { ms: number } | { until: string } {
	const [, count, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(time) ?? [];
	if (count && unit) return { ms: Number(count) * MS[unit as keyof typeof MS] };
	if (/^\d{4}-/.test(time)) return { until: time };
	throw new UsageError(
		`steer advance takes 1500ms, 30s, 5m, 2h or 1d, or an instant, not ${JSON.stringify(time)}.`,
	);
}

function faultFrom(type: string | undefined, fields: string[], options: Values): object {
	const { operation, method, path, 'key-last4': key_last4, times, probability } = options;
	const match = { operation, method, path, key_last4 };
	return {
		...(Object.values(match).some((value) => value !== undefined) && { match }),
		...(times !== undefined && { times: numeric(times as string) }),
		...(probability !== undefined && { probability: numeric(probability as string) }),
		fault: { type, ...fieldsFrom(fields) },
	};
}

/** What is no number is sent as it is, and refused with what to do. */
const numeric = (text: string): number | string =>
	text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);

const fieldsFrom = (fields: string[]): Record<string, unknown> =>
	Object.fromEntries(fields.map((field) => pairFrom(field)).map(([name, text]) => [name, numeric(text)]));

const BOOLEANS: Record<string, boolean> = { true: true, false: false };

/** Of what a text can mean, what its behaviour can have: `404` is a text, `6` a number. */
const behavioursFrom = (fields: string[]): Record<string, unknown> =>
	Object.fromEntries(
		fields.map((field) => {
			const [name, text] = pairFrom(field);
			const means = [text, numeric(text), BOOLEANS[text]];
			return [name, means.find((value) => BehavioursRequest.safeParse({ [name]: value }).success) ?? text];
		}),
	);

/** @throws UsageError */
function pairFrom(field: string): [name: string, value: string] {
	const [, name, value] = /^(\w+)=(.*)$/s.exec(field) ?? [];
	if (name === undefined || value === undefined) {
		throw new UsageError(`${JSON.stringify(field)} is no FIELD=VALUE, as in status=503.`);
	}
	return [name, value];
}
