import * as contract from '../../relay/src/contract/index.ts';
import type { Prefix } from './contract.ts';

/** What is used of a schema. */
interface Schema {
	safeParse(
		value: unknown,
	):
		| { success: true; data: unknown }
		| { success: false; error: { issues: { path: PropertyKey[]; message: string }[] } };
}

/** The strict schema of each operation's success, by its name in the contract data. */
const SCHEMAS: Record<string, Schema> = {
	validate_key: contract.ValidateKeyResponse,
	enrich_bulk_contacts: contract.BulkEnrichResponse,
	enrich_status_legacy: contract.WorkflowStatusResponse.or(contract.TaskStatusResponse),
	webhook_deliveries: contract.WebhookDeliveriesResponse,
	whoami: contract.WhoamiResponse,
	credits_balance: contract.CreditsBalanceResponse,
	credits_estimate: contract.EstimateResponse,
	list_api_keys: contract.ApiKeysResponse,
	usage_report: contract.UsageResponse,
	create_list: contract.ListDetailResponse,
	list_lists: contract.ListsPageResponse,
	get_list: contract.ListDetailResponse,
	update_list: contract.ListDetailResponse,
	delete_list: contract.DeleteListResponse,
	list_leads_in_list: contract.LeadsPageResponse,
	add_leads_to_list: contract.AddLeadsResponse,
	remove_leads_from_list: contract.RemoveLeadsResponse,
	csv_import: contract.CsvImportResponse,
	enrich_person: contract.EnrichPersonResponse,
	enrich_company: contract.EnrichCompanyResponse,
	enrich_by_task: contract.EnrichByTaskResponse,
	enrich_list: contract.EnrichListResponse,
	enrichment_status: contract.EnrichmentStatusResponse,
	run_smart_agent: contract.RunSmartAgentResponse,
	list_smart_agents: contract.SmartAgentRunsResponse,
	get_smart_agent_results: contract.SmartAgentResultsResponse,
	export_csv: contract.ExportCsvResponse,
	export_json: contract.ExportJsonResponse,
};

/** The balance loses its envelope on the legacy prefix (G18): the one answer that differs between the two. */
export const isBareBalance = (operation: string, prefix: Prefix): boolean =>
	operation === 'credits_balance' && prefix === '/api/v1/public';

export function schemaOf(operation: string, prefix: Prefix): Schema {
	if (isBareBalance(operation, prefix)) return contract.LegacyCreditsBalanceResponse;
	return SCHEMAS[operation]!;
}
