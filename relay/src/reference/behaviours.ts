import { EXTENSION_LEADS } from './domain/list-name.ts';

/** What can be switched, each named after the behaviour of the vendor's that is in doubt (contract G). */
export interface Behaviours {
	/** The vendor has a kill switch on CSV import; off means 503 (B.18). */
	csvImport: boolean;
	/** Of the list that `enrich/bulk` attaches to; an existing one keeps the name it has (G1). */
	protectedListName: typeof EXTENSION_LEADS | 'DEFAULT';
	/** How v2 refuses a body or query: FastAPI's 422, or 400 in the format of its other errors (G3). */
	v2Validation: '422_detail' | '400_envelope';
	/** Whether `enrich/status` by workflow holds a `results` array besides the counts (G4). */
	workflowStatusResults: boolean;
	/** Where `enrich/status` by task has the result (G5). */
	taskResult: 'result' | 'top_level' | 'results_0' | 'data_0';
	/** The items of a webhook: flat, or the answer nested under `result` (G7). */
	webhookItems: 'flat' | 'nested';
	/** Posts of one webhook that is never taken: 6 is one at once and retries after 1, 2, 4, 8 and 16 s (G8). */
	webhookPosts: 5 | 6;
	/** What e-mail statuses are called: the five, or the fewer and older `reliable` or `valid` (G9). */
	emailStatuses: 'verified' | 'reliable' | 'valid';
	/** How the keys begin that are made from now on (G15). */
	keyPrefix: 'clapi_' | 'clapi_live_';
	/** Whether answers name the scopes `enrich:…` or `enrichment:…` (G17). */
	scopeNames: 'enrich' | 'enrichment';
	/** What ids of lists look like (G21). */
	listIds: 'uuid' | 'list_' | 'll_';
	/** What cursors look like (G25). */
	cursors: 'opaque' | 'numeric';
	/** What v2's status answers to the id of an `enrich/bulk` workflow (G26). */
	v2StatusOfBulkIds: 'accepted' | '404';
}

export const DEFAULT_BEHAVIOURS: Behaviours = {
	csvImport: true,
	protectedListName: EXTENSION_LEADS,
	v2Validation: '422_detail',
	workflowStatusResults: false,
	taskResult: 'result',
	webhookItems: 'flat',
	webhookPosts: 5,
	emailStatuses: 'verified',
	keyPrefix: 'clapi_',
	scopeNames: 'enrich',
	listIds: 'uuid',
	cursors: 'opaque',
	v2StatusOfBulkIds: 'accepted',
};
