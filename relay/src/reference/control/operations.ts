import { KEYS_PREFIX, LEGACY_PREFIX, V2_PREFIX } from '../../contract/common.ts';

/** Operations by the names that the contract gives them. */
const NAMES: Readonly<Record<string, string>> = {
	'GET /auth/validate-key': 'validate_key',
	'POST /enrich/bulk': 'enrich_bulk_contacts',
	'GET /enrich/status': 'enrich_status_legacy',
	'GET /webhooks/deliveries': 'webhook_deliveries',
	'GET /whoami': 'whoami',
	'GET /credits/balance': 'credits_balance',
	'POST /credits/estimate': 'credits_estimate',
	'GET /api-keys': 'list_api_keys',
	'GET /usage': 'usage_report',
	'POST /lead-lists': 'create_list',
	'GET /lead-lists': 'list_lists',
	'GET /lead-lists/:list_id': 'get_list',
	'PATCH /lead-lists/:list_id': 'update_list',
	'DELETE /lead-lists/:list_id': 'delete_list',
	'GET /lead-lists/:list_id/leads': 'list_leads_in_list',
	'POST /lead-lists/:list_id/leads': 'add_leads_to_list',
	'DELETE /lead-lists/:list_id/leads': 'remove_leads_from_list',
	'POST /lead-lists/:list_id/csv-import': 'csv_import',
	'POST /enrichment/person': 'enrich_person',
	'POST /enrichment/company': 'enrich_company',
	'POST /enrichment/by-task': 'enrich_by_task',
	'POST /enrichment/bulk': 'enrich_list',
	'GET /enrichment/status/:workflow_id': 'enrichment_status',
	'POST /smart-agents/run': 'run_smart_agent',
	'GET /smart-agents': 'list_smart_agents',
	'GET /smart-agents/:smart_agent_task_id': 'get_smart_agent_results',
	'POST /export/csv/signed-url': 'export_csv',
	'GET /export/json': 'export_json',
};

const PREFIXES = [LEGACY_PREFIX, V2_PREFIX];

export const OPERATIONS: readonly string[] = Object.values(NAMES);

/**
 * The operation behind a route; null for what the contract has no operation for, such as key management and
 * unknown paths.
 *
 * @param url the route's, in Fastify's syntax and with its prefix
 */
export function operationOf(method: string, url: string | undefined): string | null {
	if (url === undefined || url.startsWith(KEYS_PREFIX)) return null;
	const prefix = PREFIXES.find((start) => url.startsWith(`${start}/`));
	if (prefix === undefined) return null;
	// Fastify answers HEAD with the route of GET.
	return NAMES[`${method === 'HEAD' ? 'GET' : method} ${url.slice(prefix.length)}`] ?? null;
}
