/** What a check found. A `problem` keeps the relay from doing its work; a `warning` may, later or for some. */
export interface Finding {
	level: 'ok' | 'note' | 'warning' | 'problem';
	/** What was looked at, in a word or two. */
	about: string;
	/** What is so, as one sentence. */
	says: string;
	/** What to do about it, as one sentence; null when there is nothing to do. */
	remedy: string | null;
}

export const ok = (about: string, says: string): Finding => ({ level: 'ok', about, says, remedy: null });
/** Something that could not be looked at, or is as it should be but worth knowing. */
export const note = (about: string, says: string, remedy: string | null = null): Finding => ({
	level: 'note',
	about,
	says,
	remedy,
});
export const warning = (about: string, says: string, remedy: string): Finding => ({
	level: 'warning',
	about,
	says,
	remedy,
});
export const problem = (about: string, says: string, remedy: string): Finding => ({
	level: 'problem',
	about,
	says,
	remedy,
});

/** Of an error whose message is what is wrong, a colon, and what to do, as the relay's own are. */
export function problemOf(about: string, { message }: Error, otherwise: string): Finding {
	const colon = message.lastIndexOf(': ');
	if (colon < 0) return problem(about, message, otherwise);
	const remedy = message.slice(colon + 2).replace(/\.$/, '');
	return problem(
		about,
		`${message.slice(0, colon)}.`,
		`${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}.`,
	);
}
