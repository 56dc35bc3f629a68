import { Webhook } from 'standardwebhooks';
import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { EventDetail, EventsResponse, SubscriptionsResponse } from '../../relay/src/contract/index.ts';
import { Cleanlist, CleanlistApi, CleanlistRelayApi, CleanlistTrigger } from '../../index.ts';
import { ITEMS_NODE, SET_NODE, createN8nEngine, itemsOf } from '../support/n8n-engine.ts';
import type { ActiveWorkflow, N8nEngine, WorkflowJson } from '../support/n8n-engine.ts';
import { startRelay } from '../support/relay-process.ts';
import type { RelayProcess } from '../support/relay-process.ts';

const WITHIN_MS = 90_000;

const workflow: WorkflowJson = {
	id: 'whole-path',
	name: 'Enrich contacts',
	nodes: [
		{ name: 'Contacts', type: ITEMS_NODE },
		{
			name: 'Cleanlist',
			type: 'n8n-nodes-cleanlist.cleanlist',
			parameters: {
				resource: 'enrichment',
				operation: 'start',
				enrichmentType: 'full',
				firstName: '={{ $json.first_name }}',
				lastName: '={{ $json.last_name }}',
				companyName: '={{ $json.company }}',
			},
			credentials: {
				cleanlistApi: { id: 'api', name: 'api' },
				cleanlistRelayApi: { id: 'relay', name: 'relay' },
			},
		},
		{
			name: 'Submitted',
			type: SET_NODE,
			parameters: {
				fields: {
					crm_id: "={{ $('Contacts').item.json.crm_id }}",
					name: "={{ $('Contacts').item.json.first_name }} {{ $('Contacts').item.json.last_name }}",
					sent: '={{ $json.contact.first_name }} {{ $json.contact.last_name }}',
					task_id: '={{ $json.task_id }}',
					workflow_id: '={{ $json.workflow_id }}',
				},
			},
		},
		{
			name: 'Cleanlist Trigger',
			type: 'n8n-nodes-cleanlist.cleanlistTrigger',
			webhookId: '0b0c6a54-7a0e-4f0e-9c47-0d5a5cf7c7a1',
			credentials: { cleanlistRelayApi: { id: 'relay', name: 'relay' } },
		},
		{
			name: 'Enriched',
			type: SET_NODE,
			parameters: {
				fields: {
					person: '={{ $json.full_name }} at {{ $json.company_name }}',
					task_id: '={{ $json.task_id }}',
					workflow_id: '={{ $json.workflow_id }}',
				},
			},
		},
	],
	connections: {
		Contacts: { main: [[{ node: 'Cleanlist', type: 'main', index: 0 }]] },
		Cleanlist: { main: [[{ node: 'Submitted', type: 'main', index: 0 }]] },
		'Cleanlist Trigger': { main: [[{ node: 'Enriched', type: 'main', index: 0 }]] },
	},
};

/** Contacts that differ in everything, so that a mix-up of any two shows. */
const contacts = (count: number): INodeExecutionData[] =>
	Array.from({ length: count }, (_, index) => ({
		json: {
			crm_id: index,
			first_name: `Zoë-${index}`,
			last_name: index % 7 === 0 ? `Ōkubo-${index} 🚀` : `Brontë-${index}`,
			company: `Company ${index}`,
		},
	}));

const personOf = ({ json }: INodeExecutionData) =>
	`${json.first_name as string} ${json.last_name as string} at ${json.company as string}`;
const jsonOf = (items: INodeExecutionData[]) => items.map(({ json }) => json);
const sorted = (values: unknown[]) => values.map(String).sort();

