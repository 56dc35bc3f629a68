import { createHash } from 'node:crypto';
import { z } from 'zod';
import { OPERATIONS } from './operations.ts';
import type { Settings } from './settings.ts';

/** Rules at a time. */
export const MAX_FAULTS = 100;
const MAX_MS = 10 * 60 * 1000;

const Moment = z.enum(['before', 'after']).default('before');

/** What can go wrong with a request. `after`: it was processed, and only its answer is lost. */
const RequestFault = z.discriminatedUnion('type', [
	z.strictObject({
		type: z.literal('status'),
		status: z.int().min(400).max(599),
		/** Of the error, on endpoints that have codes. */
		code: z
			.string()
			.regex(/^[a-z_]{1,50}$/, 'Write a code in lower case with underscores')
			.optional(),
		message: z.string().min(1).max(500).optional(),
		retry_after_s: z.int().min(1).max(3_600).optional(),
		when: Moment,
	}),
	/** A 429 as the rate limiter gives it. */
	z.strictObject({ type: z.literal('rate_limit'), retry_after_s: z.int().min(1).max(3_600).default(1) }),
	z.strictObject({ type: z.literal('latency'), ms: z.int().min(1).max(MAX_MS) }),
	/** The answer's bytes come a few at a time. */
	z.strictObject({
		type: z.literal('dribble'),
		bytes: z.int().min(1).max(65_536).default(16),
		every_ms: z.int().min(1).max(60_000).default(100),
	}),
	/** The connection is reset. */
	z.strictObject({ type: z.literal('reset'), when: Moment }),
	/** The connection is closed without an answer. */
	z.strictObject({ type: z.literal('empty_reply'), when: Moment }),
	/** The answer's JSON breaks off, with the status it would have had. */
	z.strictObject({ type: z.literal('malformed_json') }),
]);
export type RequestFault = z.output<typeof RequestFault>;

/** What can go wrong with a webhook. */
const WebhookFault = z.discriminatedUnion('type', [
	z.strictObject({ type: z.literal('webhook_duplicate') }),
	z.strictObject({
		type: z.literal('webhook_late'),
		ms: z
			.int()
			.min(1)
			.max(24 * 60 * 60 * 1000),
	}),
	z.strictObject({ type: z.literal('webhook_never') }),
	/** The last so many results are left out and counted in `results_truncated`. */
	z.strictObject({ type: z.literal('webhook_truncated'), results: z.int().min(1).max(250) }),
	z.strictObject({ type: z.literal('webhook_nested_items') }),
]);
export type WebhookFault = z.output<typeof WebhookFault>;

const Match = z.strictObject({
	method: z.enum(['GET', 'POST', 'PATCH', 'DELETE', 'HEAD']).optional(),
	/** Of the request or of the webhook's URL, without a query; `*` stands for any text. */
	path: z.string().startsWith('/', 'Begin it with a slash').max(500).optional(),
	operation: z.enum(OPERATIONS as [string, ...string[]]).optional(),
	key_last4: z
		.string()
		.regex(/^[\w-]{4}$/, 'Write the last four characters of a key')
		.optional(),
});

export const NewFault = z
	.strictObject({
		/** What it happens to; everything when absent. */
		match: Match.default({}),
		/** How often it happens. */
		times: z.int().min(1).max(1_000_000).optional(),
		/** How likely it is each time. */
		probability: z.number().gt(0).max(1).optional(),
		fault: z.discriminatedUnion('type', [...RequestFault.options, ...WebhookFault.options]),
	})
	.check((context) => {
		const { match, times, probability, fault } = context.value;
		const refuse = (path: string[], message: string) =>
			context.issues.push({ code: 'custom', message, path, input: context.value });
		if (times !== undefined && probability !== undefined) {
			refuse(['probability'], 'Give times or probability, not both');
		}
		if (fault.type.startsWith('webhook_') && Object.keys(match).some((name) => name !== 'path')) {
			refuse(['match'], 'A webhook is matched by the path of its URL only');
		}
	});
export type NewFault = z.output<typeof NewFault>;

