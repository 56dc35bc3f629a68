import type { IDataObject } from 'n8n-workflow';
import { Webhook } from 'standardwebhooks';
import { itemsOf } from '../support/n8n-engine.ts';
import type { ActiveWorkflow, N8nEngine, WorkflowJson } from '../support/n8n-engine.ts';
import { engineWith, TRIGGER_NODE } from './support/bench.ts';
import { RELAY_TOKEN, startRelayStub } from './support/relay-stub.ts';
import type { RelayStub } from './support/relay-stub.ts';
import { json } from './support/scripted-server.ts';

const workflow = (parameters: IDataObject = {}, relay = 'relay'): WorkflowJson => ({
	id: 'w1',
	name: 'Leads 🚀',
	nodes: [
		{
			name: 'Start',
			type: TRIGGER_NODE,
			webhookId: '7f0c',
			parameters: parameters as never,
			credentials: { cleanlistRelayApi: { id: relay, name: relay } },
		},
	],
	connections: {},
});

const payload = {
	event: 'enrichment.completed',
	workflow_id: 'public_bulk_1',
	lead_list_id: 'l1',
	enrichment_type: 'partial',
	status: 'completed',
	summary: { total: 2, successful: 1, failed: 1, emails_found: 1, phones_found: 0 },
	results: [
		{
			task_id: 't1',
			status: 'completed',
			primary_email: 'zoe@example.com',
			primary_email_status: 'verified',
			personal_phone_numbers: [],
			prospect: { first_name: 'Zoë 🚀', last_name: 'Ng', full_name: 'Zoë Ng' },
			company: { name: 'Example', domain: 'example.com' },
		},
		{ task_id: 't2', status: 'failed' },
	],
	results_limit: 250,
	results_truncated: 0,
	results_endpoint: '/x',
	completed_at: '2026-01-05T09:00:00.000Z',
};

