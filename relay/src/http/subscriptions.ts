import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { iso } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { CreateSubscriptionRequest, RELAY_PREFIX, UpdateSubscriptionRequest } from '../contract/relay-api.ts';
import type {
	SubscriptionsResponse,
	SubscriptionView,
	SubscriptionWithSecret,
} from '../contract/relay-api.ts';
import type { Sealer } from '../crypto.ts';
import { AddressRefused } from '../delivery/address-guard.ts';
import type { AddressGuard } from '../delivery/address-guard.ts';
import type { Ids } from '../ids.ts';
import { StoreError } from '../store/port.ts';
import type { Store, Subscription } from '../store/port.ts';
import type { Authorize } from './auth.ts';
import { parse, ProblemError } from './errors.ts';
import { MAX_REQUEST_BYTES } from './limits.ts';

const ListQuery = z.strictObject({ url: z.string().max(2048).optional() });
const PATH = `${RELAY_PREFIX}/subscriptions`;

/**
 * `/relay/v1/subscriptions`: who wants events. A new subscription gets the events stored from then on, never
 * those from before.
 */
export function subscriptionRoutes(options: {
	store: Store;
	authorize: Authorize;
	guard: AddressGuard;
	sealer: Sealer;
	clock: Clock;
	ids: Ids;
}): FastifyPluginAsync {
	const { store, authorize, guard, sealer, clock, ids } = options;
	const newSecret = () => `whsec_${ids.bytes(32).toString('base64')}`;

	async function find(id: string): Promise<Subscription> {
		return (await store.getSubscription(id)) ?? gone(id);
	}
	async function save(subscription: Subscription): Promise<void> {
		if (!(await store.updateSubscription(subscription))) gone(subscription.id);
	}

	return async (http) => {
		const mayRead = { onRequest: authorize('subscribe', 'read') };
		const mayWrite = { onRequest: authorize('subscribe'), bodyLimit: MAX_REQUEST_BYTES };

		http.get(PATH, mayRead, async (request): Promise<SubscriptionsResponse> => {
			const query = parse(ListQuery, request.query, 'query');
			return { subscriptions: (await store.listSubscriptions(query)).map(view) };
		});

		http.post(PATH, mayWrite, async (request, reply): Promise<SubscriptionWithSecret> => {
			const { url, events, filter, description } = parse(CreateSubscriptionRequest, request.body, 'body');
			checkAddress(guard, url);
			const secret = newSecret();
			const subscription: Subscription = {
				id: `sub_${ids.uuid()}`,
				url,
				events,
				filter,
				description: description ?? null,
				sealedSecret: sealer.seal(secret),
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
			return { ...view(subscription), secret };
		});

		http.get<{ Params: { id: string } }>(`${PATH}/:id`, mayRead, async (request): Promise<SubscriptionView> =>
			view(await find(request.params.id)),
		);

		http.patch<{ Params: { id: string } }>(
			`${PATH}/:id`,
			mayWrite,
			async (request): Promise<SubscriptionView> => {
				const changes = parse(UpdateSubscriptionRequest, request.body, 'body');
				const before = await find(request.params.id);
				const after: Subscription = {
					...before,
					events: changes.events ?? before.events,
					filter: changes.filter ?? before.filter,
					description: changes.description === undefined ? before.description : changes.description,
				};
				await save(after);
				return view(after);
			},
		);

		http.delete<{ Params: { id: string } }>(`${PATH}/:id`, mayWrite, async (request, reply) => {
			if (!(await store.deleteSubscription(request.params.id))) gone(request.params.id);
			return reply.code(204).send();
		});

		http.post<{ Params: { id: string } }>(
			`${PATH}/:id/secret`,
			mayWrite,
			async (request): Promise<SubscriptionWithSecret> => {
				const secret = newSecret();
				const subscription = { ...(await find(request.params.id)), sealedSecret: sealer.seal(secret) };
				await save(subscription);
				return { ...view(subscription), secret };
			},
		);
	};
}

function gone(id: string): never {
	throw new ProblemError('subscription_not_found', {
		detail: `No subscription has the id ${JSON.stringify(id.slice(0, 100))}.`,
	});
}

function checkAddress(guard: AddressGuard, url: string): void {
	try {
		guard.checkUrl(url);
	} catch (error) {
		if (!(error instanceof AddressRefused)) throw error;
		throw new ProblemError('address_refused', { detail: error.message, cause: error });
	}
}

function view(subscription: Subscription): SubscriptionView {
	const { id, url, events, filter, description, status, createdAt } = subscription;
	return { id, url, events, filter, description, status, created_at: iso(createdAt) };
}
