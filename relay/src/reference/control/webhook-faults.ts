import type { WebhookPayload } from '../../contract/webhook.ts';
import type { OutgoingWebhook } from '../workflows.ts';
import type { Faults } from './faults.ts';
import { nest } from './variants.ts';
import type { Variants } from './variants.ts';

/** Decides what becomes of a webhook: what it looks like, when it goes out, and how often; null when nothing is sent. */
export function createWebhookFaults({ faults, variants }: { faults: Faults; variants: Variants }) {
	return (webhookUrl: string, payload: WebhookPayload): OutgoingWebhook | null => {
		let { results_truncated } = payload;
		let results: unknown[] = payload.results;
		let delayMs = 0;
		let isTwice = false;
		for (const fault of faults.ofWebhook({ path: new URL(webhookUrl).pathname })) {
			switch (fault.type) {
				case 'webhook_never':
					return null;
				case 'webhook_late':
					delayMs += fault.ms;
					break;
				case 'webhook_duplicate':
					isTwice = true;
					break;
				case 'webhook_truncated':
					results_truncated = Math.min(fault.results, results.length);
					results = results.slice(0, results.length - results_truncated);
					break;
				case 'webhook_nested_items':
					results = results.map(nest);
					break;
			}
		}
		const sent = { ...payload, results, results_truncated };
		return { body: variants.webhook(sent), delayMs, isTwice };
	};
}
