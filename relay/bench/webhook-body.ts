import { randomUUID } from 'node:crypto';
import type { WebhookPayload } from '../src/contract/webhook.ts';

/** Webhooks of one size that differ in their workflow id only. */
export interface WebhookTemplate {
	/** A whole webhook. Copy it before it is changed. */
	body: Buffer;
	/** Gives a copy a workflow id of its own, in place: the generator must cost less than what it measures. */
	renew(copy: Buffer): void;
}

/** Makes webhooks of about `bytes` bytes, each with a workflow id of its own, so that none is a duplicate. */
export function webhookTemplate(bytes: number): WebhookTemplate {
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

	const body = Buffer.from(JSON.stringify(payload));
	const at = body.indexOf(marker);
	return { body, renew: (copy) => void copy.write(randomUUID(), at, 'latin1') };
}
