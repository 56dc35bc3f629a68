import type { DatabaseSync } from 'node:sqlite';
import type { EnrichmentType } from '../../contract/enrichment.ts';
import { dueQueries } from './due.ts';

const INSERT_WORKFLOW = `
	INSERT INTO workflows (workflow_id, organization_id, user_id, list_id, enrichment_type, status, webhook_url,
		held_credits, total, created_at, due_at)
	VALUES (:workflowId, :organizationId, :userId, :listId, :enrichmentType, 'processing', :webhookUrl,
		:heldCredits, :total, :createdAt, :dueAt)`;

const INSERT_TASK = 'INSERT INTO tasks (task_id, workflow_id, idx, lead_id, contact) VALUES (?, ?, ?, ?, ?)';

const COLUMNS = `workflow_id AS workflowId, organization_id AS organizationId, list_id AS listId,
	enrichment_type AS enrichmentType, coalesce(outcome, status) AS status, webhook_url AS webhookUrl, total, successful, failed,
	emails_found AS emailsFound, phones_found AS phonesFound, created_at AS createdAt, completed_at AS completedAt`;

const WORKFLOW = `SELECT ${COLUMNS} FROM workflows WHERE workflow_id = ? AND organization_id = ?`;

const TASKS =
	'SELECT task_id AS taskId, lead_id AS leadId, contact FROM tasks WHERE workflow_id = ? ORDER BY idx';

const TASK = `
	SELECT t.task_id AS taskId, t.workflow_id AS workflowId, t.result
	FROM tasks t JOIN workflows w USING (workflow_id) WHERE t.task_id = ? AND w.organization_id = ?`;

const SET_RESULT = 'UPDATE tasks SET result = ? WHERE task_id = ?';

const COMPLETE = `
	UPDATE workflows SET status = 'completed', outcome = :outcome, successful = :successful, failed = :failed,
		emails_found = :emailsFound, phones_found = :phonesFound, completed_at = :completedAt
	WHERE workflow_id = :workflowId`;

export interface WorkflowRow {
	workflowId: string;
	organizationId: string;
	listId: string;
	enrichmentType: EnrichmentType;
	status: 'processing' | 'completed' | 'failed' | 'cancelled';
	webhookUrl: string | null;
	total: number;
	successful: number;
	failed: number;
	emailsFound: number;
	phonesFound: number;
	createdAt: number;
	completedAt: number | null;
}

export function workflowQueries(db: DatabaseSync) {
	const insertWorkflow = db.prepare(INSERT_WORKFLOW);
	const insertTask = db.prepare(INSERT_TASK);
	const workflow = db.prepare(WORKFLOW);
	const tasks = db.prepare(TASKS);
	const task = db.prepare(TASK);
	const setResult = db.prepare(SET_RESULT);
	const complete = db.prepare(COMPLETE);

	return {
		insert(row: {
			workflowId: string;
			organizationId: string;
			userId: string;
			listId: string;
			enrichmentType: EnrichmentType;
			webhookUrl: string | null;
			heldCredits: number;
			total: number;
			createdAt: number;
			dueAt: number;
		}): void {
			insertWorkflow.run(row);
		},
		insertTask(row: {
			taskId: string;
			workflowId: string;
			index: number;
			leadId: string;
			contact: string;
		}): void {
			insertTask.run(row.taskId, row.workflowId, row.index, row.leadId, row.contact);
		},
		get: (organizationId: string, workflowId: string) =>
			workflow.get(workflowId, organizationId) as WorkflowRow | undefined,
		...dueQueries<WorkflowRow>(db, 'workflows', COLUMNS, `status = 'processing'`),
		/** In the order of the request. */
		tasks: (workflowId: string) =>
			tasks.all(workflowId) as unknown as { taskId: string; leadId: string; contact: string }[],
		task: (organizationId: string, taskId: string) =>
			task.get(taskId, organizationId) as
				{ taskId: string; workflowId: string; result: string | null } | undefined,
		setResult(taskId: string, result: string): void {
			setResult.run(result, taskId);
		},
		complete(row: {
			workflowId: string;
			successful: number;
			failed: number;
			emailsFound: number;
			phonesFound: number;
			/** Null when it ended well. */
			outcome: 'failed' | 'cancelled' | null;
			completedAt: number;
		}): void {
			complete.run(row);
		},
	};
}
