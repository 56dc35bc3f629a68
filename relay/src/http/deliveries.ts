import { z } from 'zod';
import type { Clock } from '../clock.ts';
import {
	DeliveriesResponse,
	DeliveryDetail,
	DeliveryState,
	DeliveryView,
	RedriveRequest,
	RedriveResponse,
	RELAY_PREFIX,
	StorableText,
} from '../contract/relay-api.ts';
import { StoreError } from '../store/port.ts';
import type { Store, StoredDelivery } from '../store/port.ts';
import { deliveryDetail, deliveryView } from './delivery-view.ts';
import { notFound, ProblemError } from './errors.ts';
import { PAGE_QUERY, readPage } from './pages.ts';
import { IdParams } from './routes.ts';
import type { RelayRoutes } from './routes.ts';

const PATH = `${RELAY_PREFIX}/deliveries`;
const ListQuery = z.strictObject({
	...PAGE_QUERY,
	state: DeliveryState.optional(),
	subscription_id: StorableText.min(1).max(200).optional(),
	event_id: StorableText.min(1).max(200).optional(),
});

/** Dead deliveries made ready in one transaction, so that webhooks are not held up; and in one request. */
const REDRIVE_BATCH = 100;
const REDRIVE_MOST = 10_000;

/**
 * `/relay/v1/deliveries`: what is on its way, what became of it, and steering it. Who may make subscriptions may
 * steer what is delivered to them; only who may read events may see what receivers answered.
 */
export function deliveryRoutes(options: {
	store: Store;
	clock: Clock;
	/** Something may have become due. */
	onDue: () => void;
}): RelayRoutes {
	const { store, clock, onDue } = options;
	const find = async (id: string): Promise<StoredDelivery> =>
		(await store.getDelivery(id)) ?? notFound('delivery', id);

	return async (http) => {
		const read = { access: ['read'] } as const;
		const steer = { access: ['subscribe'] } as const;

		http.get(
			PATH,
			{
				config: read,
				schema: {
					summary: 'Deliveries, newest first',
					querystring: ListQuery,
					response: { 200: DeliveriesResponse },
				},
			},
			async ({ query }) => {
				const { state, subscription_id: subscriptionId, event_id: eventId } = query;
				const { entries, cursor } = await readPage(query, (page) =>
					store.listDeliveries({
						...page,
						...(state && { state }),
						...(subscriptionId && { subscriptionId }),
						...(eventId && { eventId }),
					}),
				);
				return { deliveries: entries.map(deliveryView), cursor };
			},
		);

		http.get(
			`${PATH}/:id`,
			{
				config: read,
				schema: {
					summary: 'One delivery with its attempts and what the receiver answered',
					params: IdParams,
					response: { 200: DeliveryDetail },
					problems: ['delivery_not_found'],
				},
			},
			async ({ params }) => deliveryDetail(await find(params.id)),
		);

		http.post(
			`${PATH}/:id/replay`,
			{
				config: steer,
				schema: {
					summary: 'Makes a new delivery of the same event, due now, in place of a retry that waits',
					params: IdParams,
					response: { 201: DeliveryView },
					problems: ['delivery_not_found', 'subscription_ended'],
				},
			},
			async ({ params }, reply) => {
				const made = await store.replay(params.id, clock.now()).catch((error: unknown) => {
					if (error instanceof StoreError && error.code === 'conflict') ended(params.id, error);
					throw error;
				});
				if (!made) return notFound('delivery', params.id);
				onDue();
				reply.code(201).header('location', `${PATH}/${made.id}`);
				return deliveryView(made);
			},
		);

		http.post(
			`${PATH}/:id/cancel`,
			{
				config: steer,
				schema: {
					summary: 'Ends a delivery that is pending; one that was cancelled already stays so',
					params: IdParams,
					response: { 200: DeliveryView },
					problems: ['delivery_not_found', 'delivery_final'],
				},
			},
			async ({ params }) => {
				const outcome = await store.cancel(params.id);
				const delivery = await find(params.id);
				if (outcome === 'final' && delivery.state !== 'cancelled') {
					throw new ProblemError('delivery_final', {
						detail: `The delivery is ${delivery.state}, so there is nothing to cancel.`,
						fix: 'Nothing more is sent for it; only a delivery that is ready or leased can be cancelled.',
					});
				}
				return deliveryView(delivery);
			},
		);

		http.post(
			`${PATH}/:id/redrive`,
			{
				config: steer,
				schema: {
					summary: 'Makes a dead delivery again, with its whole schedule; one that is pending stays as it is',
					params: IdParams,
					response: { 200: DeliveryView },
					problems: ['delivery_not_found', 'delivery_final', 'subscription_ended'],
				},
			},
			async ({ params: { id } }) => {
				const redriven = await store.redrive({ deliveryId: id, limit: 1, now: clock.now() });
				const delivery = await find(id);
				if (redriven > 0) onDue();
				else if (delivery.state === 'dead') ended(id);
				else if (delivery.state === 'delivered' || delivery.state === 'cancelled') {
					throw new ProblemError('delivery_final', {
						detail: `The delivery is ${delivery.state}, and only a dead one can be made again.`,
					});
				}
				return deliveryView(delivery);
			},
		);

		http.post(
			`${PATH}/redrive`,
			{
				config: steer,
				schema: {
					summary: 'Makes dead deliveries again, all or those of one subscription',
					body: RedriveRequest.default({}),
					response: { 200: RedriveResponse },
					problems: ['subscription_not_found'],
				},
			},
			async ({ body: { subscription_id: subscriptionId } }) => {
				if (subscriptionId !== undefined && !(await store.getSubscription(subscriptionId))) {
					notFound('subscription', subscriptionId);
				}
				const batch = { ...(subscriptionId && { subscriptionId }), limit: REDRIVE_BATCH };
				for (let redriven = 0; ;) {
					const more = await store.redrive({ ...batch, now: clock.now() });
					redriven += more;
					if (more > 0) onDue();
					const complete = more < REDRIVE_BATCH;
					if (complete || redriven >= REDRIVE_MOST) return { redriven, complete };
				}
			},
		);
	};
}

function ended(id: string, cause?: unknown): never {
	throw new ProblemError('subscription_ended', {
		detail: `The subscription that the delivery ${JSON.stringify(id)} went to was deleted, or its receiver is gone (410).`,
		cause,
	});
}
