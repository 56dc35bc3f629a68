/**
 * What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection"), full-width forms included. A plain
 * number or phone number that begins with a sign is none, and stays as it is: an E.164 number must survive.
 */
const FORMULA = /^[=+\-@\t\r＝＋－＠]/;
const SIGNED_NUMBER = /^[+-][\d ().-]*$/;

/**
 * One record as RFC 4180 wants it: comma, CRLF, quotes where needed. A cell that a spreadsheet would run as a
 * formula gets an apostrophe in front, which makes it text there.
 */
export const csvRecord = (cells: readonly (string | null)[]): string => `${cells.map(csvCell).join(',')}\r\n`;

function csvCell(value: string | null): string {
	if (value === null) return '';
	const safe = FORMULA.test(value) && !SIGNED_NUMBER.test(value) ? `'${value}` : value;
	return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}
