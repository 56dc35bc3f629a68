import type { IDataObject, IHookFunctions } from 'n8n-workflow';
import type {
	CreateSubscriptionRequest,
	SubscriptionView,
	SubscriptionWithSecret,
	SubscriptionsResponse,
} from '../../relay/src/contract';
import { outcomeError } from '../Cleanlist/helpers/errors';
import { readErrorBody } from '../Cleanlist/helpers/error-body';
import { textOf } from '../Cleanlist/helpers/values';
import { bodyOf, request, send } from '../Cleanlist/transport/request';
import { RELAY, RELAY_V1 } from '../Cleanlist/transport/service';

const SUBSCRIPTIONS = `${RELAY_V1}/subscriptions`;

/**
 * No waiting between attempts: n8n itself tries an activation five times, within 15 s, and gives it up after 84 s.
 * Waits in each of these attempts would end in "exceeded its deadline" instead of the reason (seen with 2.41).
 */
const AT_ONCE = { longestWaitMs: 0 };

/**
 * What the node keeps between runs. `url` is part of it because a test run is handed the static data of the
 * active workflow: without it, ending the test would delete the active workflow's subscription.
 */
interface State extends IDataObject {
	subscriptionId?: string;
	secret?: string;
	url?: string;
}

/** What this node wants delivered. */
type Wanted = Required<Pick<CreateSubscriptionRequest, 'url' | 'events' | 'filter'>> & {
	description: string;
};

/**
 * Finds this webhook's subscription at the relay and repairs it: a lost secret is replaced, a changed filter is
 * saved. False when the relay has none, for example because it lost its data.
 */
export async function subscriptionExists(context: IHookFunctions): Promise<boolean> {
	const wanted = wantedSubscription(context);
	const existing = await find(context, wanted.url);
	if (!existing) return false;
	await adopt(context, existing, wanted);
	return true;
}

/** Makes the subscription; one that is there already for this URL is taken over. */
export async function createSubscription(context: IHookFunctions): Promise<void> {
	const wanted = wantedSubscription(context);
	const outcome = await send(context, RELAY, {
		method: 'POST',
		path: SUBSCRIPTIONS,
		body: wanted,
		...AT_ONCE,
	});
	const created = bodyOf(outcome) as SubscriptionWithSecret | null;
	if (created !== null) {
		remember(context, created);
		return;
	}
	const taken =
		outcome.kind === 'answered' && readErrorBody(outcome.response.body).code === 'subscription_exists';
	const existing = taken ? await find(context, wanted.url) : undefined;
	if (!existing) throw outcomeError(context.getNode(), RELAY, outcome);
	await adopt(context, existing, wanted);
}

/** Ends the subscription; one that the relay does not know has ended already. */
export async function deleteSubscription(context: IHookFunctions): Promise<void> {
	const url = webhookUrl(context);
	const state = stateOf(context);
	const id = state.url === url ? state.subscriptionId : (await find(context, url))?.id;
	if (id !== undefined) {
		const outcome = await send(context, RELAY, { method: 'DELETE', path: pathOf(id), ...AT_ONCE });
		const gone =
			outcome.kind === 'answered' &&
			outcome.response.status === 404 &&
			// Only the relay's own "no such subscription", not the 404 of whatever else sits at a wrong address.
			readErrorBody(outcome.response.body).code !== null;
		if (!gone && bodyOf(outcome) === null) throw outcomeError(context.getNode(), RELAY, outcome);
	}
	forget(context, url);
}

async function find(context: IHookFunctions, url: string): Promise<SubscriptionView | undefined> {
	const { subscriptions } = await request<SubscriptionsResponse>(context, RELAY, {
		method: 'GET',
		path: SUBSCRIPTIONS,
		query: { url },
		...AT_ONCE,
	});
	return subscriptions?.find((entry) => entry.url === url && entry.status === 'active');
}

async function adopt(context: IHookFunctions, existing: SubscriptionView, wanted: Wanted): Promise<void> {
	const { events, filter } = wanted;
	if (!sameFilter(existing.filter, filter) || !sameEvents(existing.events, events)) {
		await request(context, RELAY, {
			method: 'PATCH',
			path: pathOf(existing.id),
			body: { events, filter },
			...AT_ONCE,
		});
	}
	const state = stateOf(context);
	if (state.subscriptionId === existing.id && state.url === existing.url && state.secret) return;
	const rotated = await request<SubscriptionWithSecret>(context, RELAY, {
		method: 'POST',
		path: `${pathOf(existing.id)}/secret`,
		...AT_ONCE,
	});
	remember(context, rotated);
}

function wantedSubscription(context: IHookFunctions): Wanted {
	const { leadListId, enrichmentType } = context.getNodeParameter('filters', {}) as IDataObject;
	const list = textOf(leadListId);
	const type = textOf(enrichmentType);
	const origin = `n8n: ${context.getWorkflow().name ?? 'workflow'} / ${context.getNode().name}`;
	return {
		url: webhookUrl(context),
		events: ['enrichment.completed'],
		filter: {
			...(list && { lead_list_id: list }),
			...(type && { enrichment_type: type }),
		},
		description: [...origin].slice(0, 100).join(''),
	};
}

function webhookUrl(context: IHookFunctions): string {
	return context.getNodeWebhookUrl('default') as string;
}

function stateOf(context: IHookFunctions): State {
	return context.getWorkflowStaticData('node');
}

function remember(context: IHookFunctions, { id, url, secret }: SubscriptionWithSecret): void {
	Object.assign(stateOf(context), { subscriptionId: id, url, secret });
}

/** Forgets the subscription of this URL, and no other. */
function forget(context: IHookFunctions, url: string): void {
	const state = stateOf(context);
	if (state.url !== url) return;
	delete state.subscriptionId;
	delete state.url;
	delete state.secret;
}

function pathOf(id: string): string {
	return `${SUBSCRIPTIONS}/${encodeURIComponent(id)}`;
}

function sameFilter(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
	const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
	return [...keys].every((key) => a[key] === b[key]);
}

function sameEvents(a: string[], b: string[]): boolean {
	return a.length === b.length && a.every((event) => b.includes(event));
}
