import { randomUUID } from 'node:crypto';
import type { WebhookPayload } from '../src/contract/webhook.ts';

/**
 * Makes webhooks of about `bytes` bytes, each with a workflow id of its own, so that none is a duplicate. Only the
 * id is written anew for each, because the generator must cost less than what it measures.
 */
export function webhookBody(bytes: number): () => Buffer {
	const marker = randomUUID();
	const payload: WebhookPayload = {
		event: 'enrichment.completed',
		workflow_id: `public_bulk_${marker}`,
		lead_list_id: randomUUID(),
		enrichment_type: 'full',
		status: 'completed',
		summary: { total: 0, successful: 0, failed: 0, emails_found: 0, phones_found: 0 },
		results: [],
		results_limit: 250,
		results_truncated: 0,
		results_endpoint: `/api/v1/public/enrich/status?workflow_id=public_bulk_${marker}`,
		completed_at: '2026-01-05T09:00:00.000Z',
	};
	const item = (n: number): WebhookPayload['results'][number] => ({
		task_id: randomUUID(),
		status: 'completed',
		primary_email: `person.${n}@acme.example`,
		primary_email_status: 'verified',
		personal_phone_numbers: ['+12025550147'],
		prospect: { first_name: 'Person', last_name: `Number ${n}`, full_name: `Person Number ${n}` },
		company: { name: 'Acme', domain: 'acme.example' },
	});
	while (JSON.stringify(payload).length + 330 < bytes) payload.results.push(item(payload.results.length));

	const template = Buffer.from(JSON.stringify(payload));
	const at = template.indexOf(marker);
	return () => {
		const body = Buffer.from(template);
		body.write(randomUUID(), at, 'latin1');
		return body;
	};
}