describe('contacts on their whole way through n8n, Cleanlist, the relay and back', () => {
	let relay: RelayProcess;
	let engine: N8nEngine;
	let active: ActiveWorkflow;

	beforeEach(async () => {
		relay = await startRelay({
			env: { RELAY_REFERENCE_COMPLETION_MS: '20', RELAY_REFERENCE_LIMITS: 'off' },
		});
		engine = createN8nEngine({
			nodes: {
				'n8n-nodes-cleanlist.cleanlist': new Cleanlist(),
				'n8n-nodes-cleanlist.cleanlistTrigger': new CleanlistTrigger(),
			},
			credentialTypes: [new CleanlistApi(), new CleanlistRelayApi()],
			credentials: {
				api: { type: 'cleanlistApi', data: { apiKey: relay.demoKey, baseUrl: relay.referenceUrl } },
				relay: { type: 'cleanlistRelayApi', data: { url: relay.url, token: relay.token } },
			},
		});
		active = await engine.activate(workflow);
	});

	afterEach(async () => {
		await engine.close();
		await relay.dispose();
	});

	const ask = async <T>(path: string): Promise<T> => {
		const answer = await fetch(`${relay.url}/relay/v1${path}`, {
			headers: { authorization: `Bearer ${relay.token}` },
		});
		expect(answer.status).toBe(200);
		return (await answer.json()) as T;
	};

	it.each([
		[3, 1],
		[250, 1],
		[601, 3],
	])(
		'%i contacts go out in %i requests and come back, each exactly once',
		async (count, requests) => {
			const people = contacts(count);
			const run = await engine.run(workflow, { inputItems: people });
			expect(run.status).toBe('success');

			expect(itemsOf(run, 'Cleanlist').map(({ pairedItem }) => pairedItem)).toEqual(
				people.map((_, item) => ({ item })),
			);
			const submitted = jsonOf(itemsOf(run, 'Submitted'));
			expect(submitted.map(({ crm_id, name, sent }) => ({ crm_id, name, sent }))).toEqual(
				people.map(({ json }) => {
					const name = `${json.first_name as string} ${json.last_name as string}`;
					return { crm_id: json.crm_id, name, sent: name };
				}),
			);
			expect(new Set(submitted.map(({ task_id }) => task_id)).size).toBe(count);
			expect(new Set(submitted.map(({ workflow_id }) => workflow_id)).size).toBe(requests);

			await active.waitForExecutions(requests, WITHIN_MS);
			// Ctrl-C finishes what is under way, so nothing can come after this.
			await expect(relay.stop()).resolves.toEqual({ code: 0, signal: null });

			expect(active.executions.map(({ status, mode }) => ({ status, mode }))).toEqual(
				Array.from({ length: requests }, () => ({ status: 'success', mode: 'webhook' })),
			);
			const enriched = active.executions.flatMap((execution) => jsonOf(itemsOf(execution, 'Enriched')));
			expect(sorted(enriched.map(({ task_id }) => task_id))).toEqual(
				sorted(submitted.map(({ task_id }) => task_id)),
			);
			expect(sorted(enriched.map(({ person }) => person))).toEqual(sorted(people.map(personOf)));

			const byTask = new Map(
				submitted.map((item, index) => [item.task_id, { item, person: people[index]! }]),
			);
			expect(enriched).toEqual(
				enriched.map(({ task_id }) => ({
					task_id,
					workflow_id: byTask.get(task_id)!.item.workflow_id,
					person: personOf(byTask.get(task_id)!.person),
				})),
			);
		},
		WITHIN_MS + 30_000,
	);

	it('the relay shows the event as delivered at the first attempt', async () => {
		const run = await engine.run(workflow, { inputItems: contacts(3) });
		const workflowId = itemsOf(run, 'Submitted')[0]?.json.workflow_id as string;
		await relay.waitFor('delivered');

		const { events } = await ask<EventsResponse>(`/events?workflow_id=${workflowId}`);
		expect(events).toMatchObject([{ workflow_id: workflowId, state: 'accepted', origin: 'webhook' }]);
		const detail = await ask<EventDetail>(`/events/${events[0]!.id}`);
		expect(detail.deliveries).toMatchObject([
			{ state: 'delivered', attempts: [{ attempt: 1, status: 200, error: null }] },
		]);
		const [execution] = await active.waitForExecutions(1, WITHIN_MS);
		expect(itemsOf(execution!, 'Cleanlist Trigger')[0]?.json.webhook_id).toBe(events[0]!.id);
	});

	it('n8n takes in only what the relay signed for this subscription', async () => {
		const { secret } = active.staticData()['node:Cleanlist Trigger'] as { secret: string };
		const body = JSON.stringify({
			event: 'enrichment.completed',
			workflow_id: 'w',
			results: [{ task_id: 't' }],
		});
		const post = async (payload: string, headers: Record<string, string>) => {
			const answer = await fetch(active.webhookUrls[0]!, {
				method: 'POST',
				body: payload,
				headers: { 'content-type': 'application/json', ...headers },
			});
			return { status: answer.status, body: (await answer.json()) as IDataObject };
		};
		const signed = (payload: string, { at = new Date(), key = secret, id = 'evt_1' } = {}) => ({
			'webhook-id': id,
			'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
			'webhook-signature': new Webhook(key).sign(id, at, payload),
		});
		const genuine = signed(body);
		const refused = { status: 401, body: { error: expect.any(String) as string } };

		expect(await post(body, {})).toEqual(refused);
		expect(await post(body.replace('"t"', '"x"'), genuine)).toEqual(refused);
		expect(await post(`${body} `, genuine)).toEqual(refused);
		expect(await post(body, { ...genuine, 'webhook-id': 'evt_2' })).toEqual(refused);
		const foreign = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
		expect(await post(body, signed(body, { key: foreign }))).toEqual(refused);
		const anHourAgo = new Date(Date.now() - 3_600_000);
		expect(await post(body, signed(body, { at: anHourAgo }))).toEqual(refused);

		expect(await post(body, genuine)).toEqual({ status: 200, body: { status: 'received' } });
		await active.deactivate();
		expect(active.executions.map((execution) => jsonOf(itemsOf(execution, 'Cleanlist Trigger')))).toEqual([
			[expect.objectContaining({ task_id: 't', webhook_id: 'evt_1' })],
		]);
	});

	it('deactivating the workflow ends the subscription and forgets the secret', async () => {
		const [url] = active.webhookUrls;
		const { subscriptions } = await ask<SubscriptionsResponse>('/subscriptions');
		expect(subscriptions).toMatchObject([{ url, status: 'active' }]);

		await active.deactivate();

		await expect(ask<SubscriptionsResponse>('/subscriptions')).resolves.toEqual({ subscriptions: [] });
		expect(active.staticData()).toEqual({ 'node:Cleanlist Trigger': {} });
		expect((await fetch(url!, { method: 'POST' })).status).toBe(404);
	});
});
