import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebhookDeliveriesResponse, WebhookPayload } from '../../relay/src/contract/index.ts';
import { answer, contacts, startReceiver, startReference, until } from './harness.ts';
import type { Behaviour, Client, Harness, Json } from './harness.ts';

type Receiver = Awaited<ReturnType<typeof startReceiver>>;

const DELIVERIES = '/api/v1/public/webhooks/deliveries';

let folder: string;
let harness: Harness;
let client: Client;
let receiver: Receiver;
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'reference-'));
	harness = await startReference({ path: join(folder, 'reference.db') });
	client = await harness.client();
	receiver = await startReceiver();
});
afterEach(async () => {
	await harness.close();
	await receiver.close();
	await rm(folder, { recursive: true });
});

const deliveries = async (workflowId: string) => {
	const reply = await client.get(`${DELIVERIES}?workflow_id=${workflowId}`);
	expect(reply.status).toBe(200);
	const body = WebhookDeliveriesResponse.parse(reply.body);
	expect(body.total).toBe(body.deliveries.length);
	return body.deliveries;
};
const settled = (workflowId: string, attempts: number) =>
	until(
		async () =>
			(await deliveries(workflowId)).filter(({ status }) => status !== 'pending').length === attempts,
	);
const submit = async (webhook_url = receiver.url, count = 3) =>
	client.submit(contacts(count), { webhook_url, enrichment_type: 'full' });
const at = (ms: number) => new Date(Date.UTC(2026, 0, 5, 9) + ms).toISOString();

describe('the payload', () => {
	it('is the vendor’s, unsigned, with the results in the order of the request', async () => {
		const run = await submit(receiver.url, 250);
		await harness.clock.advance(1_500);
		await settled(run.workflow_id, 1);

		const [{ headers, body }] = receiver.received as [Receiver['received'][number]];
		const payload = WebhookPayload.parse(body);
		expect(payload).toEqual(body);
		const status = (await client.get(`/api/v1/public/enrich/status?workflow_id=${run.workflow_id}`)).body;
		const { total, successful, failed, emails_found, phones_found } = status.summary;
		expect(payload).toMatchObject({
			event: 'enrichment.completed',
			workflow_id: run.workflow_id,
			lead_list_id: status.lead_list_id,
			enrichment_type: 'full',
			status: 'completed',
			summary: { total, successful, failed, emails_found, phones_found },
			results_limit: 250,
			results_truncated: 0,
			results_endpoint: `/api/v1/public/enrich/status?workflow_id=${run.workflow_id}`,
			completed_at: at(1_500),
		});
		expect(payload.results.map(({ task_id }) => task_id)).toEqual(run.task_ids);
		for (const item of payload.results.slice(0, 3)) {
			const { result } = (await client.get(`/api/v1/public/enrich/status?task_id=${item.task_id}`)).body;
			expect(result).toMatchObject(item);
		}
		expect((await client.get(payload.results_endpoint)).status).toBe(200);

		expect(headers['content-type']).toBe('application/json');
		expect(Object.keys(headers).filter((name) => /signature|webhook|authorization/i.test(name))).toEqual([]);
	});

	it('is the same bytes on every attempt', async () => {
		receiver.behave = (response, nth) => answer(nth < 3 ? 500 : 200)(response, nth);
		const run = await submit();
		for (const [index, wait] of [1_500, 1_000, 2_000].entries()) {
			await harness.clock.advance(wait);
			await settled(run.workflow_id, index + 1);
		}
		expect(receiver.received).toHaveLength(3);
		expect(new Set(receiver.received.map(({ body }) => JSON.stringify(body))).size).toBe(1);
	});

	it('is sent for none as well, and not at all without a webhook_url', async () => {
		const silent = await client.submit(contacts(1));
		const none = await client.submit(contacts(2), { webhook_url: receiver.url, enrichment_type: 'none' });
		await harness.clock.advance(1_500);
		await settled(none.workflow_id, 1);
		expect(receiver.received.map(({ body }) => body.workflow_id)).toEqual([none.workflow_id]);
		expect(receiver.received[0]!.body.results).toMatchObject([
			{
				status: 'completed',
				primary_email: null,
				personal_phone_numbers: [],
				prospect: { first_name: 'First0' },
			},
			{
				status: 'completed',
				primary_email: null,
				personal_phone_numbers: [],
				prospect: { first_name: 'First1' },
			},
		]);
		expect(await deliveries(silent.workflow_id)).toEqual([]);
	});
});

