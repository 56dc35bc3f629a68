import type { z } from 'zod';
import { iso } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { LEGACY_PREFIX } from '../contract/common.ts';
import { ResultItem } from '../contract/enrichment.ts';
import type {
	BulkEnrichRequest,
	BulkEnrichResponse,
	Contact,
	TaskResult,
	TaskStatusResponse,
	WorkflowStatusResponse,
} from '../contract/enrichment.ts';
import { RESULTS_LIMIT, WEBHOOK_EVENT, WebhookPayload } from '../contract/webhook.ts';
import { siblingUuids } from '../ids.ts';
import type { Ids } from '../ids.ts';
import type { Caller } from './auth.ts';
import type { Behaviours } from './behaviours.ts';
import type { CompletionControl } from './control/completion.ts';
import type { Tell } from './control/feed.ts';
import type { Settings } from './control/settings.ts';
import type { Database } from './db/index.ts';
import type { WorkflowRow } from './db/workflows.ts';
import { identityOf, text } from './domain/contact.ts';
import { costOf, maximumCost } from './domain/credits.ts';
import { enrich, resultOf, withoutFindings } from './domain/generator.ts';
import { nameKey } from './domain/list-name.ts';
import { createDueWork } from './due-work.ts';
import { insufficientCredits, notFound } from './errors.ts';
import { writeFindings } from './findings.ts';
import type { Ledger } from './ledger.ts';

export interface OutgoingWebhook {
	body: unknown;
	/** From the completion to the first attempt. */
	delayMs: number;
	/** Whether it is sent once more when it was taken. */
	isTwice: boolean;
}

export interface WorkflowOptions {
	db: Database;
	ledger: Ledger;
	clock: Clock;
	ids: Ids;
	settings: Settings;
	completion: CompletionControl;
	behaviours: Pick<Behaviours, 'protectedListName'>;
	/** Decides what is sent when a workflow is done, and when; null for nothing. */
	webhookOf: (webhookUrl: string, payload: WebhookPayload) => OutgoingWebhook | null;
	/** Called when a workflow was started, and when one was completed, so that what is due next can change. */
	onChange: () => void;
	tell: Tell;
}

