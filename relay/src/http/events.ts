import { z } from 'zod';
import { iso } from '../clock.ts';
import { EventDetail, EventsResponse, RELAY_PREFIX } from '../contract/relay-api.ts';
import type { EventView } from '../contract/relay-api.ts';
import type { Store, StoredEvent } from '../store/port.ts';
import { deliveryView } from './delivery-view.ts';
import { ProblemError } from './errors.ts';
import { PAGE_QUERY, readPage } from './pages.ts';
import { IdParams } from './routes.ts';
import type { RelayRoutes } from './routes.ts';

const ListQuery = z.strictObject({
	...PAGE_QUERY,
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
			async ({ query }) => {
				const { entries, cursor } = await readPage(query, (page) =>
					store.listEvents({ ...page, ...(query.workflow_id && { workflowId: query.workflow_id }) }),
				);
				return { events: entries.map(view), cursor };
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
