import type { INode } from 'n8n-workflow';
import { parameterError } from './errors';
import { textOf } from './values';

/** Longest name Cleanlist takes, counted in characters as a reader counts code points (an emoji is one). */
export const NAME_MAX = 200;

/** The name as Cleanlist stores it, trimmed; an error that names the parameter when it can't be one. */
export function checkedListName(node: INode, value: unknown, itemIndex: number): string {
	const name = textOf(value);
	const { length } = [...name];
	if (length === 0) {
		throw parameterError(
			node,
			'Name',
			itemIndex,
			'The name of the lead list is empty',
			"Enter 1 to 200 characters in the parameter 'Name'; if it is an expression, it gave no text for this item.",
		);
	}
	if (length > NAME_MAX) {
		throw parameterError(
			node,
			'Name',
			itemIndex,
			`The name of the lead list has ${length} characters, and ${NAME_MAX} are allowed`,
			"Shorten the parameter 'Name'.",
		);
	}
	return name;
}