describe('the ladder', () => {
	it('tries at once and after 1, 2, 4 and 8 s, and then never again', async () => {
		// Down, 500, 404, a redirect, and silence for 10 s.
		const target = `${receiver.url}/other`;
		const behaviours: Behaviour[] = [
			(response) => void response.socket!.destroy(),
			answer(500),
			answer(404),
			(response) => void response.writeHead(302, { location: target }).end(),
			() => {},
		];
		receiver.behave = (response, nth) => behaviours[nth - 1]!(response, nth);
		const run = await submit();

		const waits = [1_500, 1_000, 2_000, 4_000, 8_000];
		for (const [index, wait] of waits.entries()) {
			await harness.clock.advance(wait - 1);
			expect(receiver.received).toHaveLength(index);
			await harness.clock.advance(1);
			await until(() => receiver.received.length === index + 1);
			if (index < 4) await settled(run.workflow_id, index + 1);
		}
		await harness.clock.advance(9_999);
		expect((await deliveries(run.workflow_id)).at(-1)!.status).toBe('pending');
		await harness.clock.advance(1);
		await settled(run.workflow_id, 5);

		const log = await deliveries(run.workflow_id);
		expect(log).toEqual(
			[
				[1_500, null, expect.stringMatching(/closed|ECONNRESET|other side/), 2_500],
				[2_500, 500, 'HTTP 500', 4_500],
				[4_500, 404, 'HTTP 404', 8_500],
				[8_500, 302, 'HTTP 302', 16_500],
				[16_500, null, 'no answer within 10 s', null],
			].map(([attemptedAt, code, message, next], index) => ({
				delivery_id: expect.any(String),
				workflow_id: run.workflow_id,
				webhook_url: receiver.url,
				attempt_number: index + 1,
				status: 'failed',
				response_code: code,
				error_message: message,
				attempted_at: at(attemptedAt as number),
				next_retry_at: next === null ? null : at(next as number),
			})),
		);
		expect(new Set(log.map(({ delivery_id }) => delivery_id)).size).toBe(5);
		await harness.clock.advance(24 * 3_600_000);
		expect(receiver.received).toHaveLength(5);
		expect(harness.clock.pending).toBe(0);
	});

	it('counts the pause from the end of an attempt, so a slow receiver gets it as well', async () => {
		receiver.behave = (response, nth) => (nth === 1 ? undefined : answer(200)(response, nth));
		const run = await submit();
		await harness.clock.advance(1_500);
		await until(() => receiver.received.length === 1);
		await harness.clock.advance(10_000);
		await settled(run.workflow_id, 1);
		expect((await deliveries(run.workflow_id))[0]).toMatchObject({
			attempted_at: at(1_500),
			next_retry_at: at(12_500),
		});
		await harness.clock.advance(1_000);
		await settled(run.workflow_id, 2);
	});

	it('ends with the first 2xx', async () => {
		receiver.behave = (response, nth) => answer(nth === 1 ? 503 : 204)(response, nth);
		const run = await submit();
		await harness.clock.advance(1_500);
		await settled(run.workflow_id, 1);
		// The attempt to come is listed, with its time.
		expect(
			(await deliveries(run.workflow_id)).map((row) => [row.status, row.attempted_at, row.next_retry_at]),
		).toEqual([
			['failed', at(1_500), at(2_500)],
			['pending', null, at(2_500)],
		]);
		await harness.clock.advance(1_000);
		await settled(run.workflow_id, 2);
		expect(await deliveries(run.workflow_id)).toMatchObject([
			{ status: 'failed', response_code: 503 },
			{ status: 'succeeded', response_code: 204, error_message: null, next_retry_at: null },
		]);
		// The one left is the request log's.
		expect(harness.clock.pending).toBe(1);
	});

	it('says why nobody could be reached', async () => {
		const closed = await startReceiver();
		await closed.close();
		const run = await submit(closed.url);
		await harness.clock.advance(1_500);
		await settled(run.workflow_id, 1);
		expect((await deliveries(run.workflow_id))[0]).toMatchObject({
			response_code: null,
			error_message: expect.stringContaining('ECONNREFUSED'),
		});
	});

	it('counts an answer whose body never ends by its status', async () => {
		receiver.behave = (response) => void response.writeHead(200).write('x'.repeat(64 * 1024));
		const run = await submit();
		await harness.clock.advance(1_500);
		await settled(run.workflow_id, 1);
		expect(await deliveries(run.workflow_id)).toMatchObject([{ status: 'succeeded', response_code: 200 }]);
	});

	it('lets one slow receiver hold up nobody else', async () => {
		const slow = await startReceiver(() => {});
		try {
			await submit(slow.url);
			const run = await submit();
			await harness.clock.advance(1_500);
			await until(() => slow.received.length === 1);
			await settled(run.workflow_id, 1);
		} finally {
			await slow.close();
		}
	});

	it('works through more webhooks than it sends at once', async () => {
		const runs = [];
		for (let n = 0; n < 60; n++) runs.push(await submit(receiver.url, 1));
		await harness.clock.advance(1_500);
		// The ten that had to wait are due at once, on the clock's next turn.
		await until(async () => (await harness.clock.advance(0), receiver.received.length >= 60));
		expect(new Set(receiver.received.map(({ body }) => body.workflow_id)).size).toBe(60);
		await settled(runs[59]!.workflow_id, 1);
	});

	it('logs no URL, for the secret is in it', async () => {
		receiver.behave = answer(500);
		const run = await submit();
		await harness.clock.advance(1_500);
		await settled(run.workflow_id, 1);
		expect(harness.logged()).toContain(run.workflow_id);
		expect(harness.logged()).not.toMatch(/secret-token|127\.0\.0\.1/);
	});
});

