import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SourcesResponse, SubscriptionWithSecret } from '../../relay/src/contract/relay-api.ts';
import { startRelay } from '../support/relay-process.ts';
import { startReceiver, webhook } from './harness.ts';

const EMAIL = 'ada.lovelace@example.com';

test('a whole run at the highest log level leaves no secret and no e-mail address in what it prints', async () => {
	const env = { RELAY_LOG_LEVEL: 'trace', RELAY_SHOW_KEYS: 'never', RELAY_REFERENCE_COMPLETION_MS: '1' };
	const relay = await startRelay({ env });
	// Echoes what it got, as error pages do, and only then accepts.
	const receiver = await startReceiver((response, { body, headers }) => {
		if (headers['webhook-attempt'] !== '1') return void response.end();
		response.statusCode = 409;
		response.end(`could not handle ${JSON.stringify(headers)} ${body}`);
	});
	try {
		const call = (path: string, init: RequestInit = {}, token = relay.token) =>
			fetch(`${relay.url}${path}`, {
				...init,
				headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...init.headers },
			});
		const post = (path: string, body: unknown, token?: string) =>
			call(path, { method: 'POST', body: JSON.stringify(body) }, token);

		const { sources } = SourcesResponse.parse(await (await call('/relay/v1/sources')).json());
		const ingestUrl = sources[0]?.ingest_url ?? '';
		const subscription = SubscriptionWithSecret.parse(
			await (await post('/relay/v1/subscriptions', { url: `${receiver.url}?owner=${EMAIL}` })).json(),
		);

		// The path of a result, and every way that a secret ends up where it does not belong.
		const contacts = [{ first_name: 'Ada', last_name: 'Lovelace', company_name: 'Example', email: EMAIL }];
		const started = await post(
			'/api/v1/public/enrich/bulk',
			{
				contacts: contacts.map(({ email: _, ...contact }) => contact),
				enrichment_type: 'partial',
				webhook_url: ingestUrl,
			},
			relay.demoKey,
		);
		expect(started.status).toBe(200);
		await fetch(ingestUrl, { method: 'POST', body: webhook('wf-1', { results: contacts }) });
		await fetch(ingestUrl, { method: 'POST', body: `neither JSON nor ${EMAIL}` });
		await fetch(ingestUrl, { method: 'POST', body: webhook(EMAIL) });
		await fetch(ingestUrl);
		await fetch(`${ingestUrl}/more?mail=${EMAIL}`, { method: 'POST', body: '{}' });
		await fetch(`${relay.url}/in/${relay.token}`, { method: 'POST', body: '{}' });
		await call('/relay/v1/sources', {}, relay.demoKey);
		await call(`/relay/v1/subscriptions?url=${encodeURIComponent(ingestUrl)}`);
		await call(`/relay/v1/subscriptions?url=${EMAIL}&token=${relay.token}`);
		await call(`/relay/v1/events/${relay.demoKey}`);
		await post('/relay/v1/subscriptions', { url: ingestUrl, secret: subscription.secret });
		await post(`/relay/v1/subscriptions/${subscription.id}/secret`, {});
		await receiver.waitFor(3);
		await relay.stop();

		const { stdout, stderr } = relay.output();
		const printed = stdout + stderr;
		expect(stdout.split('\n').length).toBeGreaterThan(20);
		const masterKey = readFileSync(join(relay.dataFolder, 'keys', 'master-key'), 'utf8').trim();
		const ingestToken = ingestUrl.split('/').at(-1) ?? '';
		for (const secret of [relay.token, relay.demoKey, subscription.secret, ingestToken, masterKey]) {
			expect(secret.length).toBeGreaterThan(40);
			expect(printed).not.toContain(secret);
			expect(printed).not.toContain(secret.slice(-20));
		}
		expect(printed).not.toMatch(/ada\.lovelace/i);
		expect(printed).not.toMatch(/[^\s"<>]+(@|%40)[^\s"<>]+\.[a-z]{2,}/i);
	} finally {
		await receiver.close();
		await relay.dispose();
	}
});
