import {
	EventDetail,
	EventRedriven,
	EventsResponse,
	IngestResponse,
} from '../../relay/src/contract/relay-api.ts';
import { sha256 } from '../../relay/src/crypto.ts';
import { anEvent } from '../store/conformance.ts';
import { expectProblem, startReceiver, startTestRelay, webhook } from './harness.ts';
import type { Receiver, TestRelay } from './harness.ts';

const MIB = 1024 * 1024;
let relay: TestRelay;
let receiver: Receiver;
beforeEach(async () => {
	relay = await startTestRelay();
	receiver = await startReceiver();
	await relay.call('POST', '/relay/v1/subscriptions', { body: { url: receiver.url } });
});
afterEach(async () => {
	await relay.close();
	await receiver.close();
});

const post = async (body: string | Uint8Array<ArrayBuffer>) => {
	const response = await relay.ingest(body);
	expect(response.status).toBe(200);
	return IngestResponse.parse(await response.json());
};
const detail = async (id: string) =>
	EventDetail.parse(await (await relay.call('GET', `/relay/v1/events/${id}`)).json());
const listed = async (id: string) => {
	const { events } = EventsResponse.parse(await (await relay.call('GET', '/relay/v1/events')).json());
	return events.find((event) => event.id === id);
};
const redrive = (id: string) => relay.call('POST', `/relay/v1/events/${id}/redrive`);
const bytes = (...parts: (string | number[])[]) =>
	new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part as string))));

describe('odd bodies are taken in, kept byte for byte, shown with the reason, and given a second chance', () => {
	test.each<[string, string | Uint8Array<ArrayBuffer>, string]>([
		['text', 'hello', 'The body is not JSON.'],
		['nothing', '', 'The body is empty.'],
		['JSON cut off', '{"workflow_id":"w"', 'The body is not JSON.'],
		['an array', '[{"workflow_id":"w"}]', 'The body is not a JSON object.'],
		['null', 'null', 'The body is not a JSON object.'],
		['a number', '1e999', 'The body is not a JSON object.'],
		['no workflow', '{"event":"enrichment.completed","results":[]}', 'The body names no workflow_id.'],
		['a workflow that is a number', '{"workflow_id":7}', 'The body names no workflow_id.'],
		['a workflow with half a character', '{"workflow_id":"w\\ud800"}', 'The body names no workflow_id.'],
		['a workflow with a line break', '{"workflow_id":"w\\n"}', 'The body names no workflow_id.'],
		[
			'a workflow of 300 characters',
			`{"workflow_id":"${'w'.repeat(300)}"}`,
			'The body names no workflow_id.',
		],
		['a workflow by inheritance', '{"__proto__":{"workflow_id":"w"}}', 'The body names no workflow_id.'],
		['results that are none', '{"workflow_id":"w","results":"oops"}', 'The results are not a list.'],
		['another event', '{"workflow_id":"w","event":"list.deleted"}', 'The event is of an unknown type.'],
		['bytes that are no text', bytes([0xff, 0xfe, 0x00]), 'The body is not UTF-8 text.'],
		[
			'a lone surrogate in UTF-8',
			bytes('{"workflow_id":"', [0xed, 0xa0, 0x80], '"}'),
			'The body is not UTF-8 text.',
		],
		['brackets 10,000 deep', `${'['.repeat(10_000)}${']'.repeat(10_000)}`, 'The body is not a JSON object.'],
		['4 MiB of brackets', '['.repeat(4 * MIB), 'The body is not JSON.'],
	])('%s', async (_, body, reason) => {
		const { event_id } = await post(body);
		const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
		expect(await listed(event_id)).toMatchObject({
			state: 'quarantined',
			quarantine_reason: reason,
			bytes: length,
		});
		expect(await detail(event_id)).toMatchObject({ deliveries: [], variant_bodies: [] });
		const kept = await relay.relay.store.getBody(event_id);
		expect(kept?.body.equals(Buffer.from(body as string))).toBe(true);

		const problem = await expectProblem(await redrive(event_id), 409, 'event_unreadable');
		expect(problem.detail).toBe(reason);
		// The same bytes again are the same event.
		expect(await post(body)).toEqual({ event_id, status: 'duplicate' });
	});

	test.each<[string, string]>([
		['a byte order mark', `\ufeff${webhook('w')}`],
		['__proto__ beside what matters', webhook('w', { ['__proto__x']: 1 }).replace('__proto__x', '__proto__')],
		[
			'results nested 10,000 deep',
			webhook('w', { deep: 0 }).replace('"deep":0', `"deep":${'['.repeat(10_000)}${']'.repeat(10_000)}`),
		],
		[
			'half a character in a name',
			webhook('w').replace('"results":[]', '"results":[{"first_name":"\\ud83e"}]'),
		],
		['a key twice', webhook('v').replace('{', '{"workflow_id":"x",')],
		['fields of tomorrow', webhook('w', { confidence: { model: 9 } })],
	])('%s is no reason for quarantine, and is delivered byte for byte', async (_, body) => {
		const { event_id } = await post(body);
		await receiver.waitFor(1);
		expect(receiver.received.map(({ body: got }) => got)).toEqual([body]);
		expect(await listed(event_id)).toMatchObject({ state: 'accepted', quarantine_reason: null });
		await expectProblem(await redrive(event_id), 409, 'event_not_quarantined');
	});
});

