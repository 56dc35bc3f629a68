import { z } from 'zod';
import { iso } from '../clock.ts';
import type { Clock } from '../clock.ts';
import {
	CreateSubscriptionRequest,
	RELAY_PREFIX,
	StorableText,
	SubscriptionsResponse,
	SubscriptionView,
	SubscriptionWithSecret,
	UpdateSubscriptionRequest,
} from '../contract/relay-api.ts';
import { AddressRefused } from '../delivery/address-guard.ts';
import type { AddressGuard } from '../delivery/address-guard.ts';
import type { Ids } from '../ids.ts';
import { StoreError } from '../store/port.ts';
import type { Sealer } from '../sealing.ts';
import type { Store, Subscription } from '../store/port.ts';
import { notFound, ProblemError } from './errors.ts';
import { IdParams, NoContent } from './routes.ts';
import type { RelayRoutes } from './routes.ts';

const ListQuery = z.strictObject({ url: StorableText.max(2048).optional() });
/** How long deliveries are signed with the old secret too, after a rotation. */
const PREVIOUS_SECRET_MS = 24 * 60 * 60 * 1_000;
const PATH = `${RELAY_PREFIX}/subscriptions`;
/** Each of them is asked about every webhook, and a list of them is one page. */
const MAX_SUBSCRIPTIONS = 1_000;

/**
 * `/relay/v1/subscriptions`: who wants events. A new subscription gets the events stored from then on, never
 * those from before.
 */
export function subscriptionRoutes(options: {
	store: Store;
	guard: AddressGuard;
	sealer: Sealer;
	clock: Clock;
	ids: Ids;
	/** Something may have become due. */
	onDue: () => void;
	/** A subscription was deleted: what is left pending of it is to be cancelled. */
	onStopped: () => void;
}): RelayRoutes {
	const { store, guard, sealer, clock, ids, onDue, onStopped } = options;
	const newSecret = () => `whsec_${ids.bytes(32).toString('base64')}`;

	const show = (subscription: Subscription) => view(subscription, clock.now());

	async function find(id: string): Promise<Subscription> {
		return (await store.getSubscription(id)) ?? notFound('subscription', id);
	}

	return async (http) => {
		const read = { access: ['subscribe', 'read'] } as const;
		const write = { access: ['subscribe'] } as const;

		http.get(
			PATH,
			{
				config: read,
				schema: {
					summary: 'All subscriptions, or those of exactly one URL',
					querystring: ListQuery,
					response: { 200: SubscriptionsResponse },
				},
			},
			async ({ query }) => ({ subscriptions: (await store.listSubscriptions(query)).map(show) }),
		);

		http.post(
			PATH,
			{
				config: write,
				schema: {
					summary: 'Makes a subscription; its signing secret is shown this once',
					body: CreateSubscriptionRequest,
					response: { 201: SubscriptionWithSecret },
					problems: ['address_refused', 'subscription_exists', 'too_many_subscriptions'],
				},
			},
			async ({ body }, reply) => {
				const { url, events, filter, description, concurrency, per_minute: perMinute } = body;
				checkAddress(guard, url);
				if ((await store.listSubscriptions()).length >= MAX_SUBSCRIPTIONS) {
					throw new ProblemError('too_many_subscriptions', {
						detail: `There are ${MAX_SUBSCRIPTIONS} subscriptions already.`,
					});
				}
				const secret = newSecret();
				const subscription: Subscription = {
					id: `sub_${ids.uuid()}`,
					url,
					events,
					filter,
					description: description ?? null,
					sealedSecret: sealer.seal(secret),
					previousSecret: null,
					concurrency,
					perMinute,
					failures: 0,
					failingSince: null,
					probeAt: null,
					status: 'active',
					createdAt: clock.now(),
				};
				try {
					await store.createSubscription(subscription);
				} catch (error) {
					if (!(error instanceof StoreError && error.code === 'conflict')) throw error;
					throw new ProblemError('subscription_exists', {
						detail: 'An active subscription delivers to this URL already.',
						fix: `Find it with GET ${PATH}?url=…, and use it or delete it first.`,
						cause: error,
					});
				}
				reply.code(201).header('location', `${PATH}/${subscription.id}`);
				return { ...show(subscription), secret };
			},
		);

		http.get(
			`${PATH}/:id`,
			{
				config: read,
				schema: {
					summary: 'One subscription',
					params: IdParams,
					response: { 200: SubscriptionView },
					problems: ['subscription_not_found'],
				},
			},
			async ({ params }) => show(await find(params.id)),
		);

		http.patch(
			`${PATH}/:id`,
			{
				config: write,
				schema: {
					summary: 'Changes what is given; what is absent stays',
					params: IdParams,
					body: UpdateSubscriptionRequest,
					response: { 200: SubscriptionView },
					problems: ['subscription_not_found'],
				},
			},
			async ({ params, body: { events, filter, description, concurrency, per_minute: perMinute } }) => {
				const changed = await store.changeSubscription(params.id, {
					...(events && { events }),
					...(filter && { filter }),
					...(description !== undefined && { description }),
					...(concurrency !== undefined && { concurrency }),
					...(perMinute !== undefined && { perMinute }),
				});
				// More may go out at once, or sooner.
				onDue();
				return show(changed ?? notFound('subscription', params.id));
			},
		);

		http.delete(
			`${PATH}/:id`,
			{
				config: write,
				schema: {
					summary: 'Removes it; its pending deliveries are cancelled',
					params: IdParams,
					response: { 204: NoContent },
					problems: ['subscription_not_found'],
				},
			},
			async ({ params }, reply) => {
				if (!(await store.deleteSubscription(params.id))) notFound('subscription', params.id);
				onStopped();
				return reply.code(204).send();
			},
		);

		http.post(
			`${PATH}/:id/secret`,
			{
				config: write,
				schema: {
					summary: 'A new signing secret, shown this once; the old one signs too for another 24 hours',
					params: IdParams,
					response: { 200: SubscriptionWithSecret },
					problems: ['subscription_not_found'],
				},
			},
			async ({ params }) => {
				const secret = newSecret();
				const previousUntil = clock.now() + PREVIOUS_SECRET_MS;
				const rotated = await store.rotateSecret(params.id, sealer.seal(secret), previousUntil);
				return { ...show(rotated ?? notFound('subscription', params.id)), secret };
			},
		);
	};
}

function checkAddress(guard: AddressGuard, url: string): void {
	try {
		guard.checkUrl(url);
	} catch (error) {
		if (!(error instanceof AddressRefused)) throw error;
		const { message, fix } = error;
		throw new ProblemError('address_refused', { detail: message, ...(fix && { fix }), cause: error });
	}
}

function view(subscription: Subscription, now: number): SubscriptionView {
	const { id, url, events, filter, description, status, createdAt, previousSecret } = subscription;
	return {
		id,
		url,
		events,
		filter,
		description,
		concurrency: subscription.concurrency,
		per_minute: subscription.perMinute,
		failures: subscription.failures,
		failing_since: subscription.failingSince === null ? null : iso(subscription.failingSince),
		next_probe_at: subscription.probeAt === null ? null : iso(subscription.probeAt),
		previous_secret_until:
			previousSecret !== null && previousSecret.until > now ? iso(previousSecret.until) : null,
		status,
		created_at: iso(createdAt),
	};
}
