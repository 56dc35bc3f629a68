/**
 * Values as parameters hold them. An expression hands over whatever the sheet or the node before it has: numbers and
 * switches as text, blanks, or nothing at all.
 */

/** What a value says as text, trimmed; numbers are text too, because spreadsheets turn a company called "1800" into one. */
export function textOf(value: unknown): string {
	return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}

/** What a value says as a number; NaN when it says none. */
export function numberOf(value: unknown): number {
	const text = textOf(value);
	return text === '' ? NaN : Number(text);
}

/** Whether a switch is on; `otherwise` when the value says neither. */
export function isOn(value: unknown, otherwise = false): boolean {
	if (typeof value === 'boolean') return value;
	const text = textOf(value).toLowerCase();
	return text === 'true' || (text !== 'false' && otherwise);
}

/** A value as an error shows it. */
export function shown(value: unknown): string {
	if (value === undefined || value === null || value === '') return 'empty';
	return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
