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

/** Reads up to `limit` rows, following the cursor; `Infinity` reads them all. */
export async function readRows(
	context: RequestContext,
	{ path, rows, pageSize, query, facts }: PageQuery,
	limit: number,
): Promise<IDataObject[]> {
	const all: IDataObject[] = [];
	let cursor: string | null = null;
	do {
		const page: IDataObject = await request(context, CLEANLIST, {
			method: 'GET',
			path,
			query: { ...query, limit: Math.min(pageSize, limit - all.length), ...(cursor && { cursor }) },
			facts,
		});
		const pageRows = page[rows];
		if (Array.isArray(pageRows)) for (const row of pageRows) all.push(row as IDataObject);
		const next = nextCursor(page);
		// A cursor that does not move would read the same page for ever.
		cursor = next === cursor ? null : next;
	} while (cursor !== null && all.length < limit);
	return all.slice(0, limit);
}

/** The cursor of the next page; null on the last one. Opaque, and a number in some answers. */
export function nextCursor(page: IDataObject): string | null {
	const { cursor } = page;
	if (typeof cursor === 'string' && cursor !== '') return cursor;
	return typeof cursor === 'number' ? String(cursor) : null;
}