describe('a restart', () => {
	const restart = async () => {
		await harness.close();
		harness = await startReference({ path: join(folder, 'reference.db'), clock: harness.clock });
		client = harness.withKey(client);
	};

	it('loses no workflow that was running, and completes it once', async () => {
		const run = await submit();
		await restart();
		await harness.clock.advance(1_500);
		await settled(run.workflow_id, 1);
		expect(receiver.received).toHaveLength(1);
		const balance = (await client.get('/api/v2/credits/balance')).body.credits;
		const { summary } = receiver.received[0]!.body;
		expect(balance).toBe(100_000 - summary.emails_found - 10 * summary.phones_found);
		await restart();
		await harness.clock.advance(60_000);
		expect((await client.get('/api/v2/credits/balance')).body.credits).toBe(balance);
		expect(receiver.received).toHaveLength(1);
	});

	it('completes at once what fell due while nothing ran', async () => {
		const run = await submit();
		await harness.close();
		await harness.clock.advance(3_600_000);
		harness = await startReference({ path: join(folder, 'reference.db'), clock: harness.clock });
		client = harness.withKey(client);
		await harness.clock.advance(0);
		await settled(run.workflow_id, 1);
		expect(receiver.received[0]!.body.completed_at).toBe(at(3_600_000));
	});

	it('goes on with the ladder where it was', async () => {
		receiver.behave = (response, nth) => answer(nth < 3 ? 500 : 200)(response, nth);
		const run = await submit();
		await harness.clock.advance(1_500);
		await settled(run.workflow_id, 1);
		await harness.clock.advance(1_000);
		await settled(run.workflow_id, 2);
		await restart();
		await harness.clock.advance(1_999);
		expect(receiver.received).toHaveLength(2);
		await harness.clock.advance(1);
		await settled(run.workflow_id, 3);
		expect((await deliveries(run.workflow_id)).map(({ status }) => status)).toEqual([
			'failed',
			'failed',
			'succeeded',
		]);
	});

	it('makes an attempt again that it broke off', async () => {
		receiver.behave = () => {};
		const run = await submit();
		await harness.clock.advance(1_500);
		await until(() => receiver.received.length === 1);
		await restart();
		receiver.behave = answer(200);
		await harness.clock.advance(0);
		await settled(run.workflow_id, 1);
		expect(receiver.received.map(({ body }) => body.workflow_id)).toEqual([run.workflow_id, run.workflow_id]);
		expect(await deliveries(run.workflow_id)).toMatchObject([{ attempt_number: 1, status: 'succeeded' }]);
	});

	it('keeps what was acknowledged: lists, leads, tasks and keys', async () => {
		const { body: list } = await client.call('POST', '/api/v2/lead-lists', { name: 'Kept' });
		const run = await submit();
		await restart();
		expect((await client.get(`/api/v2/lead-lists/${list.list_id}`)).body).toEqual(list);
		expect((await client.get(`/api/v1/public/enrich/status?task_id=${run.task_ids[2]}`)).status).toBe(200);
	});
});

describe('webhooks/deliveries', () => {
	it('without a workflow lists the organization’s latest, newest first', async () => {
		const runs = [await submit(), await submit()];
		await harness.clock.advance(1_500);
		for (const { workflow_id } of runs) await settled(workflow_id, 1);
		const { body } = await client.get(DELIVERIES);
		expect(body.total).toBe(2);
		expect(new Set(body.deliveries.map((row: Json) => row.workflow_id))).toEqual(
			new Set(runs.map(({ workflow_id }) => workflow_id)),
		);
		const stranger = await harness.client();
		expect((await stranger.get(DELIVERIES)).body).toEqual({ deliveries: [], total: 0 });
	});

	it('knows the organization’s own workflows only: 404', async () => {
		const run = await submit();
		const stranger = await harness.client();
		for (const [by, id] of [
			[stranger, run.workflow_id],
			[client, 'public_bulk_x'],
		] as const) {
			const reply = await by.get(`${DELIVERIES}?workflow_id=${id}`);
			expect(reply.status).toBe(404);
			expect(reply.body.detail).toContain('There is no workflow');
		}
	});
});
