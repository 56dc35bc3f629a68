import type { z } from 'zod';
import { LEGACY_PREFIX } from '../contract/common.ts';
import type { Clock } from '../clock.ts';
import { CSV_MAX_BYTES } from '../contract/list-leads.ts';
import type { CsvImportRequest, CsvImportResponse } from '../contract/list-leads.ts';
import { siblingUuids } from '../ids.ts';
import type { Ids } from '../ids.ts';
import { writableList } from './access.ts';
import type { Caller } from './auth.ts';
import type { Database } from './db/index.ts';
import { identityOf } from './domain/contact.ts';
import { CsvFault, readPeople } from './domain/csv.ts';
import type { ImportedPerson } from './domain/csv.ts';
import type { Enrichments } from './enrichments.ts';
import { csvTooLarge, badRequest, insufficientScope, invalid, missingColumn } from './errors.ts';
import { once } from './idempotency.ts';

export interface CsvImportDependencies {
	db: Database;
	clock: Clock;
	ids: Ids;
	enrichments: Pick<Enrichments, 'startListEnrichment'>;
}

type Imported = Omit<z.input<typeof CsvImportResponse>, 'idempotency_replayed'>;

/**
 * Puts the people of a CSV file into a list of the caller's, and has them enriched when asked to (B.18). File,
 * list, run and its credits are one transaction: all of it happens, or nothing.
 *
 * @throws ApiError 404 for a list that is not the caller's; 403 when enriching without `enrich:write`; 413; 400
 *   for a file that can't be read, a column it lacks, too few credits, or the quote (409 when that was used)
 */
export function importCsv(
	deps: CsvImportDependencies,
	caller: Caller,
	listId: string,
	request: z.output<typeof CsvImportRequest>,
): z.input<typeof CsvImportResponse> {
	const { organizationId, scopes } = caller;
	if (request.dispatch_enrichment && !scopes.includes('enrich:write')) {
		throw insufficientScope('enrich:write', scopes);
	}
	if (request.dispatch_enrichment && !request.enrichment_type) {
		const msg = 'Field required when dispatch_enrichment is true';
		throw invalid([{ type: 'missing', loc: ['body', 'enrichment_type'], msg }]);
	}
	writableList(deps.db, caller, listId);
	const { answer, replayed } = once(
		deps,
		{ organizationId, operation: 'csv-import', key: request.idempotency_key },
		() => doImport(deps, caller, listId, request),
	);
	return { ...answer, idempotency_replayed: replayed };
}

function doImport(
	{ db, ids, enrichments }: CsvImportDependencies,
	caller: Caller,
	listId: string,
	request: z.output<typeof CsvImportRequest>,
): Imported {
	const { rowsParsed, people, skipReasons, sampleSkipRows } = read(request);
	const nextId = siblingUuids(ids);
	const leadIds = new Set(people.map((person) => importPerson(person)));
	const type = request.dispatch_enrichment ? request.enrichment_type : null;
	const started =
		type && leadIds.size > 0
			? enrichments.startListEnrichment(caller, {
					listId,
					leadIds: [...leadIds],
					type,
					quoteId: request.quote_id,
				})
			: null;
	return {
		list_id: listId,
		rows_parsed: rowsParsed,
		rows_imported: people.length,
		rows_skipped: rowsParsed - people.length,
		skip_reasons: skipReasons,
		sample_skip_rows: sampleSkipRows,
		workflow_id: started?.workflowId ?? null,
		enrichment_status_url: started && `${LEGACY_PREFIX}/enrichment/status/${started.workflowId}`,
	};

	function importPerson({ contact, ...details }: ImportedPerson): string {
		const leadId = db.lists.upsertLead({
			leadId: nextId(),
			ownerId: caller.userId,
			identity: identityOf(contact),
			firstName: contact.first_name ?? null,
			lastName: contact.last_name ?? null,
			company: contact.company_name ?? null,
			companyDomain: contact.company_domain ?? null,
			linkedinUrl: contact.linkedin_url ?? null,
		});
		db.listLeads.fill({ leadId, ...details });
		db.lists.attach(listId, leadId);
		return leadId;
	}
}

function read({ csv_content_base64, column_mapping }: z.output<typeof CsvImportRequest>) {
	const file = Buffer.from(csv_content_base64, 'base64');
	if (file.length > CSV_MAX_BYTES) throw csvTooLarge(file.length, CSV_MAX_BYTES);
	try {
		return readPeople(file, column_mapping);
	} catch (error) {
		if (!(error instanceof CsvFault)) throw error;
		if (error.missingHeader !== null) throw missingColumn(error.missingHeader, error.headers);
		throw badRequest(
			error.message,
			'Send a comma-separated file in UTF-8 with the column names in its first row.',
		);
	}
}
