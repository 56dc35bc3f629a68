import { z } from 'zod';
import { tolerant } from './tolerant.ts';

/** How long a quote holds: 5 minutes (B.7). */
export const QUOTE_TTL_S = 300;

/** What a quote can be for. Any other tool is a 400 (B.7). */
export const ESTIMATE_TOOLS = [
	'enrich_list',
	'enrich_person',
	'run_smart_agent',
	'sync_to_crm',
	'sync_to_sequencer',
	'add_person_enrichments',
	'add_company_enrichments',
	'bulk_import_csv',
] as const;
export type EstimateTool = (typeof ESTIMATE_TOOLS)[number];

/** Rows one estimate can be about; the vendor names no bound. */
export const ESTIMATE_MAX_ROWS = 1_000_000_000;

/** `POST /credits/estimate` (B.7). `tool` stays an open string here: an unknown one is a 400, not a 422. */
export const EstimateRequest = z.strictObject({
	tool: z.string(),
	list_id: z.string().nullish(),
	filters: z.record(z.string(), z.unknown()).nullish(),
	row_count: z.int().min(0).max(ESTIMATE_MAX_ROWS).nullish(),
	/** Phone is spelt with a hyphen here (G12). */
	scope: z.string().nullish(),
	agent_type: z.string().nullish(),
	include_phone: z.boolean().default(false),
	provider: z.string().nullish(),
	sub_action: z.string().nullish(),
	enrichment_type: z.string().nullish(),
	task_id: z.string().nullish(),
	data_points: z.array(z.string()).nullish(),
	entity_ids: z.array(z.string()).nullish(),
	extra: z.record(z.string(), z.unknown()).nullish(),
});
export type EstimateRequest = z.input<typeof EstimateRequest>;

export const EstimateResponse = z.strictObject({
	/** `qte_<kid>_<issued_at>_<sig>`: signed, single use. */
	quote_id: z.string(),
	/** Epoch *seconds*. */
	expires_at: z.int(),
	/** Credits; the most the quoted call may spend. */
	estimated_cost: z.int().min(0),
	tool: z.string(),
	row_count: z.int().min(0),
	filter_hash: z.string(),
	available_credits: z.int().min(0),
	sufficient: z.boolean(),
});
export type EstimateResponse = z.infer<typeof EstimateResponse>;
export const EstimateRead = tolerant(EstimateResponse);
export type EstimateRead = z.infer<typeof EstimateRead>;
