import { z } from 'zod';
import { iso } from '../../clock.ts';
import { WebhookDeliveriesResponse } from '../../contract/webhook.ts';
import type { Database } from '../db/index.ts';
import type { DeliveryRow } from '../db/webhooks.ts';
import { notFound } from '../errors.ts';
import { defineRoute, ok } from '../http.ts';
import { validate } from '../validation.ts';

/** Deliveries listed when no workflow is asked for. */
const LATEST = 100;

const DeliveriesQuery = z.object({ workflow_id: z.string().optional() });

/**
 * The log of webhook attempts (B.4, G6). Legacy prefix only. With `workflow_id`, that workflow's, in order;
 * without, the organization's latest. An attempt still to come is listed as `pending` with its time in
 * `next_retry_at`.
 */
export const webhookDeliveries = (db: Database) =>
	defineRoute({
		method: 'GET',
		path: '/webhooks/deliveries',
		about: { summary: 'The attempts to deliver webhooks', query: DeliveriesQuery },
		errors: 'legacy',
		plan: 'api',
		scope: 'enrich:read',
		response: WebhookDeliveriesResponse,
		handle({ caller, query }) {
			const { workflow_id: workflowId } = validate(DeliveriesQuery, query, 'query');
			if (!workflowId) {
				const rows = db.webhooks.latest(caller.organizationId, LATEST);
				return ok({ deliveries: rows.map(view), total: db.webhooks.count(caller.organizationId) });
			}
			if (!db.workflows.get(caller.organizationId, workflowId)) throw notFound('workflow', workflowId);
			const rows = db.webhooks.ofWorkflow(workflowId);
			return ok({ deliveries: rows.map(view), total: rows.length });
		},
	});

const view = (row: DeliveryRow) => ({
	delivery_id: row.deliveryId,
	workflow_id: row.workflowId,
	webhook_url: row.webhookUrl,
	attempt_number: row.attemptNumber,
	status: row.status,
	response_code: row.responseCode,
	error_message: row.errorMessage,
	attempted_at: row.attemptedAt === null ? null : iso(row.attemptedAt),
	next_retry_at: row.nextRetryAt === null ? null : iso(row.nextRetryAt),
});