export interface FaultRule extends NewFault {
	id: string;
	/** Times it happened. */
	hits: number;
	/** Times it could have happened: what the probability is drawn for. */
	chances: number;
}

export interface FaultsState {
	rules: FaultRule[];
	made: number;
}

/** A request or webhook, as far as a rule can tell it from another. */
export interface Subject {
	path: string;
	method?: string;
	operation?: string | null;
	keyLast4?: string | null;
}

/** The faults that are ordered, and which of them happen. */
export function createFaults(o: { settings: Settings; onChange: () => void }) {
	let rules: FaultRule[] = [];
	let made = 0;

	/** The same for the same seed, rule and chance, so that a run that fails can be repeated. */
	const draw = (rule: FaultRule): number =>
		createHash('sha256')
			.update(JSON.stringify([o.settings.seed, rule.id, rule.chances]))
			.digest()
			.readUIntBE(0, 6) /
		2 ** 48;

	/** Counts a chance. @returns whether it happens */
	const happens = (rule: FaultRule): boolean => {
		if (rule.times !== undefined && rule.hits >= rule.times) return false;
		rule.chances++;
		if (rule.probability !== undefined && draw(rule) >= rule.probability) return false;
		rule.hits++;
		return true;
	};

	const meet = (subject: Subject, isOfKind: (rule: FaultRule) => boolean): FaultRule[] => {
		const met = rules.filter((rule) => isOfKind(rule) && matches(rule, subject) && happens(rule));
		if (met.length > 0) o.onChange();
		return met;
	};

	return {
		/** @returns null when there are too many already */
		add(fault: NewFault): FaultRule | null {
			if (rules.length >= MAX_FAULTS) return null;
			const rule = { id: `fault_${++made}`, hits: 0, chances: 0, ...fault };
			rules.push(rule);
			o.onChange();
			return rule;
		},
		list: (): readonly FaultRule[] => rules,
		/** @returns how many there were */
		remove(id?: string): number {
			const before = rules.length;
			rules = id === undefined ? [] : rules.filter((rule) => rule.id !== id);
			if (rules.length < before) o.onChange();
			return before - rules.length;
		},
		/** Those that happen to a request, in the order in which they were made. */
		ofRequest: (subject: Subject): { id: string; fault: RequestFault }[] =>
			meet(subject, ({ fault }) => !fault.type.startsWith('webhook_')).map(({ id, fault }) => ({
				id,
				fault: fault as RequestFault,
			})),
		ofWebhook: (subject: Subject): WebhookFault[] =>
			meet(subject, ({ fault }) => fault.type.startsWith('webhook_')).map(
				({ fault }) => fault as WebhookFault,
			),
		save: (): FaultsState => ({ rules: structuredClone(rules), made }),
		load(state: FaultsState): void {
			rules = structuredClone(state.rules);
			made = state.made;
		},
	};
}

export type Faults = ReturnType<typeof createFaults>;

export const NO_FAULTS: FaultsState = { rules: [], made: 0 };

function matches({ match }: FaultRule, subject: Subject): boolean {
	const { method, path, operation, key_last4 } = match;
	return (
		(method === undefined || method === subject.method) &&
		(operation === undefined || operation === subject.operation) &&
		(key_last4 === undefined || key_last4 === subject.keyLast4) &&
		(path === undefined || isLike(subject.path, path))
	);
}

/** Whether a text fits a pattern in which `*` stands for any text. In linear time, whatever the pattern. */
function isLike(text: string, pattern: string): boolean {
	const [first = '', ...rest] = pattern.split('*');
	if (rest.length === 0) return text === pattern;
	const last = rest.pop() as string;
	if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last))
		return false;
	const end = text.length - last.length;
	let at = first.length;
	for (const part of rest) {
		const found = text.indexOf(part, at);
		if (found < 0 || found + part.length > end) return false;
		at = found + part.length;
	}
	return true;
}

export type FaultView = ReturnType<typeof faultView>;

/** As the control surface writes it. */
export const faultView = ({ id, hits, match, times, probability, fault }: FaultRule) => ({
	id,
	hits,
	match,
	times: times ?? null,
	probability: probability ?? null,
	fault,
});
