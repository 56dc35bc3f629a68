import type { EstimateTool } from '../../contract/credits.ts';
import type { EnrichmentScope, V2EnrichmentType } from '../../contract/enrichment-v2.ts';
import type { AgentType } from '../../contract/smart-agents.ts';
import { maximumCost } from './credits.ts';

/** The price list (contract D): the one place that says what a call may cost at most. */

/** Credits per lead. The vendor names the first two; the others are set to the lower of them. */
export const AGENT_CREDITS: Record<AgentType, number> = {
	custom_ai: 1,
	cold_intro_email: 3,
	title_normalizer: 1,
	company_intel: 1,
	pain_point_hypothesis: 1,
};

/** Companies that one credit pays for in a cohort; a part of them counts as all. */
const COMPANIES_PER_CREDIT = 10;

/** What a call does, as far as its price depends on it. */
export type Work =
	| { tool: 'enrich_list' | 'enrich_person' | 'bulk_import_csv'; enrichmentType: V2EnrichmentType }
	| { tool: 'add_person_enrichments'; dataPoints: readonly string[] }
	| { tool: 'add_company_enrichments' }
	| { tool: 'run_smart_agent'; agentType: AgentType }
	| { tool: 'sync_to_crm' | 'sync_to_sequencer' };

/** The most that `rows` leads, persons or companies can cost, in credits. */
export function priceOf(work: Work, rows: number): number {
	switch (work.tool) {
		case 'enrich_list':
		case 'enrich_person':
		case 'bulk_import_csv':
		case 'add_person_enrichments':
			return maximumCost(enrichmentTypeOf(work), rows);
		case 'add_company_enrichments':
			return Math.ceil(rows / COMPANIES_PER_CREDIT);
		case 'run_smart_agent':
			return rows * AGENT_CREDITS[work.agentType];
		case 'sync_to_crm':
		case 'sync_to_sequencer':
			return 0;
	}
}

/** What tells one piece of work with a tool from another: the type of enrichment or of agent; null when nothing does. */
export function typeOf(work: Work): V2EnrichmentType | AgentType | null {
	switch (work.tool) {
		case 'run_smart_agent':
			return work.agentType;
		case 'add_company_enrichments':
		case 'sync_to_crm':
		case 'sync_to_sequencer':
			return null;
		default:
			return enrichmentTypeOf(work);
	}
}

/** The v2 bulk endpoint and the estimate spell phone with a hyphen (G12). */
export const enrichmentTypeOfScope = (scope: EnrichmentScope): V2EnrichmentType =>
	scope === 'phone-only' ? 'phone_only' : scope;

/** The vendor's mapping for `by-task` (contract D): Email + Phone is full, Phone alone phone_only, anything else partial. */
export function enrichmentTypeOfDataPoints(dataPoints: readonly string[]): V2EnrichmentType {
	if (!dataPoints.includes('Phone')) return 'partial';
	return dataPoints.includes('Email') ? 'full' : 'phone_only';
}

const enrichmentTypeOf = (work: Extract<Work, { enrichmentType: unknown } | { dataPoints: unknown }>) =>
	'dataPoints' in work ? enrichmentTypeOfDataPoints(work.dataPoints) : work.enrichmentType;

/**
 * What a tool works on, and so what its rows are counted in and a quote for it is bound to: a list, a cohort, or
 * what the call itself carries (a list is then only where leads go).
 */
export const SUBJECT: Record<EstimateTool, 'list' | 'cohort' | 'call'> = {
	enrich_list: 'list',
	run_smart_agent: 'list',
	sync_to_crm: 'list',
	sync_to_sequencer: 'list',
	add_person_enrichments: 'cohort',
	add_company_enrichments: 'cohort',
	enrich_person: 'call',
	bulk_import_csv: 'call',
};
