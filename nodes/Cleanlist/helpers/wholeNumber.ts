import type { IExecuteFunctions } from 'n8n-workflow';
import { parameterError } from './errors';
import { numberOf, shown } from './values';

/** A number parameter that counts something, from 1; an error that names it when it is anything else. */
export function wholeNumber(
	context: IExecuteFunctions,
	itemIndex: number,
	{ name, title, most, fix = `Correct the parameter '${title}'.` }: NumberParameter,
): number {
	const value: unknown = context.getNodeParameter(name, itemIndex);
	const number = numberOf(value);
	if (Number.isInteger(number) && number >= 1 && number <= (most ?? Infinity)) return number;
	const range = most === undefined ? 'from 1' : `from 1 to ${most}`;
	throw parameterError(
		context.getNode(),
		title,
		itemIndex,
		`'${title}' is ${shown(value)}, and it must be a whole number ${range}`,
		fix,
	);
}

interface NumberParameter {
	name: string;
	title: string;
	most?: number;
	/** What to do about another value, in a sentence. */
	fix?: string;
}
