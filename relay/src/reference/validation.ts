import type { z } from 'zod';
import type { ValidationIssue } from '../contract/errors.ts';
import { invalid } from './errors.ts';

/** Most issues one answer lists: a body of a million wrong entries must not become a larger answer. */
const MAX_ISSUES = 100;

/**
 * Checks a part of the request against its schema.
 *
 * @throws ApiError 422 with one issue per fault, worded as FastAPI does (contract B.0, G3)
 */
export function validate<S extends z.ZodType>(
	schema: S,
	value: unknown,
	part: 'body' | 'query',
): z.output<S> {
	const result = schema.safeParse(value);
	if (result.success) return result.data;
	throw invalid(result.error.issues.slice(0, MAX_ISSUES).flatMap((issue) => toIssues(issue, value, part)));
}

function toIssues(issue: z.core.$ZodIssue, root: unknown, part: string): ValidationIssue[] {
	const path = issue.path as (string | number)[];
	const input = path.reduce<unknown>(
		(value, key) => (value as Record<string, unknown> | undefined)?.[key],
		root,
	);
	const at = (type: string, msg: string): ValidationIssue[] => [
		{ type, loc: [part, ...path], msg, ...(input === undefined ? {} : { input }) },
	];

	if (issue.code === 'unrecognized_keys') {
		return issue.keys.slice(0, MAX_ISSUES).map((key) => ({
			type: 'extra_forbidden',
			loc: [part, ...path, key],
			msg: 'Extra inputs are not permitted',
		}));
	}
	if (input === undefined) return at('missing', 'Field required');
	switch (issue.code) {
		case 'invalid_type': {
			const [type, what] = TYPES[issue.expected] ?? [`${issue.expected}_type`, issue.expected];
			return at(type, `Input should be a valid ${what}`);
		}
		case 'invalid_value':
			return at('enum', `Input should be ${listed(issue.values.map((value) => `'${String(value)}'`))}`);
		case 'invalid_format':
			return at(issue.format === 'url' ? 'url_parsing' : 'value_error', issue.message);
		case 'too_small':
			return at(...bound(issue.origin, 'least', Number(issue.minimum), input));
		case 'too_big':
			return at(...bound(issue.origin, 'most', Number(issue.maximum), input));
		case 'custom':
			return at(String(issue.params?.type ?? 'value_error'), issue.message);
		default:
			return at('value_error', issue.message);
	}
}

/** How FastAPI calls what zod expects. */
const TYPES: Record<string, [type: string, what: string]> = {
	int: ['int_type', 'integer'],
	number: ['int_type', 'integer'],
	boolean: ['bool_type', 'boolean'],
	array: ['list_type', 'list'],
	record: ['dict_type', 'dictionary'],
	object: ['model_attributes_type', 'dictionary or object to extract fields from'],
};

function bound(origin: string, side: 'least' | 'most', limit: number, input: unknown): [string, string] {
	const end = side === 'least' ? 'short' : 'long';
	switch (origin) {
		case 'string':
			return [
				`string_too_${end}`,
				`String should have at ${side} ${limit} character${limit === 1 ? '' : 's'}`,
			];
		case 'array': {
			const items = `${limit} item${limit === 1 ? '' : 's'}`;
			return [
				`too_${end}`,
				`List should have at ${side} ${items} after validation, not ${(input as unknown[]).length}`,
			];
		}
		default:
			return side === 'least'
				? ['greater_than_equal', `Input should be greater than or equal to ${limit}`]
				: ['less_than_equal', `Input should be less than or equal to ${limit}`];
	}
}

const listed = (values: string[]) =>
	values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
