import type { z } from 'zod';
import type { EnrichmentStatusResponse, SingleEnrichmentResult } from '../contract/enrichment-v2.ts';
import type { Caller } from './auth.ts';
import { resolveCohort } from './cohorts.ts';
import type { EnrichmentRun } from './db/enrichment-runs.ts';
import type { Database } from './db/index.ts';
import type { WorkflowRow } from './db/workflows.ts';
import { COHORT_PREFIX } from './domain/cohort.ts';
import { progressOf } from './domain/steps.ts';
import { notFound } from './errors.ts';

/** Without the envelope, but for its message. */
type Status = Omit<
	z.input<typeof EnrichmentStatusResponse>,
	'task_id' | 'timestamp_ms' | 'agent_instructions' | 'usage'
>;

/**
 * How the work behind an id stands (B.23): a run (`enrich-…`, `bulk-enrich-…`), a cohort (`cl-task_…`: its latest
 * run), or a legacy workflow (`public_bulk_…`, G26).
 *
 * @throws ApiError 404 for an unknown id, or another organization's
 */
export function enrichmentStatus(db: Database, caller: Caller, id: string): Status {
	const { organizationId } = caller;
	const run = db.runs.get(organizationId, id) ?? db.runs.latestOfCohort(organizationId, id);
	if (run) return statusOfRun(run, id, messageOf(db, run));
	const workflow = db.workflows.get(organizationId, id);
	if (workflow) return statusOfWorkflow(workflow);
	if (!id.startsWith(COHORT_PREFIX)) throw notFound('workflow', id);
	return statusOfCohort(id, resolveCohort(db, caller, id).leadIds.length);
}

function statusOfRun(run: EnrichmentRun, id: string, message: string | null): Status {
	const ended = run.charged !== null;
	return {
		message,
		workflow_id: id,
		status: run.status,
		progress: progressOf(run.processed, run.total),
		total: run.total,
		processed: run.processed,
		completed: run.hits,
		failed: run.processed - run.hits,
		enrichment_type: run.enrichmentType,
		lead_list_id: run.listId,
		summary: { emails_found: run.emailsFound, phones_found: run.phonesFound },
		refund_status: ended ? 'not_applicable' : null,
		refund_message: run.refunded ? `${run.refunded} reserved credits were not needed and given back.` : null,
		result:
			ended && run.result !== null
				? (JSON.parse(run.result) as z.input<typeof SingleEnrichmentResult>)
				: null,
		credits_charged: run.charged,
		credits_refunded: run.refunded,
	};
}

/** A run is cancelled with its list, or because that was ordered. */
const messageOf = (db: Database, { workflowId, status }: EnrichmentRun): string | null =>
	status === 'cancelled' && db.steering.get(workflowId)?.outcome !== 'cancelled'
		? 'Cancelled: the list was deleted while the run worked on it.'
		: null;

/** Legacy workflows are not prepaid, so nothing of theirs is charged or refunded in the sense of these fields (B.23). */
const statusOfWorkflow = (workflow: WorkflowRow): Status => {
	const processed = workflow.successful + workflow.failed;
	return {
		workflow_id: workflow.workflowId,
		status: workflow.status === 'processing' ? 'running' : workflow.status,
		progress: progressOf(processed, workflow.total),
		total: workflow.total,
		processed,
		completed: workflow.successful,
		failed: workflow.failed,
		enrichment_type: workflow.enrichmentType,
		lead_list_id: workflow.listId,
		summary: { emails_found: workflow.emailsFound, phones_found: workflow.phonesFound },
		refund_status: workflow.status === 'processing' ? null : 'not_applicable',
		refund_message: null,
		result: null,
		credits_charged: null,
		credits_refunded: null,
	};
};

/** A cohort that nothing was run on is a search that is done. */
const statusOfCohort = (id: string, total: number): Status => ({
	message: 'This cohort was not enriched yet: start it with POST /enrichment/by-task.',
	workflow_id: id,
	status: 'completed',
	progress: 100,
	total,
	processed: total,
	completed: null,
	failed: null,
	enrichment_type: null,
	lead_list_id: null,
	summary: null,
	refund_status: 'not_applicable',
	refund_message: null,
	result: null,
	credits_charged: null,
	credits_refunded: null,
});
