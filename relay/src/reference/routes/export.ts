import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { iso } from '../../clock.ts';
import type { Clock } from '../../clock.ts';
import {
	EXPORT_PAGE,
	ExportCsvRequest,
	ExportCsvResponse,
	ExportJsonResponse,
} from '../../contract/export.ts';
import { readableList } from '../access.ts';
import type { Database } from '../db/index.ts';
import { encodeCursor } from '../domain/cursor.ts';
import { envelope } from '../envelope.ts';
import type { Exports } from '../exports.ts';
import { defineRoute, ok } from '../http.ts';
import { DOWNLOADS_PREFIX } from '../prefixes.ts';
import { validate } from '../validation.ts';
import { limitParam, positionOf } from './query.ts';

const ExportQuery = z.object({
	list_id: z.string(),
	limit: limitParam(EXPORT_PAGE),
	cursor: z.string().nullish(),
	columns: z.preprocess(
		(value) => (typeof value === 'string' ? [value] : value),
		z.array(z.string()).nullish(),
	),
});

/** Export (B.27, B.28), on both prefixes. */
export function exportRoutes({ db, clock, exports }: { db: Database; clock: Clock; exports: Exports }) {
	const reading = { errors: 'v2', plan: 'api', scope: 'export:read' } as const;

	return [
		defineRoute({
			...reading,
			method: 'POST',
			path: '/export/csv/signed-url',
			about: {
				summary: 'Writes a list as CSV, behind a link that expires',
				body: ExportCsvRequest,
				errors: [404],
			},
			response: ExportCsvResponse,
			async handle({ caller, body, baseUrl }) {
				const request = validate(ExportCsvRequest, body, 'body');
				const { path, expiresAt, rowCount, bytes } = await exports.writeCsv(caller, request);
				return ok({
					list_id: request.list_id,
					download_url: `${baseUrl}${DOWNLOADS_PREFIX}/${path}`,
					expires_at: iso(expiresAt),
					row_count: rowCount,
					file_size_bytes: bytes,
				});
			},
		}),

		defineRoute({
			...reading,
			method: 'GET',
			path: '/export/json',
			about: { summary: 'A list as JSON, with the columns one asks for', query: ExportQuery, errors: [404] },
			response: ExportJsonResponse,
			handle({ caller, query }) {
				const { list_id, limit, cursor, columns } = validate(ExportQuery, query, 'query');
				const { listId, leadCount } = readableList(db, caller, list_id);
				const kind = `export:${listId}`;
				const rows = exports.page(listId, columns ?? null, positionOf(kind, cursor, 0), limit + 1);
				return ok({
					...envelope(clock),
					list_id: listId,
					leads: rows.slice(0, limit).map(({ cells }) => cells),
					total: leadCount,
					cursor: rows.length > limit ? encodeCursor(kind, rows[limit - 1]!.position) : null,
				});
			},
		}),
	];
}

interface Download {
	Params: { file_id: string };
	Querystring: { expires?: string; signature?: string };
}

/** `GET /<file>.csv?expires=…&signature=…`, below the prefix of downloads. */
export function downloadRoute(app: FastifyInstance, exports: Exports): void {
	app.get<Download>('/:file_id.csv', async (request, reply) => {
		const { expires = '', signature = '' } = request.query;
		const { listId, content } = exports.open(request.params.file_id, String(expires), String(signature));
		return reply
			.type('text/csv; charset=utf-8; header=present')
			.header('content-disposition', `attachment; filename="leads-${listId}.csv"`)
			.header('cache-control', 'private, no-store')
			.header('x-content-type-options', 'nosniff')
			.send(content);
	});
}
