import { readEnrichmentType } from '../../helpers/enrichmentType';
import { withoutEnvelope } from '../../helpers/envelope';
import { fingerprint } from '../../helpers/fingerprint';
import { chosenList } from '../../helpers/listLocator';
import { isOn, textOf } from '../../helpers/values';
import { request } from '../../transport/request';
import { CLEANLIST, V2 } from '../../transport/service';
import type { ItemOperation } from '../operation';
import { fields } from './importCsv.fields';
import { columnMapping, readCsvFile } from './importCsv.file';

export const importCsv: ItemOperation = {
	value: 'importCsv',
	name: 'Import CSV',
	action: 'Import leads from CSV file',
	description: 'Put the people of a CSV file into a lead list as leads, and have them enriched on request',
	scope: 'lists:write',
	furtherScopes: ['enrich:write'],
	endpoints: ['POST /api/v2/lead-lists/{list_id}/csv-import'],
	cost: 'Free; when enriching, 1 for each email address found, 10 for each phone number found',
	fields,
	async execute(itemIndex) {
		const { id, path, subject } = chosenList(this, itemIndex);
		const { content, headers } = await readCsvFile(this, itemIndex);
		const mapping = columnMapping(this, itemIndex, headers);
		const enrich = isOn(this.getNodeParameter('dispatchEnrichment', itemIndex, false));
		const type = enrich ? readEnrichmentType(this, itemIndex) : null;
		const options = this.getNodeParameter('options', itemIndex, {});
		const quoteId = textOf(options.quoteId);
		const csv = content.toString('base64');
		const response = await request(this, CLEANLIST, {
			method: 'POST',
			path: `${V2}${path}/csv-import`,
			body: {
				csv_content_base64: csv,
				column_mapping: mapping,
				dispatch_enrichment: enrich,
				...(enrich && { enrichment_type: type }),
				...(enrich && quoteId !== '' && { quote_id: quoteId }),
				// Keys hold for the whole organization: the list is part of it.
				idempotency_key:
					textOf(options.idempotencyKey) || fingerprint(id, csv, JSON.stringify(mapping), type),
			},
			// Without enrichment: what may have been charged is never sent twice, its key notwithstanding.
			harmlessTwice: !enrich,
			facts: {
				itemIndex,
				scope: 'lists:write',
				subject,
				parameters: {
					csv_content_base64: 'Input Binary Field',
					column_mapping: 'Columns',
					enrichment_type: 'Enrichment Type',
					quote_id: 'Quote ID',
					idempotency_key: 'Idempotency Key',
				},
				...(enrich && {
					paid: {
						what: 'the file was',
						whereToLook:
							'Running it again with the same file within 24 hours is safe: it carries a key under which Cleanlist imports and charges once.',
					},
				}),
			},
		});
		const used = Object.values(mapping);
		return {
			// Enrichment → Get asks by the workflow_id, and never follows a URL.
			...withoutEnvelope(response, ['enrichment_status_url']),
			column_mapping: mapping,
			columns_ignored: headers.filter((header) => header !== '' && !used.includes(header)),
		};
	},
};
