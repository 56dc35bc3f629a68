import type { IExecuteFunctions } from 'n8n-workflow';
import { parameterError } from './errors';
import { textOf } from './values';

/** What is chosen of some values, as an expression may give any other; an error that names the parameter then. */
export function choice<Value extends string>(
	context: IExecuteFunctions,
	itemIndex: number,
	{ name, title, what, values }: ChoiceParameter<Value>,
): Value {
	const value: unknown = context.getNodeParameter(name, itemIndex);
	const found = values.find((one) => one === value);
	if (found !== undefined) return found;
	throw parameterError(
		context.getNode(),
		title,
		itemIndex,
		textOf(value) === '' ? `The ${what} is empty` : `There is no ${what} "${textOf(value)}"`,
		`Choose one in the parameter '${title}'; an expression must give one of ${values.join(', ')}.`,
	);
}

interface ChoiceParameter<Value> {
	name: string;
	title: string;
	/** Noun of what is chosen, e.g. `tool`. */
	what: string;
	values: readonly Value[];
}
