/**
 * Cursors are keyset positions (the last row seen), so rows that come or go between two pages neither repeat
 * nor hide another row. `kind` names what is being walked, so a cursor of one list is refused by another.
 */
export const encodeCursor = (kind: string, position: number): string =>
	Buffer.from(`${kind}:${position}`).toString('base64url');

/** @returns the position, or null when the text is not a cursor this API gave out for `kind` */
export function decodeCursor(kind: string, cursor: string): number | null {
	const text = Buffer.from(cursor, 'base64url').toString();
	const position = Number(text.slice(kind.length + 1));
	// Encoding it back is the strictest check there is: one position has one spelling.
	return Number.isSafeInteger(position) && encodeCursor(kind, position) === cursor ? position : null;
}
