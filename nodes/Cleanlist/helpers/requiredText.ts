import type { IExecuteFunctions } from 'n8n-workflow';
import { parameterError } from './errors';
import { textOf } from './values';

/** A text parameter, trimmed; an error that names it when it is empty. */
export function requiredText(
	context: IExecuteFunctions,
	itemIndex: number,
	{ name, title, what, located = false }: TextParameter,
): string {
	const text = textOf(context.getNodeParameter(name, itemIndex, '', located ? { extractValue: true } : {}));
	if (text !== '') return text;
	throw parameterError(
		context.getNode(),
		title,
		itemIndex,
		`${what} is empty`,
		`Enter it in the parameter '${title}'; if it is an expression, it gave nothing for this item.`,
	);
}

interface TextParameter {
	name: string;
	title: string;
	/** Subject of "… is empty". */
	what: string;
	/** Whether it is a resource locator. */
	located?: boolean;
}
