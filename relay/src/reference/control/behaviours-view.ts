import { z } from 'zod';
import type { Behaviours } from '../behaviours.ts';

/** As JSON names and values them. */
const Values = {
	csv_import: z.boolean(),
	protected_list_name: z.enum(['Extension Leads', 'DEFAULT']),
	v2_validation: z.enum(['422_detail', '400_envelope']),
	workflow_status_results: z.boolean(),
	task_result: z.enum(['result', 'top_level', 'results_0', 'data_0']),
	webhook_items: z.enum(['flat', 'nested']),
	webhook_posts: z.union([z.literal(5), z.literal(6)]),
	email_statuses: z.enum(['verified', 'reliable', 'valid']),
	key_prefix: z.enum(['clapi_', 'clapi_live_']),
	scope_names: z.enum(['enrich', 'enrichment']),
	list_ids: z.enum(['uuid', 'list_', 'll_']),
	cursors: z.enum(['opaque', 'numeric']),
	v2_status_of_bulk_ids: z.enum(['accepted', '404']),
} satisfies Record<string, z.ZodType>;

export const BehavioursRequest = z.strictObject(Values).partial();
export type BehavioursView = z.output<z.ZodObject<typeof Values>>;

const NAMES: Record<keyof BehavioursView, keyof Behaviours> = {
	csv_import: 'csvImport',
	protected_list_name: 'protectedListName',
	v2_validation: 'v2Validation',
	workflow_status_results: 'workflowStatusResults',
	task_result: 'taskResult',
	webhook_items: 'webhookItems',
	webhook_posts: 'webhookPosts',
	email_statuses: 'emailStatuses',
	key_prefix: 'keyPrefix',
	scope_names: 'scopeNames',
	list_ids: 'listIds',
	cursors: 'cursors',
	v2_status_of_bulk_ids: 'v2StatusOfBulkIds',
};
const PAIRS = Object.entries(NAMES) as [keyof BehavioursView, keyof Behaviours][];

export const behavioursView = (behaviours: Behaviours): BehavioursView =>
	Object.fromEntries(PAIRS.map(([view, name]) => [view, behaviours[name]])) as unknown as BehavioursView;

export const behavioursFrom = (view: Partial<BehavioursView>): Partial<Behaviours> =>
	Object.fromEntries(PAIRS.filter(([name]) => name in view).map(([name, to]) => [to, view[name]]));
