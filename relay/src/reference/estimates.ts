import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { ESTIMATE_TOOLS } from '../contract/credits.ts';
import type { EstimateRequest, EstimateResponse, EstimateTool } from '../contract/credits.ts';
import {
	COMPANY_DATA_POINTS,
	EnrichmentScope,
	PERSON_DATA_POINTS,
	V2EnrichmentType,
} from '../contract/enrichment-v2.ts';
import { AGENT_ROWS, AgentType } from '../contract/smart-agents.ts';
import type { Caller } from './auth.ts';
import { resolveCohort } from './cohorts.ts';
import type { Database } from './db/index.ts';
import { canonicalJson } from './domain/canonical-json.ts';
import { SUBJECT, enrichmentTypeOfScope, priceOf } from './domain/pricing.ts';
import type { Work } from './domain/pricing.ts';
import { badRequest, notFound } from './errors.ts';
import type { Ledger } from './ledger.ts';
import type { Quotes } from './quotes.ts';

type Request = z.output<typeof EstimateRequest>;

/** What `extra` may hold: the fields of the quoted call that the estimate has no field of its own for. */
const EXTRA: Record<EstimateTool, readonly string[]> = {
	enrich_list: [],
	enrich_person: [],
	run_smart_agent: ['column_name', 'prompt', 'lead_scope', 'max_rows', 'overwrite'],
	sync_to_crm: [],
	sync_to_sequencer: [],
	add_person_enrichments: [],
	add_company_enrichments: [],
	bulk_import_csv: [],
};

export interface EstimateDependencies {
	db: Database;
	ledger: Ledger;
	quotes: Quotes;
}

/**
 * Prices a call and writes the quote down (B.7).
 *
 * @throws ApiError 400 for an unknown tool, a key of `extra` the tool does not know, an unknown type, or when
 *   nothing says how many rows there are; 404 for a list or a cohort hidden from the caller
 */
export function estimate(
	{ db, ledger, quotes }: EstimateDependencies,
	caller: Caller,
	request: Request,
): EstimateResponse {
	const tool = toolOf(request);
	const maxRows = checkExtra(tool, request.extra ?? {});
	const work = workOf(tool, request);
	const rowCount = Math.min(countRows(db, caller, tool, request), maxRows);
	const cost = priceOf(work, rowCount);
	const filterHash = hashOf(request.filters);
	const { list_id: listId, task_id: taskId } = request;
	const { quoteId, expiresAt } = quotes.issue(caller, {
		...work,
		listId,
		taskId,
		filterHash,
		rowCount,
		cost,
	});
	const available = ledger.spendable(caller.organizationId);
	return {
		quote_id: quoteId,
		expires_at: expiresAt,
		estimated_cost: cost,
		tool,
		row_count: rowCount,
		filter_hash: filterHash,
		available_credits: available,
		sufficient: cost <= available,
	};
}

function toolOf({ tool }: Request): EstimateTool {
	const known = ESTIMATE_TOOLS.find((name) => name === tool);
	if (!known)
		throw badRequest(`There is no tool ${quoted(tool)}.`, `Use one of: ${ESTIMATE_TOOLS.join(', ')}.`);
	return known;
}

/** @returns the most rows the call would work on */
function checkExtra(tool: EstimateTool, extra: Record<string, unknown>): number {
	const allowed = EXTRA[tool];
	const unknown = Object.keys(extra).find((key) => !allowed.includes(key));
	if (unknown !== undefined) {
		const fix = allowed.length > 0 ? `It takes: ${allowed.join(', ')}.` : 'It takes none.';
		throw badRequest(`The tool ${tool} takes no ${quoted(unknown)} in extra.`, fix);
	}
	const maxRows = extra.max_rows ?? Infinity;
	if (maxRows === Infinity) return Infinity;
	if (!Number.isInteger(maxRows) || (maxRows as number) < 1 || (maxRows as number) > AGENT_ROWS.max) {
		throw badRequest(`extra.max_rows is a whole number from 1 to ${AGENT_ROWS.max}.`);
	}
	return maxRows as number;
}

function workOf(tool: EstimateTool, request: Request): Work {
	const dataPoints = request.data_points ?? [];
	switch (tool) {
		case 'enrich_list':
		case 'enrich_person':
		case 'bulk_import_csv':
			return { tool, enrichmentType: enrichmentTypeOf(request) };
		case 'run_smart_agent':
			return { tool, agentType: oneOf(AgentType, 'agent_type', request.agent_type ?? 'custom_ai') };
		case 'add_person_enrichments':
			if (dataPoints.length === 0) {
				throw badRequest(
					'This tool needs data_points.',
					`Name at least one of: ${PERSON_DATA_POINTS.join(', ')}.`,
				);
			}
			checkDataPoints(dataPoints, PERSON_DATA_POINTS);
			return { tool, dataPoints };
		case 'add_company_enrichments':
			checkDataPoints(dataPoints, COMPANY_DATA_POINTS);
			return { tool };
		case 'sync_to_crm':
		case 'sync_to_sequencer':
			return { tool };
	}
}

/** `enrichment_type`, else `scope`, else what `include_phone` stands for; the first two may not contradict. */
function enrichmentTypeOf(request: Request): V2EnrichmentType {
	const { enrichment_type: type, scope, include_phone } = request;
	const named = type && oneOf(V2EnrichmentType, 'enrichment_type', type);
	const scoped = scope && enrichmentTypeOfScope(oneOf(EnrichmentScope, 'scope', scope));
	if (named && scoped && named !== scoped) {
		throw badRequest(
			`enrichment_type ${named} and scope ${scope} contradict each other.`,
			'Send one of them.',
		);
	}
	return named || scoped || (include_phone ? 'phone_only' : 'partial');
}

function oneOf<T extends string>(values: { options: T[] }, field: string, value: string): T {
	const known = values.options.find((option) => option === value);
	if (!known) {
		throw badRequest(`There is no ${field} ${quoted(value)}.`, `Use one of: ${values.options.join(', ')}.`);
	}
	return known;
}

function checkDataPoints(dataPoints: string[], known: readonly string[]): void {
	const unknown = dataPoints.find((point) => !known.includes(point));
	if (unknown === undefined) return;
	throw badRequest(`There is no data point ${quoted(unknown)} for this tool.`, `Use: ${known.join(', ')}.`);
}

/** Counted here whenever there is something to count; the caller's `row_count` is for the rest. */
function countRows(db: Database, caller: Caller, tool: EstimateTool, request: Request): number {
	const { list_id: listId, task_id: taskId, entity_ids: entityIds, row_count: rowCount } = request;
	const list = listId ? db.lists.visible(caller, listId) : undefined;
	if (listId && !list) throw notFound('lead list', listId);
	if (taskId) return resolveCohort(db, caller, taskId, entityIds).leadIds.length;
	if (list && SUBJECT[tool] !== 'call') return list.leadCount;
	if (entityIds) return new Set(entityIds).size;
	if (rowCount !== null && rowCount !== undefined) return rowCount;
	if (tool === 'enrich_person') return 1;
	throw badRequest(
		'Nothing says how many rows this is about.',
		'Send list_id, task_id, entity_ids or row_count.',
	);
}

const hashOf = (filters: Request['filters']): string =>
	filters && Object.keys(filters).length > 0
		? createHash('sha256').update(canonicalJson(filters)).digest('hex')
		: 'none';

const quoted = (value: string): string =>
	JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