describe('an event that an earlier version could not read', () => {
	const quarantined = async (workflowId: string) => {
		const event = anEvent({
			workflowId,
			dedupeKey: `body:${workflowId}`,
			state: 'quarantined',
			quarantineReason: 'The event is of an unknown type.',
			type: null,
			body: Buffer.from(webhook(workflowId)),
		});
		await relay.relay.store.ingest(event);
		return event;
	};

	test('is delivered once it is driven again, and is found by its workflow from then on', async () => {
		const event = await quarantined('wf-1');
		const response = await redrive(event.id);
		expect(response.status).toBe(200);
		expect(EventRedriven.parse(await response.json())).toEqual({ event_id: event.id, deliveries: 1 });
		await receiver.waitFor(1);
		expect(receiver.received[0]?.headers['webhook-id']).toBe(event.id);
		expect(receiver.received[0]?.body).toBe(webhook('wf-1'));
		expect(await listed(event.id)).toMatchObject({ state: 'accepted', workflow_id: 'wf-1' });
		expect(await post(webhook('wf-1'))).toEqual({ event_id: event.id, status: 'duplicate' });
		await expectProblem(await redrive(event.id), 409, 'event_not_quarantined');
	});

	test('gives way to another one that came for its workflow meanwhile', async () => {
		const event = await quarantined('wf-1');
		const { event_id: other } = await post(webhook('wf-1'));
		const problem = await expectProblem(await redrive(event.id), 409, 'event_superseded');
		expect(problem.detail).toContain(other);
		expect(await listed(event.id)).toMatchObject({ state: 'quarantined' });
	});

	test('that is not there is a 404', async () => {
		await expectProblem(await redrive('evt_none'), 404, 'event_not_found');
	});
});

describe('the same workflow with another body', () => {
	test('keeps and delivers the first, and shows the other', async () => {
		const { event_id } = await post(webhook('wf-1'));
		const other = webhook('wf-1', { status: 'failed' });
		expect(await post(other)).toEqual({ event_id, status: 'duplicate' });
		expect(await post(other)).toEqual({ event_id, status: 'duplicate' });
		expect(await post(webhook('wf-1'))).toEqual({ event_id, status: 'duplicate' });

		const event = await detail(event_id);
		expect(event).toMatchObject({ duplicates: 3, variants: 2, bytes: webhook('wf-1').length });
		expect(event.variant_bodies).toEqual([
			{
				sha256: sha256(other).toString('hex'),
				bytes: other.length,
				content_type: 'application/json',
				received_at: expect.any(String) as string,
			},
		]);
		await receiver.waitFor(1);
		expect(receiver.received.map(({ body }) => body)).toEqual([webhook('wf-1')]);
	});

	test('each of the other bodies can be had, byte for byte, and no other', async () => {
		const bodies = [0, 1, 2].map((n) => webhook('wf-1', { n }));
		const [first] = [await post(bodies[0]!), await post(bodies[1]!), await post(bodies[2]!)];
		const path = `/relay/v1/events/${first.event_id}/body`;
		const read = async (body: string) =>
			(await relay.call('GET', `${path}?sha256=${sha256(body).toString('hex')}`)).text();
		for (const body of bodies.slice(1)) expect(await read(body)).toBe(body);
		expect(await (await relay.call('GET', path)).text()).toBe(bodies[0]);
		await expectProblem(
			await relay.call('GET', `${path}?sha256=${'0'.repeat(64)}`),
			404,
			'variant_not_found',
		);
		await expectProblem(await relay.call('GET', `${path}?sha256=x`), 400, 'invalid_request');
	});

	test('is compared by what came, also when bodies are encrypted', async () => {
		const sealed = await startTestRelay({ env: { RELAY_ENCRYPT_BODIES: 'on' } });
		try {
			const { event_id } = IngestResponse.parse(await (await sealed.ingest(webhook('wf-1'))).json());
			await sealed.ingest(webhook('wf-1'));
			await sealed.ingest(webhook('wf-1', { status: 'failed' }));
			expect(await sealed.relay.store.getEvent(event_id)).toMatchObject({ duplicates: 2, variants: 1 });
			const [variant] = await sealed.relay.store.listVariants(event_id);
			expect(variant?.keyId).not.toBeNull();
			expect(variant?.body.includes('workflow_id')).toBe(false);
		} finally {
			await sealed.close();
		}
	});
});
