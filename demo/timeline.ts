import { setTimeout as delay } from 'node:timers/promises';
import type { EventDetail, WorkflowStatusResponse } from '../relay/src/contract/index.ts';
import type { RelayProcess } from '../test/support/relay-process.ts';
import { textOf } from './session.ts';
import type { Enriched } from './session.ts';

/** How long the relay may take to write down that n8n has answered. */
const SETTLED_WITHIN_MS = 5_000;

/** The steps of one request's way, in order. */
export const STEPS = {
	submitted: 'Submitted to Cleanlist',
	completed: 'Workflow completed',
	received: 'Webhook received by the relay',
	stored: 'On disk (fsynced)',
	delivered: 'Delivered to n8n',
	emitted: 'Emitted by the trigger',
} as const;
export type Step = keyof typeof STEPS;

/** When one request passed each step, milliseconds since the epoch; null when it is not known. */
export interface Timeline {
	workflowId: string;
	contacts: number;
	at: Record<Step, number | null>;
}

/**
 * Puts the way of one request together from what each part recorded itself: the API about the submission and the
 * completion, the relay about the webhook and its delivery, the engine about the trigger. One machine, one clock.
 */
export async function timelineOf(
	relay: RelayProcess,
	workflowId: string,
	enriched: Enriched[],
): Promise<Timeline> {
	const status = await getJson<WorkflowStatusResponse>(
		`${relay.referenceUrl}/api/v1/public/enrich/status?workflow_id=${workflowId}`,
		relay.demoKey,
	);
	const eventId = textOf(enriched[0]?.item.webhook_id);
	const stored = relay.log.find(({ msg, event_id }) => msg === 'event stored' && event_id === eventId);
	const completed = enriched[0]?.item.completed_at;
	return {
		workflowId,
		contacts: enriched.length,
		at: {
			submitted: Date.parse(status.created_at),
			completed: typeof completed === 'string' ? Date.parse(completed) : null,
			received: numberOrNull(stored?.received_at),
			stored: numberOrNull(stored?.stored_at),
			delivered: await deliveredAt(relay, eventId),
			emitted: enriched[0]?.emittedAt ?? null,
		},
	};
}

/** When n8n had answered the delivery of the event. */
async function deliveredAt(relay: RelayProcess, eventId: string): Promise<number | null> {
	await Promise.race([
		relay.waitFor(({ msg, event_id }) => msg === 'delivered' && event_id === eventId),
		delay(SETTLED_WITHIN_MS, undefined, { ref: false }),
	]);
	const { deliveries } = await getJson<EventDetail>(`${relay.url}/relay/v1/events/${eventId}`, relay.token);
	const attempt = deliveries.find(({ state }) => state === 'delivered')?.attempts.at(-1);
	return attempt ? Date.parse(attempt.started_at) + attempt.duration_ms : null;
}

async function getJson<T>(url: string, token: string): Promise<T> {
	const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
	if (!answer.ok) throw new Error(`GET ${new URL(url).pathname} was answered with ${answer.status}`);
	return (await answer.json()) as T;
}

const numberOrNull = (value: unknown): number | null => (typeof value === 'number' ? value : null);
