/**
 * PostgreSQL's text can hold every character but U+0000, and refuses halves of surrogate pairs. Text that comes from
 * outside (a description, the first bytes of an answer) may have either. NUL is kept as SUB and '0', SUB itself as
 * SUB and '1'; a lone surrogate becomes U+FFFD, as in any UTF-8.
 */
const SUB = '\u001a';
const NUL = '\u0000';

export function toText(value: string): string {
	const text = value.toWellFormed();
	if (!text.includes(NUL) && !text.includes(SUB)) return text;
	return text.replaceAll(SUB, `${SUB}1`).replaceAll(NUL, `${SUB}0`);
}

export const fromText = (text: string): string =>
	text.includes(SUB) ? text.replaceAll(`${SUB}0`, NUL).replaceAll(`${SUB}1`, SUB) : text;

/** The same for what may be absent. */
export const toTextOrNull = (value: string | null): string | null => (value === null ? null : toText(value));
export const fromTextOrNull = (text: string | null): string | null => (text === null ? null : fromText(text));
