/** A cohort: the leads of a list from just after one position up to and including another. */
export interface Cohort {
	listId: string;
	after: number;
	upTo: number;
}

export const COHORT_PREFIX = 'cl-task_';

/**
 * The handle of a cohort, which a page of leads carries as its `task_id`. It says all there is to know, so that
 * reading a page writes nothing and a handle holds as long as its list.
 */
export const encodeCohort = ({ listId, after, upTo }: Cohort): string =>
	COHORT_PREFIX + Buffer.from(`${listId}:${after}:${upTo}`).toString('base64url');

/** @returns null when the text is not a handle this API can have given out */
export function decodeCohort(handle: string): Cohort | null {
	if (!handle.startsWith(COHORT_PREFIX)) return null;
	const text = Buffer.from(handle.slice(COHORT_PREFIX.length), 'base64url').toString();
	const match = /^(.+):(\d{1,15}):(\d{1,15})$/.exec(text);
	if (!match) return null;
	const cohort = { listId: match[1] as string, after: Number(match[2]), upTo: Number(match[3]) };
	// Encoding it back is the strictest check there is: one cohort has one spelling.
	return encodeCohort(cohort) === handle ? cohort : null;
}
