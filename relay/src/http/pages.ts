import { z } from 'zod';
import { StorableText } from '../contract/relay-api.ts';
import type { Page } from '../store/port.ts';

/** Query parameters of every list that comes in pages, to be spread into its query's schema. */
export const PAGE_QUERY = {
	limit: z
		.string()
		.regex(/^\d+$/, 'must be a whole number from 1 to 100')
		.transform(Number)
		.refine((limit) => limit >= 1 && limit <= 100, 'must be a whole number from 1 to 100')
		.default(50),
	cursor: z
		.string()
		.transform((cursor) => decodeCursor(cursor))
		.refine((id) => id !== null, 'must be the cursor of the page before')
		.optional(),
};

/** Reads a page, and the cursor of the next one; null on the last. */
export async function readPage<T extends { id: string }>(
	{ limit, cursor }: { limit: number; cursor?: string | null | undefined },
	read: (page: Page) => Promise<T[]>,
): Promise<{ entries: T[]; cursor: string | null }> {
	// One more than asked for tells whether there is a next page.
	const found = await read({ limit: limit + 1, ...(cursor && { before: cursor }) });
	const entries = found.slice(0, limit);
	const last = entries.at(-1);
	return { entries, cursor: found.length > limit && last ? encodeCursor(last.id) : null };
}

const CURSOR_PREFIX = 'before:';
const encodeCursor = (id: string) => Buffer.from(CURSOR_PREFIX + id).toString('base64url');

/** The id in a cursor; null when it is none that this relay gave out. */
function decodeCursor(cursor: string): string | null {
	const text = Buffer.from(cursor, 'base64url').toString();
	const id = text.slice(CURSOR_PREFIX.length);
	const isOurs = StorableText.safeParse(id).success && encodeCursor(id) === cursor;
	return isOurs ? id : null;
}
