import type { z } from 'zod';
import { COMPANY_DATA_POINTS, PERSON_DATA_POINTS } from '../contract/enrichment-v2.ts';
import type { EnrichByTaskRequest, EnrichByTaskResponse } from '../contract/enrichment-v2.ts';
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import { writableList } from './access.ts';
import type { Caller } from './auth.ts';
import { resolveCohort } from './cohorts.ts';
import type { Companies } from './companies.ts';
import type { Database } from './db/index.ts';
import { text } from './domain/contact.ts';
import { MCP_RESULTS, nameKey } from './domain/list-name.ts';
import { enrichmentTypeOfDataPoints, priceOf } from './domain/pricing.ts';
import type { Enrichments } from './enrichments.ts';
import { badRequest, emptyList, quoteRequired } from './errors.ts';
import type { Ledger } from './ledger.ts';
import type { Quotes } from './quotes.ts';

type Request = z.output<typeof EnrichByTaskRequest>;
type Response = z.input<typeof EnrichByTaskResponse>;

const NOT_IN_COHORT = 'This id is not in the cohort, or no longer.';

export interface ByTaskOptions {
	db: Database;
	ledger: Ledger;
	quotes: Quotes;
	companies: Companies;
	enrichments: Enrichments;
	clock: Clock;
	ids: Ids;
}

/**
 * Enriches a cohort (B.21). Data points of persons start a run over its leads; data points of companies are
 * answered at once, for the company of each lead: cohorts here are pages of leads, since company search is not
 * served.
 */
export function createByTask({ db, ledger, quotes, companies, enrichments, clock, ids }: ByTaskOptions) {
	/** The caller's hidden list for what goes to no other, made on first use. */
	const hiddenList = (caller: Caller): string => {
		const existing = db.lists.hiddenId(caller.userId);
		if (existing) return existing;
		const listId = ids.uuid();
		db.lists.insert({
			listId,
			organizationId: caller.organizationId,
			ownerId: caller.userId,
			name: MCP_RESULTS,
			nameKey: nameKey(MCP_RESULTS),
			description: null,
			origin: 'mcp',
			isProtected: 0,
			createdAt: clock.now(),
		});
		db.lists.hide(listId);
		return listId;
	};

	/** What was asked for, each once: those in the cohort, and the others. */
	const select = (caller: Caller, { task_id, entity_ids }: Request) => {
		const { leadIds } = resolveCohort(db, caller, task_id);
		if (!entity_ids) return { leadIds, others: [] };
		const inCohort = new Set(leadIds);
		const wanted = [...new Set(entity_ids)];
		return {
			leadIds: wanted.filter((id) => inCohort.has(id)),
			others: wanted.filter((id) => !inCohort.has(id)),
		};
	};

	const enrichPersons = (caller: Caller, request: Request, leadIds: string[], quoteId: string) => {
		const { task_id: cohort, data_points: dataPoints } = request;
		const listId = request.lead_list_id
			? writableList(db, caller, request.lead_list_id).listId
			: hiddenList(caller);
		const started = enrichments.startCohort(caller, {
			cohort,
			listId,
			leadIds,
			type: enrichmentTypeOfDataPoints(dataPoints),
			quoted: { tool: 'add_person_enrichments', dataPoints, taskId: cohort },
			quoteId,
		});
		for (const leadId of leadIds) db.lists.attach(listId, leadId);
		return {
			workflow_id: started.workflowId,
			status: 'pending' as const,
			credits_reserved: started.creditsReserved,
			results: leadIds.map((entity_id) => ({ entity_id, status: 'queued' as const })),
		};
	};

	const enrichCompanies = (caller: Caller, request: Request, leadIds: string[], quoteId: string) => {
		const tool = 'add_company_enrichments';
		// Named but not filled, so that a list out of reach is refused here as it is for persons.
		if (request.lead_list_id) writableList(db, caller, request.lead_list_id);
		const reserved = priceOf({ tool }, leadIds.length);
		const reference = `enrich-companies-${ids.uuid()}`;
		quotes.redeem(caller, quoteId, { tool, taskId: request.task_id, recomputedCost: reserved });
		ledger.reserve(caller.organizationId, reserved, reference);
		const results = db.runs.leadsById(leadIds).map(({ leadId: entity_id, company, companyDomain }) => {
			if (!text(company) && !text(companyDomain)) {
				return { entity_id, status: 'skipped' as const, error: 'The lead names no company.' };
			}
			const found = companies.lookUp({ company_name: company, domain: companyDomain });
			if (!found)
				return { entity_id, status: 'failed' as const, error: 'Nothing is known about the company.' };
			return { entity_id, status: 'enriched' as const, company: found };
		});
		const enriched = results.filter(({ status }) => status === 'enriched').length;
		ledger.settle(caller.organizationId, reference, priceOf({ tool }, enriched));
		return { workflow_id: null, status: 'completed' as const, credits_reserved: reserved, results };
	};

	return {
		/**
		 * @throws ApiError 404 for a cohort or list out of reach; 400 for data points that are unknown or of both
		 *   kinds, for nothing to enrich, without credits, and for the quote; 409 for a used quote
		 */
		enrich(caller: Caller, request: Request): Response {
			const kind = kindOf(request.data_points);
			const { leadIds, others } = select(caller, request);
			if (leadIds.length === 0) throw emptyList(request.task_id);
			const quoteId = text(request.quote_id);
			if (!quoteId) throw quoteRequired(`add_${kind}_enrichments`);
			const run = kind === 'person' ? enrichPersons : enrichCompanies;
			const { results, ...outcome } = db.transaction(() => run(caller, request, leadIds, quoteId));
			const skipped = others.map((entity_id) => ({
				entity_id,
				status: 'skipped' as const,
				error: NOT_IN_COHORT,
			}));
			return {
				entity_kind: kind,
				...outcome,
				total_entities: results.length + skipped.length,
				results: [...results, ...skipped],
			};
		},
	};
}

export type ByTask = ReturnType<typeof createByTask>;

function kindOf(dataPoints: string[]): 'person' | 'company' {
	const all = (known: readonly string[]) => dataPoints.every((point) => known.includes(point));
	if (all(PERSON_DATA_POINTS)) return 'person';
	if (all(COMPANY_DATA_POINTS)) return 'company';
	throw badRequest(
		'The data points are unknown, or of persons and companies at once.',
		`Use some of ${PERSON_DATA_POINTS.join(', ')} for persons, or of ${COMPANY_DATA_POINTS.join(', ')} for companies.`,
	);
}
