import { z } from 'zod';
import { iso } from '../clock.ts';
import {
	EventDetail,
	EventRedriven,
	EventsResponse,
	EventView,
	RELAY_PREFIX,
	StorableText,
} from '../contract/relay-api.ts';
import type { Inbox } from '../inbox/index.ts';
import type { Store, StoredEvent } from '../store/port.ts';
import { deliveryView } from './delivery-view.ts';
import { notFound, ProblemError } from './errors.ts';
import { PAGE_QUERY, readPage } from './pages.ts';
import { IdParams } from './routes.ts';
import type { RelayRoutes } from './routes.ts';

const ListQuery = z.strictObject({
	...PAGE_QUERY,
	workflow_id: StorableText.min(1).max(200).optional(),
	state: EventView.shape.state.optional(),
});

/** `/relay/v1/events`: what came in and what became of it. */
export function eventRoutes({ store, inbox }: { store: Store; inbox: Inbox }): RelayRoutes {
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
					store.listEvents({
						...page,
						...(query.workflow_id && { workflowId: query.workflow_id }),
						...(query.state && { state: query.state }),
					}),
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
				if (!event) return notFound('event', id);
				const deliveries = await store.listDeliveries({ eventId: id, limit: MAX_DELIVERIES });
				const variants = event.variants > 0 ? await store.listVariants(id) : [];
				return {
					...view(event),
					deliveries: deliveries.reverse().map(deliveryView),
					variant_bodies: variants.map(({ hash, bytes, contentType, receivedAt }) => ({
						sha256: hash.toString('hex'),
						bytes,
						content_type: contentType,
						received_at: iso(receivedAt),
					})),
				};
			},
		);

		http.post(
			`${RELAY_PREFIX}/events/:id/redrive`,
			{
				config: { access: ['subscribe'] },
				schema: {
					summary: 'Reads an event in quarantine anew, and delivers it',
					params: IdParams,
					response: { 200: EventRedriven },
					problems: ['event_not_found', 'event_unreadable', 'event_not_quarantined', 'event_superseded'],
				},
			},
			async ({ params: { id } }) => {
				const reread = await inbox.reread(id);
				switch (reread.kind) {
					case 'accepted':
						return { event_id: id, deliveries: reread.deliveries };
					case 'unreadable':
						throw new ProblemError('event_unreadable', { detail: reread.reason });
					case 'duplicate':
						throw new ProblemError('event_superseded', {
							detail: `The event ${reread.eventId} has the result of the same workflow.`,
						});
					case 'not quarantined':
						throw new ProblemError('event_not_quarantined', {
							detail: 'The event was understood, and delivered to those who wanted it.',
						});
					case 'unknown':
						return notFound('event', id);
				}
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
		variants: event.variants,
		bytes: event.bytes,
	};
}
