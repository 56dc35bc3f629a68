import { setImmediate as turn } from 'node:timers/promises';
import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import { EXPORT_URL_HOURS } from '../contract/export.ts';
import type { ExportCsvRequest } from '../contract/export.ts';
import type { Ids } from '../ids.ts';
import { readableList } from './access.ts';
import type { Caller } from './auth.ts';
import type { Database } from './db/index.ts';
import type { ExportedLead } from './db/exports.ts';
import { csvRecord } from './domain/csv-file.ts';
import { LEAD_COLUMNS, chooseColumns, isLeadColumn } from './domain/export-columns.ts';
import { fullName } from './domain/generator.ts';
import { isSignedLink, signLink } from './domain/signed-link.ts';
import { badRequest, linkExpired, linkInvalid } from './errors.ts';

/** Leads written at a time while a file is made, some 10 ms; between two times others get their turn. */
const BATCH = 1_000;
/** Each new file removes at most this many old ones, so that none of them pays for a long clean-up. */
const PRUNE_BATCH = 20;
const SECRET_BYTES = 32;

type Row = { position: number; cells: Record<string, string | null> };

/** Exports (B.27, B.28): pages of JSON, and CSV files as they were when asked for, behind links that expire. */
export function createExports({ db, clock, ids }: { db: Database; clock: Clock; ids: Ids }) {
	const columnsOf = (listId: string, asked: readonly string[] | null, appendSmart: boolean): string[] => {
		const smart = db.agents.columnNames(listId);
		const { columns, unknown } = chooseColumns(asked, smart, appendSmart);
		if (unknown.length > 0) {
			const named = unknown.slice(0, 10).map((name) => JSON.stringify(name.slice(0, 100)));
			throw badRequest(
				`This list has no column ${named.join(', ')}.`,
				`Use some of: ${[...LEAD_COLUMNS, ...smart].join(', ')}.`,
			);
		}
		return columns;
	};

	const rows = (listId: string, columns: string[], after: number, limit: number): Row[] => {
		const leads = db.exports.leads(listId, after, limit);
		const smart = columns.some((name) => !isLeadColumn(name))
			? smartValues(
					listId,
					leads.map((lead) => lead.lead_id),
				)
			: null;
		return leads.map((lead) => ({
			position: lead.position,
			cells: Object.fromEntries(
				columns.map((name) => [
					name,
					isLeadColumn(name) ? cellOf(lead, name) : (smart?.get(lead.lead_id)?.get(name) ?? null),
				]),
			),
		}));
	};

	const smartValues = (listId: string, leadIds: string[]): Map<string, Map<string, string>> => {
		const byLead = new Map<string, Map<string, string>>();
		for (const { leadId, name, value } of db.agents.values(listId, leadIds)) {
			const cells = byLead.get(leadId) ?? new Map<string, string>();
			byLead.set(leadId, cells.set(name, value));
		}
		return byLead;
	};

	/** Leads that come into the list meanwhile are not in the file: it must end. */
	const csvOf = async (caller: Caller, listId: string, columns: string[]) => {
		const last = db.exports.lastPosition(listId);
		const parts = [Buffer.from(csvRecord(columns))];
		let rowCount = 0;
		for (let after = 0; after < last;) {
			const batch = rows(listId, columns, after, BATCH).filter(({ position }) => position <= last);
			parts.push(
				Buffer.from(batch.map(({ cells }) => csvRecord(columns.map((name) => cells[name] ?? null))).join('')),
			);
			rowCount += batch.length;
			after = batch.at(-1)?.position ?? last;
			if (after === last) break;
			await turn();
			// Deleted, or out of the caller's sight.
			readableList(db, caller, listId);
		}
		return { content: Buffer.concat(parts), rowCount };
	};

	const secret = (): Uint8Array => {
		const existing = db.exports.secret();
		if (existing) return existing;
		const made = ids.bytes(SECRET_BYTES);
		db.exports.insertSecret(made);
		return made;
	};

	return {
		/**
		 * Writes the list into a file, with others getting their turn meanwhile, and signs a link to it.
		 *
		 * @throws ApiError 404 for a list out of reach, 400 for a column the list has not
		 */
		async writeCsv(caller: Caller, request: z.output<typeof ExportCsvRequest>) {
			const { listId } = readableList(db, caller, request.list_id);
			const columns = columnsOf(listId, request.columns ?? null, request.include_smart_agents);
			const now = clock.now();
			const expiresAt = now + EXPORT_URL_HOURS * 3_600_000;
			const fileId = ids.uuid();
			const { content, rowCount } = await csvOf(caller, listId, columns);
			return db.transaction(() => {
				db.exports.prune(now, PRUNE_BATCH);
				const { organizationId } = caller;
				db.exports.insert({ fileId, organizationId, listId, content, expiresAt });
				return {
					path: `${fileId}.csv?expires=${expiresAt}&signature=${signLink(secret(), fileId, expiresAt)}`,
					expiresAt,
					rowCount,
					bytes: content.length,
				};
			});
		},

		/**
		 * The file behind a link.
		 *
		 * @throws ApiError 403 for a link this API did not sign, 410 for one that has expired
		 */
		open(fileId: string, expires: string, signature: string): { listId: string; content: Buffer } {
			const known = db.exports.secret();
			if (!known || !isSignedLink(known, fileId, expires, signature)) throw linkInvalid();
			const file = db.exports.file(fileId);
			if (!file || clock.now() >= Number(expires)) throw linkExpired(EXPORT_URL_HOURS);
			return { listId: file.listId, content: Buffer.from(file.content) };
		},

		/**
		 * One page of rows, after the given position.
		 *
		 * @throws ApiError 400 for a column the list has not
		 */
		page(listId: string, asked: readonly string[] | null, after: number, limit: number): Row[] {
			return rows(listId, columnsOf(listId, asked, false), after, limit);
		},
	};
}

export type Exports = ReturnType<typeof createExports>;

const cellOf = (lead: ExportedLead, column: (typeof LEAD_COLUMNS)[number]): string | null =>
	column === 'full_name' ? fullName({ firstName: lead.first_name, lastName: lead.last_name }) : lead[column];