/** Bulk enrichment: submitting, completing, and asking about it. */
export function createWorkflows(options: WorkflowOptions) {
	const { db, ledger, clock, ids, settings, completion, behaviours, webhookOf, onChange, tell } = options;

	/** The caller's protected list, made on first use (contract E). */
	const extensionLeads = (caller: Caller, now: number): string => {
		const existing = db.lists.protectedId(caller.userId);
		if (existing) return existing;
		const listId = ids.uuid();
		db.lists.insert({
			listId,
			organizationId: caller.organizationId,
			ownerId: caller.userId,
			name: behaviours.protectedListName,
			nameKey: nameKey(behaviours.protectedListName),
			description: null,
			origin: 'public_api',
			isProtected: 1,
			createdAt: now,
		});
		return listId;
	};

	/**
	 * Takes a checked request in: attaches every contact and starts the workflow, in one transaction. There is
	 * no idempotency: the same request again is a second workflow.
	 *
	 * @throws ApiError 402 unless the balance, less what running workflows may yet cost, covers every contact
	 *   being a hit. Holding the maximum is what keeps the balance from ever going below zero.
	 */
	const start = (caller: Caller, request: z.output<typeof BulkEnrichRequest>): BulkEnrichResponse => {
		const now = clock.now();
		const workflowId = `public_bulk_${ids.uuid()}`;
		// Tasks and leads, each with its indexes: with ids of their own, 250 contacts beside 100,000 leads took 1.3 times
		// as long as beside 1,000, and 9.6 MB of writes instead of 3.4.
		const nextId = siblingUuids(ids);
		const taskIds = request.contacts.map(nextId);
		const heldCredits = maximumCost(request.enrichment_type, request.contacts.length);

		db.transaction(() => {
			const { organizationId } = caller;
			if (heldCredits > ledger.spendable(organizationId)) throw insufficientCredits();
			const listId = extensionLeads(caller, now);
			db.workflows.insert({
				workflowId,
				organizationId,
				userId: caller.userId,
				listId,
				enrichmentType: request.enrichment_type,
				webhookUrl: request.webhook_url ?? null,
				heldCredits,
				total: request.contacts.length,
				createdAt: now,
				dueAt: completion.begin(workflowId, now + completion.durationMs),
			});
			for (const [index, contact] of request.contacts.entries()) {
				const leadId = db.lists.upsertLead({
					leadId: nextId(),
					ownerId: caller.userId,
					identity: identityOf(contact),
					firstName: text(contact.first_name),
					lastName: text(contact.last_name),
					company: text(contact.company_name),
					companyDomain: text(contact.company_domain),
					linkedinUrl: text(contact.linkedin_url),
				});
				db.lists.attach(listId, leadId);
				const taskId = taskIds[index] as string;
				db.workflows.insertTask({ taskId, workflowId, index, leadId, contact: JSON.stringify(contact) });
			}
		});
		const total = taskIds.length;
		tell('workflow', { workflow_id: workflowId, kind: 'bulk', status: 'processing', total });
		onChange();

		return {
			workflow_id: workflowId,
			status: 'processing',
			message: 'Bulk enrichment started',
			task_ids: taskIds,
			total_contacts: request.contacts.length,
		};
	};

	/** Results, leads, charge, state and the webhook to send: one transaction, so all of them or none. */
	const complete = (workflow: WorkflowRow, now: number): void => {
		const { workflowId, organizationId, enrichmentType, webhookUrl } = workflow;
		const { outcome, misses } = completion.fateOf(workflowId);
		const results = db.workflows.tasks(workflowId).map(({ taskId, leadId, contact }, index) => {
			const known = enrich(settings.seed, JSON.parse(contact) as Contact);
			const found = outcome !== null || misses(index) ? withoutFindings(known) : known;
			const result = resultOf(taskId, enrichmentType, found);
			if (outcome !== null) result.status = 'failed';
			db.workflows.setResult(taskId, JSON.stringify(result));
			// `none` only attaches: nothing was looked up, so nothing is known.
			if (enrichmentType !== 'none') writeFindings(db, leadId, found, result, now);
			return result;
		});

		const summary = summarize(results);
		const charge = costOf({ emails: summary.emails_found, phones: summary.phones_found });
		ledger.charge(organizationId, charge, workflowId);
		db.workflows.complete({
			workflowId,
			successful: summary.successful,
			failed: summary.failed,
			emailsFound: summary.emails_found,
			phonesFound: summary.phones_found,
			outcome,
			completedAt: now,
		});
		tell('workflow', { workflow_id: workflowId, kind: 'bulk', status: outcome ?? 'completed', summary });
		// What was cancelled is over, and nobody is told.
		if (webhookUrl === null || outcome === 'cancelled') return;
		const payload = payloadOf(workflow, outcome ?? 'completed', summary, results, now);
		const outgoing = webhookOf(webhookUrl, payload);
		if (!outgoing) return;
		db.webhooks.insertBody(workflowId, JSON.stringify(outgoing.body), outgoing.isTwice);
		const dueAt = now + outgoing.delayMs;
		db.webhooks.schedule({ deliveryId: ids.uuid(), workflowId, attemptNumber: 1, dueAt });
	};

	return {
		start,

		...createDueWork({ db, clock, queue: db.workflows, step: complete }),

		/** @throws ApiError 404 for an unknown workflow, or another organization's */
		status(caller: Caller, workflowId: string): WorkflowStatusResponse {
			const row = db.workflows.get(caller.organizationId, workflowId);
			if (!row) throw notFound('workflow', workflowId);
			const completed = row.successful + row.failed;
			return {
				workflow_id: row.workflowId,
				// The vendor names no cancelled one here.
				status: row.status === 'cancelled' ? 'failed' : row.status,
				enrichment_type: row.enrichmentType,
				lead_list_id: row.listId,
				summary: {
					total: row.total,
					completed,
					successful: row.successful,
					failed: row.failed,
					pending: row.total - completed,
					emails_found: row.emailsFound,
					phones_found: row.phonesFound,
				},
				created_at: iso(row.createdAt),
				completed_at: row.completedAt === null ? null : iso(row.completedAt),
			};
		},

		/** @throws ApiError 404 for an unknown task, or another organization's */
		taskStatus(caller: Caller, taskId: string): TaskStatusResponse {
			const row = db.workflows.task(caller.organizationId, taskId);
			if (!row) throw notFound('task', taskId);
			const result = row.result === null ? null : (JSON.parse(row.result) as TaskResult);
			return {
				task_id: row.taskId,
				workflow_id: row.workflowId,
				status: result?.status ?? 'processing',
				result,
			};
		},
	};
}

export type Workflows = ReturnType<typeof createWorkflows>;

function summarize(results: TaskResult[]): WebhookPayload['summary'] {
	const count = (matches: (result: TaskResult) => boolean) => results.filter(matches).length;
	return {
		total: results.length,
		successful: count((result) => result.status === 'completed'),
		failed: count((result) => result.status === 'failed'),
		emails_found: count((result) => result.primary_email !== null),
		phones_found: count((result) => result.personal_phone_numbers.length > 0),
	};
}

function payloadOf(
	workflow: WorkflowRow,
	status: string,
	summary: WebhookPayload['summary'],
	results: TaskResult[],
	now: number,
): WebhookPayload {
	return WebhookPayload.parse({
		event: WEBHOOK_EVENT,
		workflow_id: workflow.workflowId,
		lead_list_id: workflow.listId,
		enrichment_type: workflow.enrichmentType,
		status,
		summary,
		results: results.map((result) => ResultItem.strip().parse(result)),
		results_limit: RESULTS_LIMIT,
		results_truncated: 0,
		results_endpoint: `${LEGACY_PREFIX}/enrich/status?workflow_id=${workflow.workflowId}`,
		completed_at: iso(now),
	});
}
