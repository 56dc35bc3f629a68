import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { EventDetail, SourcesResponse, SubscriptionWithSecret } from '../../relay/src/contract/relay-api.ts';
import { startRelay } from '../support/relay-process.ts';
import type { RelayProcess } from '../support/relay-process.ts';
import { startReceiver, webhook } from './harness.ts';
import type { Received, Receiver } from './harness.ts';

/** The promise itself, on the real process: what it answered 2xx survives its sudden death and is delivered. */

let folder: string;
let relay: RelayProcess;
const receivers: Receiver[] = [];
const receive = async (...args: Parameters<typeof startReceiver>) => {
	const receiver = await startReceiver(...args);
	receivers.push(receiver);
	return receiver;
};
const start = async () => {
	relay = await startRelay({ dataFolder: folder, env: { RELAY_REFERENCE: 'off' } });
};
beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'relay-kill-'));
	await start();
});
afterEach(async () => {
	await relay.dispose();
	for (const receiver of receivers.splice(0)) await receiver.close();
	rmSync(folder, { recursive: true });
});

const api = (path: string, init: RequestInit = {}) =>
	fetch(`${relay.url}/relay/v1${path}`, {
		...init,
		headers: { authorization: `Bearer ${relay.token}`, 'content-type': 'application/json' },
	});
const subscribe = async (url: string) => {
	const response = await api('/subscriptions', { method: 'POST', body: JSON.stringify({ url }) });
	return SubscriptionWithSecret.parse(await response.json());
};
const ingestUrl = async () =>
	SourcesResponse.parse(await (await api('/sources')).json()).sources[0]?.ingest_url ?? '';
const ingest = async (url: string, workflowId: string) => {
	const response = await fetch(url, { method: 'POST', body: webhook(workflowId) });
	const { event_id } = (await response.json()) as { event_id: string };
	return { status: response.status, event_id };
};
const settled = async (eventId: string) => {
	let event: EventDetail;
	do event = EventDetail.parse(await (await api(`/events/${eventId}`)).json());
	while (event.deliveries.some(({ state }) => state === 'leased'));
	return event;
};
/** Throws unless the request is signed as Standard Webhooks says, with this secret. */
const verify = (secret: string, { body, headers }: Received) =>
	new Webhook(secret).verify(body, headers as Record<string, string>);

test('killed after its 2xx while the receiver holds the attempt, it delivers once after the restart', async () => {
	const holding = await receive(() => {});
	const { secret } = await subscribe(holding.url);
	const { status, event_id } = await ingest(await ingestUrl(), 'wf-1');
	expect(status).toBe(200);
	await holding.waitFor(1);
	expect(await relay.kill()).toEqual({ code: null, signal: 'SIGKILL' });
	await holding.close();

	const receiver = await receive((response) => response.end(), holding.port);
	await start();
	await receiver.waitFor(1);
	const event = await settled(event_id);

	expect(event.deliveries.map(({ state }) => state)).toEqual(['delivered']);
	expect(receiver.received).toHaveLength(1);
	const [delivered] = receiver.received as [Received];
	expect(delivered.headers['webhook-id']).toBe(event_id);
	expect(delivered.body).toBe(webhook('wf-1'));
	verify(secret, delivered);
	expect(() => verify(`whsec_${Buffer.alloc(32).toString('base64')}`, delivered)).toThrow();
});

test('killed after its 2xx while the receiver is down, it delivers once after the restart', async () => {
	const gone = await receive();
	await gone.close();
	const { secret } = await subscribe(gone.url);
	const { status, event_id } = await ingest(await ingestUrl(), 'wf-1');
	expect(status).toBe(200);
	await relay.waitFor('delivery failed');
	expect(await relay.kill()).toEqual({ code: null, signal: 'SIGKILL' });

	const receiver = await receive((response) => response.end(), gone.port);
	await start();
	await receiver.waitFor(1);
	const event = await settled(event_id);
	expect(event.deliveries.map(({ state }) => state)).toEqual(['delivered']);
	expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([event_id]);
	verify(secret, receiver.received[0] as Received);
});

test('killed in the middle of many webhooks, it has every one it answered 2xx, whole and with its delivery', async () => {
	const gone = await receive();
	await gone.close();
	const { id: subscriptionId } = await subscribe(gone.url);
	const url = await ingestUrl();
	const acknowledged = new Map<string, string>();
	const posts = Array.from({ length: 200 }, async (_, i) => {
		try {
			const { status, event_id } = await ingest(url, `wf-${i}`);
			if (status === 200) acknowledged.set(event_id, `wf-${i}`);
		} catch {
			// Cut off by the kill: never acknowledged.
		}
		if (acknowledged.size === 40) relay.signal('SIGKILL');
	});
	await Promise.all(posts);
	await relay.exited;
	expect(acknowledged.size).toBeGreaterThanOrEqual(40);

	await start();
	for (const [eventId, workflowId] of acknowledged) {
		const event = EventDetail.parse(await (await api(`/events/${eventId}`)).json());
		expect(event).toMatchObject({
			workflow_id: workflowId,
			bytes: Buffer.byteLength(webhook(workflowId)),
			deliveries: [{ subscription_id: subscriptionId, state: expect.stringMatching(/^(ready|leased)$/) }],
		});
	}
});
