import type { DatabaseSync } from 'node:sqlite';

const INSERT_BODY = 'INSERT INTO webhook_bodies (workflow_id, body, twice) VALUES (?, ?, ?)';

const SCHEDULE = `
	INSERT INTO webhook_deliveries (delivery_id, workflow_id, attempt_number, status, due_at, next_retry_at)
	VALUES (:deliveryId, :workflowId, :attemptNumber, 'pending', :dueAt, :dueAt)`;

const DUE = `
	SELECT d.delivery_id AS deliveryId, d.workflow_id AS workflowId, d.attempt_number AS attemptNumber,
		d.due_at AS dueAt, w.webhook_url AS webhookUrl,
		(SELECT b.twice FROM webhook_bodies b WHERE b.workflow_id = d.workflow_id) AS isTwice
	FROM webhook_deliveries d JOIN workflows w USING (workflow_id)
	WHERE d.status = 'pending' ORDER BY d.due_at LIMIT ?`;

const BODY = 'SELECT body FROM webhook_bodies WHERE workflow_id = ?';

const SETTLE = `
	UPDATE webhook_deliveries SET status = :status, attempted_at = :attemptedAt, response_code = :responseCode,
		error_message = :errorMessage, next_retry_at = :nextRetryAt
	WHERE delivery_id = :deliveryId`;

const LOG_COLUMNS = `d.delivery_id AS deliveryId, d.workflow_id AS workflowId, w.webhook_url AS webhookUrl,
	d.attempt_number AS attemptNumber, d.status, d.response_code AS responseCode, d.error_message AS errorMessage,
	d.attempted_at AS attemptedAt, d.next_retry_at AS nextRetryAt`;

const LOG_OF_WORKFLOW = `
	SELECT ${LOG_COLUMNS} FROM webhook_deliveries d JOIN workflows w USING (workflow_id)
	WHERE d.workflow_id = ? ORDER BY d.attempt_number`;

const LATEST_LOG = `
	SELECT ${LOG_COLUMNS} FROM webhook_deliveries d JOIN workflows w USING (workflow_id)
	WHERE w.organization_id = ? ORDER BY d.rowid DESC LIMIT ?`;

const COUNT = `
	SELECT count(*) AS total FROM webhook_deliveries d JOIN workflows w USING (workflow_id)
	WHERE w.organization_id = ?`;

export interface PendingAttempt {
	deliveryId: string;
	workflowId: string;
	attemptNumber: number;
	dueAt: number;
	webhookUrl: string;
	/** Whether it is sent once more when it was taken. */
	isTwice: 0 | 1;
}

export interface DeliveryRow {
	deliveryId: string;
	workflowId: string;
	webhookUrl: string;
	attemptNumber: number;
	status: 'pending' | 'succeeded' | 'failed';
	responseCode: number | null;
	errorMessage: string | null;
	attemptedAt: number | null;
	nextRetryAt: number | null;
}

export function webhookQueries(db: DatabaseSync) {
	const insertBody = db.prepare(INSERT_BODY);
	const schedule = db.prepare(SCHEDULE);
	const due = db.prepare(DUE);
	const body = db.prepare(BODY);
	const settle = db.prepare(SETTLE);
	const logOfWorkflow = db.prepare(LOG_OF_WORKFLOW);
	const latestLog = db.prepare(LATEST_LOG);
	const count = db.prepare(COUNT);

	return {
		insertBody(workflowId: string, text: string, isTwice = false): void {
			insertBody.run(workflowId, text, Number(isTwice));
		},
		schedule(row: { deliveryId: string; workflowId: string; attemptNumber: number; dueAt: number }): void {
			schedule.run(row);
		},
		/** Attempts not made yet, the one due first in front. */
		pending: (limit: number) => due.all(limit) as unknown as PendingAttempt[],
		body: (workflowId: string) => (body.get(workflowId) as { body: string }).body,
		settle(row: {
			deliveryId: string;
			status: 'succeeded' | 'failed';
			attemptedAt: number;
			responseCode: number | null;
			errorMessage: string | null;
			nextRetryAt: number | null;
		}): void {
			settle.run(row);
		},
		ofWorkflow: (workflowId: string) => logOfWorkflow.all(workflowId) as unknown as DeliveryRow[],
		/** Newest first. */
		latest: (organizationId: string, limit: number) =>
			latestLog.all(organizationId, limit) as unknown as DeliveryRow[],
		count: (organizationId: string) => (count.get(organizationId) as { total: number }).total,
	};
}
