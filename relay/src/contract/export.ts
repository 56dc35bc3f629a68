import { z } from 'zod';
import { envelope } from './common.ts';
import { tolerant } from './tolerant.ts';

/** The default columns of an export (B.27). Unlike a LeadRow they include `domain`. */
export const EXPORT_COLUMNS = [
	'lead_id',
	'first_name',
	'last_name',
	'email',
	'title',
	'company',
	'domain',
	'linkedin_url',
	'phone',
	'location',
] as const;

/** How long a signed download URL holds (B.27). */
export const EXPORT_URL_HOURS = 24;

/** `POST /export/csv/signed-url` (B.27), free. */
export const ExportCsvRequest = z.strictObject({
	list_id: z.string(),
	columns: z.array(z.string()).nullish(),
	include_smart_agents: z.boolean().default(true),
});
export type ExportCsvRequest = z.input<typeof ExportCsvRequest>;
export const ExportCsvResponse = z.strictObject({
	list_id: z.string(),
	download_url: z.url(),
	expires_at: z.iso.datetime(),
	row_count: z.int().min(0),
	file_size_bytes: z.int().min(0),
});
export const ExportCsvRead = tolerant(ExportCsvResponse);
export type ExportCsvRead = z.infer<typeof ExportCsvRead>;

export const EXPORT_PAGE = { default: 100, max: 500 } as const;

/** `GET /export/json` (B.28), free; rows are free-form, per the columns asked for. */
export const ExportJsonResponse = z.strictObject({
	...envelope,
	list_id: z.string(),
	leads: z.array(z.record(z.string(), z.unknown())),
	total: z.int().min(0),
	cursor: z.string().nullish(),
});
export const ExportJsonRead = tolerant(ExportJsonResponse);
export type ExportJsonRead = z.infer<typeof ExportJsonRead>;
