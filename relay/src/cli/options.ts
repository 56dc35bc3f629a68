import { parseArgs } from 'node:util';
import { closest } from '../closest.ts';
import { UsageError } from './usage-error.ts';

export type Options = Record<string, { type: 'string' | 'boolean'; about: string; value?: string }>;
type Values<O extends Options> = {
	[Name in keyof O]?: O[Name]['type'] extends 'boolean' ? boolean : string;
};

/** @throws UsageError for an option or argument that the command does not have */
export const readOptions = <const O extends Options>(
	command: string,
	args: string[],
	options: O,
): Values<O> => readArguments(command, args, options, 0).values;

/**
 * The same for a command that takes arguments, too.
 *
 * @param most how many
 * @throws UsageError for an option that the command does not have, or more arguments
 */
export function readArguments<const O extends Options>(
	command: string,
	args: string[],
	options: O,
	most: number,
): { values: Values<O>; positionals: string[] } {
	const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true });
	const values: Record<string, string | boolean> = {};
	const positionals: string[] = [];
	for (const token of tokens) {
		if (token.kind === 'positional') {
			if (positionals.push(token.value) <= most) continue;
			const only = most === 0 ? 'only options' : `it has ${most} already`;
			throw new UsageError(`${command} takes no argument ${JSON.stringify(token.value)}, ${only}.`);
		}
		if (token.kind !== 'option') continue;
		const { name, rawName, value } = token;
		const option = Object.hasOwn(options, name) ? options[name] : undefined;
		if (!option) {
			const known = Object.keys(options).map((one) => `--${one}`);
			const meant = closest(rawName, known);
			throw new UsageError(
				`${command} has no option ${rawName}; ${meant ? `did you mean ${meant}?` : `it has ${known.join(', ')}.`}`,
			);
		}
		if (option.type === 'boolean') {
			if (value !== undefined) throw new UsageError(`${rawName} takes no value.`);
			values[name] = true;
		} else {
			// `--seed --port 0`: the next option is no value.
			if (value === undefined || value === '') {
				throw new UsageError(`${rawName} needs a value, as in ${rawName} ${option.value ?? '…'}.`);
			}
			values[name] = value;
		}
	}
	return { values: values as Values<O>, positionals };
}

/** A line of help for each option. */
export const describeOptions = (options: Options): string =>
	Object.entries(options)
		.map(([name, { value, about }]) => `  ${`--${name}${value ? ` ${value}` : ''}`.padEnd(31)}${about}\n`)
		.join('');

/** @throws UsageError unless the text is a whole number within the bounds */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
	if (/^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
	throw new UsageError(
		`--${name} is ${JSON.stringify(text)}, but must be a whole number from ${min} to ${max}.`,
	);
}

/** @throws UsageError unless the text is one of the values */
export function oneOf<const T extends string>(name: string, text: string, values: readonly T[]): T {
	const value = values.find((one) => one === text);
	if (value !== undefined) return value;
	throw new UsageError(`--${name} is ${JSON.stringify(text)}, but must be one of ${values.join(', ')}.`);
}
