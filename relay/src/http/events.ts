import { z } from 'zod';
import { iso } from '../clock.ts';
import { EventDetail, EventsResponse, RELAY_PREFIX } from '../contract/relay-api.ts';
import type { DeliveryView, EventView } from '../contract/relay-api.ts';
import type { Store, StoredDelivery, StoredEvent } from '../store/port.ts';
import { ProblemError } from './errors.ts';
import { IdParams } from './routes.ts';
import type { RelayRoutes } from './routes.ts';

const ListQuery = z.strictObject({
	limit: z
		.string()
		.regex(/^\d+$/, 'must be a whole number from 1 to 100')
		.transform(Number)
		.refine((limit) => limit >= 1 && limit <= 100, 'must be a whole number from 1 to 100')
		.default(50),
	cursor: z
		.string()
		.transform((cursor) => decodeCursor(cursor))
		.refine((id) => id !== null, 'must be the cursor of the page before')
		.optional(),
	workflow_id: z.string().min(1).max(200).optional(),
});

/** `/relay/v1/events`: what came in and what became of it. */
export function eventRoutes({ store }: { store: Store }): RelayRoutes {
	const config = { access: ['read'] } as const;

	return async (http) => {
		http.get(
			`${RELAY_PREFIX}/events`,
			{
				config,
				schema: {
					summary: 'What came in, newest first',
					querystring: ListQuery,
					response: { 200: EventsResponse },
				},
			},
			async ({ query: { limit, cursor, workflow_id } }) => {
				// One more than asked for tells whether there is a next page.
				const found = await store.listEvents({
					limit: limit + 1,
					...(cursor && { before: cursor }),
					...(workflow_id && { workflowId: workflow_id }),
				});
				const page = found.slice(0, limit);
				const last = page.at(-1);
				return {
					events: page.map(view),
					cursor: found.length > limit && last ? encodeCursor(last.id) : null,
				};
			},
		);

		http.get(
			`${RELAY_PREFIX}/events/:id`,
			{
				config,
				schema: {
					summary: 'One event with its deliveries and every attempt',
					params: IdParams,
					response: { 200: EventDetail },
					problems: ['event_not_found'],
				},
			},
			async ({ params: { id } }) => {
				const event = await store.getEvent(id);
				if (!event) {
					throw new ProblemError('event_not_found', {
						detail: `No event has the id ${JSON.stringify(id.slice(0, 100))}.`,
					});
				}
				const deliveries = await store.listDeliveries({ eventId: id, limit: MAX_DELIVERIES });
				return { ...view(event), deliveries: deliveries.reverse().map(deliveryView) };
			},
		);
	};
}

/** The newest of them are shown, oldest first: one for each subscription, and one for each replay. */
const MAX_DELIVERIES = 100;

const CURSOR_PREFIX = 'before:';
const encodeCursor = (id: string) => Buffer.from(CURSOR_PREFIX + id).toString('base64url');

/** The id in a cursor; null when it is none that this relay gave out. */
function decodeCursor(cursor: string): string | null {
	const text = Buffer.from(cursor, 'base64url').toString();
	return text.startsWith(CURSOR_PREFIX) && encodeCursor(text.slice(CURSOR_PREFIX.length)) === cursor
		? text.slice(CURSOR_PREFIX.length)
		: null;
}

function view(event: StoredEvent): EventView {
	return {
		id: event.id,
		source_id: event.sourceId,
		state: event.state,
		quarantine_reason: event.quarantineReason,
		origin: event.origin,
		workflow_id: event.workflowId,
		received_at: iso(event.receivedAt),
		duplicates: event.duplicates,
		bytes: event.bytes,
	};
}

function deliveryView(delivery: StoredDelivery): DeliveryView {
	const pending = delivery.state === 'ready' || delivery.state === 'leased';
	return {
		id: delivery.id,
		subscription_id: delivery.subscriptionId,
		state: delivery.state,
		attempts: delivery.attempts.map(({ attempt, startedAt, durationMs, status, error }) => ({
			attempt,
			started_at: iso(startedAt),
			duration_ms: durationMs,
			status,
			error,
		})),
		next_attempt_at: pending ? iso(delivery.dueAt) : null,
		delivered_at: delivery.deliveredAt === null ? null : iso(delivery.deliveredAt),
	};
}