describe('Cleanlist Trigger', () => {
	let relay: RelayStub;
	let engine: N8nEngine;
	beforeEach(async () => {
		relay = await startRelayStub();
		engine = engineWith({
			relay: { type: 'cleanlistRelayApi', data: { url: `${relay.url}//`, token: ` ${RELAY_TOKEN} ` } },
			wrong: { type: 'cleanlistRelayApi', data: { url: relay.url, token: 'crt_wrong' } },
		});
	});
	afterEach(async () => {
		await engine.close();
		await relay.close();
	});

	/** Posts as the relay does. */
	async function deliver(
		active: ActiveWorkflow,
		{ secret = relay.only().secret, body = JSON.stringify(payload), ageMs = 0, headers = {} } = {},
	) {
		const at = Date.now() - ageMs;
		const signature = new Webhook(secret).sign('evt_1', new Date(at), body);
		const response = await fetch(active.webhookUrls[0]!, {
			method: 'POST',
			headers: {
				'content-type': 'application/json',
				'webhook-id': 'evt_1',
				'webhook-timestamp': String(Math.floor(at / 1000)),
				'webhook-signature': signature,
				'webhook-attempt': '1',
				...headers,
			},
			body,
		});
		return { status: response.status, text: await response.text() };
	}
	const emitted = async (active: ActiveWorkflow) => {
		const run = (await active.waitForExecutions(1)).at(-1)!;
		return itemsOf(run, 'Start').map((item) => item.json);
	};

	it('tests the relay credential', async () => {
		expect(await engine.testCredential('relay')).toMatchObject({ status: 'OK' });
		expect(await engine.testCredential('wrong')).toMatchObject({ status: 'Error' });
	});

	describe('its subscription', () => {
		it('is made on activation, with the filter, and ended on deactivation', async () => {
			const active = await engine.activate(
				workflow({ filters: { leadListId: ' l1 ', enrichmentType: 'full' } }),
			);
			expect(relay.only()).toMatchObject({
				url: active.webhookUrls[0],
				events: ['enrichment.completed'],
				filter: { lead_list_id: 'l1', enrichment_type: 'full' },
				description: 'n8n: Leads 🚀 / Start',
			});
			expect(relay.calls()).toEqual(['GET subscriptions', 'POST subscriptions']);
			await active.deactivate();
			expect(relay.subscriptions.size).toBe(0);
			expect(JSON.stringify(active.staticData())).not.toMatch(/whsec_|sub_/);
		});

		it.each([
			[{ leadListId: '={{ 12 }}' }, { lead_list_id: '12' }],
			[{ leadListId: '={{ null }}', enrichmentType: '={{ undefined }}' }, {}],
		])('takes what an expression gives for a filter: %j', async (filters, filter) => {
			await engine.activate(workflow({ filters }));
			expect(relay.only().filter).toEqual(filter);
		});

		it('restricts nothing without a filter', async () => {
			await engine.activate(workflow());
			expect(relay.only().filter).toEqual({});
		});

		it('is found again after a crash, and left alone when all is well', async () => {
			(await engine.activate(workflow())).abandon();
			const before = { ...relay.only() };
			relay.seen.length = 0;
			await engine.activate(workflow());
			expect(relay.only()).toEqual(before);
			expect(relay.calls()).toEqual(['GET subscriptions']);
		});

		it('gets a changed filter', async () => {
			(await engine.activate(workflow({ filters: { leadListId: 'l1' } }))).abandon();
			const { id, secret } = relay.only();
			await engine.activate(workflow({ filters: { enrichmentType: 'full' } }));
			expect(relay.only()).toMatchObject({ id, secret, filter: { enrichment_type: 'full' } });
		});

		it('gets a new secret when n8n lost the old one', async () => {
			(await engine.activate(workflow())).abandon();
			const { id, secret } = relay.only();
			const active = await engine.activate(withoutStaticData());
			expect(relay.only().id).toBe(id);
			expect(relay.only().secret).not.toBe(secret);
			expect((await deliver(active)).status).toBe(200);
			expect((await deliver(active, { secret })).status).toBe(401);
		});

		it('is made anew when the relay lost it', async () => {
			(await engine.activate(workflow())).abandon();
			relay.subscriptions.clear();
			const active = await engine.activate(workflow());
			expect((await deliver(active)).status).toBe(200);
		});

		it('is made anew when it had ended', async () => {
			(await engine.activate(workflow())).abandon();
			relay.only().status = 'ended';
			const active = await engine.activate(workflow());
			expect([...relay.subscriptions.values()].map(({ status }) => status)).toEqual(['ended', 'active']);
			const { secret } = [...relay.subscriptions.values()].at(-1)!;
			expect((await deliver(active, { secret })).status).toBe(200);
		});

		it('is taken over when it appears between looking and making', async () => {
			(await engine.activate(workflow({ filters: { leadListId: 'old' } }))).abandon();
			const { answer } = relay;
			// The first look finds nothing.
			relay.answer = (...args) => {
				relay.answer = answer;
				json(200, { subscriptions: [] })(...args);
			};
			relay.seen.length = 0;
			const active = await engine.activate(withoutStaticData());
			expect(relay.calls()).toEqual([
				'GET subscriptions',
				'POST subscriptions',
				'GET subscriptions',
				'PATCH subscriptions/{id}',
				'POST subscriptions/{id}/secret',
			]);
			expect((await deliver(active)).status).toBe(200);
		});

		it('that the relay does not know any more has ended already', async () => {
			const active = await engine.activate(workflow());
			relay.subscriptions.clear();
			await active.deactivate();
			expect(JSON.stringify(active.staticData())).not.toContain('whsec_');
		});

		it('is found by its URL when n8n lost its id', async () => {
			(await engine.activate(workflow())).abandon();
			const active = await engine.activate(withoutStaticData());
			active.abandon();
			const again = await engine.activate(withoutStaticData());
			await again.deactivate();
			expect(relay.subscriptions.size).toBe(0);
		});

		it('of the active workflow is not ended by the end of a test run, which is handed its static data', async () => {
			(await engine.activate(workflow())).abandon();
			const { url } = relay.only();
			const test = await engine.activate({
				...workflow(),
				nodes: [{ ...workflow().nodes[0]!, webhookId: 'test' }],
			});
			const active = await engine.activate(workflow());
			await test.deactivate();
			expect(relay.only().url).toBe(url);
			expect((await deliver(active)).status).toBe(200);
		});

		it('is kept in mind when ending it fails', async () => {
			const active = await engine.activate(workflow());
			relay.answer = json(500, {});
			await expect(active.deactivate()).rejects.toThrow('HTTP 500');
			expect(JSON.stringify(active.staticData())).toContain('whsec_');
		});

		it.each([
			['a wrong token', 'wrong', undefined, 'The relay does not accept the token'],
			['another server at the address', 'relay', 404, 'There is no relay at this address'],
		])('fails with a clear message for %s', async (_, credential, status, message) => {
			if (status) relay.answer = (response) => void response.writeHead(status).end('<html>');
			await expect(engine.activate(workflow({}, credential))).rejects.toThrow(message);
		});

		it('leaves trying again to n8n, whose time for an activation a wait would use up', async () => {
			relay.answer = json(503, {});
			await expect(engine.activate(workflow())).rejects.toThrow('HTTP 503');
			expect(relay.calls()).toEqual(['GET subscriptions']);
		});

		it('fails with a clear message when the relay refuses the address of n8n', async () => {
			const { answer } = relay;
			const refusal = { code: 'address_refused', detail: 'The address is private.', fix: 'Allow it.' };
			relay.answer = (...args) => (args[1].method === 'POST' ? json(422, refusal)(...args) : answer(...args));
			await expect(engine.activate(workflow())).rejects.toMatchObject({
				message: 'The address is private.',
				description: 'Allow it.',
			});
		});
	});

	describe('a delivery', () => {
		it('starts the workflow with one item per contact, and is answered at once', async () => {
			const active = await engine.activate(workflow({ furtherFields: ['first_name', 'company_domain'] }));
			const { status, text } = await deliver(active);
			expect([status, JSON.parse(text)]).toEqual([200, { status: 'received' }]);
			expect(await emitted(active)).toEqual([
				expect.objectContaining({
					found: true,
					email: 'zoe@example.com',
					email_status: 'verified',
					first_name: 'Zoë 🚀',
					company_domain: 'example.com',
					task_id: 't1',
					workflow_id: 'public_bulk_1',
					webhook_id: 'evt_1',
				}),
				expect.objectContaining({ found: false, status: 'failed', task_id: 't2' }),
			]);
		});

		it('starts it with one item per workflow, and with raw items, on request', async () => {
			const active = await engine.activate(workflow({ output: 'workflow', simplify: false }));
			await deliver(active);
			expect(await emitted(active)).toEqual([{ ...payload, webhook_id: 'evt_1' }]);
		});

		it('starts it when there are no results at all', async () => {
			const active = await engine.activate(workflow());
			await deliver(active, { body: JSON.stringify({ ...payload, status: 'failed', results: null }) });
			expect(await emitted(active)).toEqual([
				expect.objectContaining({ found: false, status: 'failed', workflow_id: 'public_bulk_1' }),
			]);
		});

		it('is verified over the bytes that came, not over what they mean', async () => {
			const active = await engine.activate(workflow());
			const body = `{ "workflow_id" : "w\u00e9", "results" : [ ] }\n`;
			expect((await deliver(active, { body })).status).toBe(200);
			expect(await emitted(active)).toEqual([expect.objectContaining({ workflow_id: 'wé' })]);
		});

		it('may be of any content type', async () => {
			const active = await engine.activate(workflow());
			const headers = { 'content-type': 'text/plain' };
			expect((await deliver(active, { headers })).status).toBe(200);
			expect(await emitted(active)).toHaveLength(2);
		});

		it('may begin with a byte order mark, which the relay passes on', async () => {
			const active = await engine.activate(workflow());
			const given = { body: `\uFEFF${JSON.stringify(payload)}`, headers: { 'content-type': 'text/plain' } };
			expect((await deliver(active, given)).status).toBe(200);
			expect(await emitted(active)).toHaveLength(2);
		});

		it('twice is passed on twice, with the same webhook_id', async () => {
			const active = await engine.activate(workflow());
			await deliver(active);
			await deliver(active);
			const runs = await active.waitForExecutions(2);
			expect(runs.map((run) => itemsOf(run, 'Start')[0]!.json.webhook_id)).toEqual(['evt_1', 'evt_1']);
		});

		it('changes no static data, which would undo what happens at the same time', async () => {
			const active = await engine.activate(workflow());
			const before = active.staticData();
			await deliver(active);
			await active.waitForExecutions(1);
			expect(active.staticData()).toEqual(before);
		});

		const FORGED = `whsec_${Buffer.from('somebody else').toString('base64')}`;
		it.each([
			['with a wrong signature', { secret: FORGED }, 'does not match'],
			['without a signature', { headers: { 'webhook-signature': '' } }, 'does not match'],
			['that is too old', { ageMs: 310_000 }, '5 minutes'],
			['from the future', { ageMs: -400_000 }, '5 minutes'],
			['with a changed id', { headers: { 'webhook-id': 'evt_2' } }, 'does not match'],
		])('%s is answered 401 and starts nothing', async (_, options, reason) => {
			const active = await engine.activate(workflow());
			const { status, text } = await deliver(active, options);
			expect([status, text]).toEqual([401, expect.stringContaining(reason)]);
			expect(active.executions).toEqual([]);
			expect(text).not.toContain('whsec_');
		});

		it('without any signing header is answered 401 and starts nothing', async () => {
			const active = await engine.activate(workflow());
			const response = await fetch(active.webhookUrls[0]!, { method: 'POST', body: JSON.stringify(payload) });
			expect([response.status, await response.text()]).toEqual([401, expect.stringContaining('webhook-id')]);
			expect(active.executions).toEqual([]);
		});

		it('to an n8n that lost its secret is answered 401, not accepted', async () => {
			const active = await engine.activate(workflow());
			const { secret } = relay.only();
			await active.deactivate();
			relay.answer = (...args) => json(200, { subscriptions: [{ ...listed(), url: hook }] })(...args);
			const hook = active.webhookUrls[0]!;
			const listed = () => ({ id: 'sub_x', events: ['enrichment.completed'], filter: {}, status: 'active' });
			// A relay that answers the rotation without a secret leaves the node with none.
			const again = await engine.activate(workflow());
			const { status, text } = await deliver(again, { secret });
			expect([status, text]).toEqual([401, expect.stringContaining('no secret')]);
			expect(again.executions).toEqual([]);
		});

		it.each([['[]'], ['5'], ['null'], ['"text"']])(
			'that is %s is answered 422 and starts nothing',
			async (body) => {
				const active = await engine.activate(workflow());
				expect((await deliver(active, { body })).status).toBe(422);
				expect(active.executions).toEqual([]);
			},
		);

		it('that is no JSON is answered 500, so that the relay keeps it, and starts nothing', async () => {
			const active = await engine.activate(workflow());
			const options = { body: 'not json', headers: { 'content-type': 'text/plain' } };
			expect((await deliver(active, options)).status).toBe(500);
			expect(active.executions).toEqual([]);
		});
	});

	/** The same trigger at the same URL in an n8n that remembers nothing. */
	function withoutStaticData(): WorkflowJson {
		return { ...workflow(), id: `w${++fresh}` };
	}
	let fresh = 100;
});
