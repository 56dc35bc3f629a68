import type { IDataObject } from 'n8n-workflow';
import type { RequestFacts } from '../helpers/words';
import { request, type RequestContext } from './request';
import { CLEANLIST } from './service';

export interface PageQuery {
	path: string;
	/** The response's key that holds the rows. */
	rows: string;
	/** Most rows the API gives in one page. */
	pageSize: number;
	query?: IDataObject;
	facts?: RequestFacts;
}

/**
 * Gives up to `limit` rows (`Infinity` for all), following the cursor. A page is asked for when its first row is
 * wanted, and let go with its last one: no more than one is held, and none is read in vain.
 */
export async function* readRows(
	context: RequestContext,
	{ path, rows, pageSize, query, facts }: PageQuery,
	limit: number,
): AsyncGenerator<IDataObject> {
	let left = limit;
	let cursor: string | null = null;
	do {
		const page: IDataObject = await request(context, CLEANLIST, {
			method: 'GET',
			path,
			query: { ...query, limit: Math.min(pageSize, left), ...(cursor && { cursor }) },
			facts,
		});
		const pageRows = page[rows];
		for (const row of Array.isArray(pageRows) ? pageRows : []) {
			yield row as IDataObject;
			if (--left <= 0) return;
		}
		const next = nextCursor(page);
		// A cursor that does not move would read the same page for ever.
		cursor = next === cursor ? null : next;
	} while (cursor !== null);
}

/** The cursor of the next page; null on the last one. Opaque, and a number in some answers. */
export function nextCursor(page: IDataObject): string | null {
	const { cursor } = page;
	if (typeof cursor === 'string' && cursor !== '') return cursor;
	return typeof cursor === 'number' ? String(cursor) : null;
}
