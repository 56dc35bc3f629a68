/** What a value says as text, trimmed; numbers are text too, because spreadsheets turn a company called "1800" into one. */
export function textOf(value: unknown): string {
	return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}
