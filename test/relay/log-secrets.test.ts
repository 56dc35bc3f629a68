import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
	DeliveriesResponse,
	SourcesResponse,
	SubscriptionWithSecret,
	TokenWithSecret,
} from '../../relay/src/contract/relay-api.ts';
import { connectRaw } from '../support/raw-http.ts';
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
		/** Every error body that came back. */
		let errors = '';
		const fetch = async (url: string, init: RequestInit = {}) => {
			const response = await globalThis.fetch(url, init);
			if (response.status >= 400) errors += await response.clone().text();
			return response;
		};
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
		await fetch(
			ingestUrl.replace(/\/in\/./, (part) => `/%69n/%${part.charCodeAt(4).toString(16)}`),
			{
				method: 'POST',
				body: webhook('wf-1', { results: contacts }),
			},
		);
		await fetch(`${relay.url}/in/${relay.token}`, { method: 'POST', body: '{}' });
		await call('/relay/v1/sources', {}, relay.demoKey);
		await call(`/relay/v1/subscriptions?url=${encodeURIComponent(ingestUrl)}`);
		await call(`/relay/v1/subscriptions?url=${EMAIL}&token=${relay.token}`);
		await call(`/relay/v1/events/${relay.demoKey}`);
		await post('/relay/v1/subscriptions', { url: ingestUrl, secret: subscription.secret });
		const renewed = SubscriptionWithSecret.parse(
			await (await post(`/relay/v1/subscriptions/${subscription.id}/secret`, {})).json(),
		);

		// Deliveries and bodies, asked for by what is no id; and what the receiver answered, headers and all.
		const deliveries = '/relay/v1/deliveries';
		for (const secret of [
			relay.token,
			relay.demoKey,
			ingestUrl.split('/').at(-1),
			subscription.secret,
			EMAIL,
		]) {
			const odd = encodeURIComponent(secret ?? '');
			await call(`${deliveries}/${odd}`);
			await call(`${deliveries}?state=${odd}&cursor=${odd}`);
			await call(`${deliveries}?subscription_id=${odd}&event_id=${odd}&${odd}=1`);
			for (const verb of ['replay', 'cancel', 'redrive']) await post(`${deliveries}/${odd}/${verb}`, {});
			await post(`${deliveries}/redrive`, { subscription_id: secret, [secret ?? '']: secret });
			await call(`/relay/v1/events/${odd}/body`);
			await post(`/relay/v1/events/${odd}/redrive`, {});
		}
		await receiver.waitFor(1);
		const kept = DeliveriesResponse.parse(await (await call(deliveries)).json()).deliveries;
		expect(kept.length).toBeGreaterThan(0);
		let shown = '';
		for (const { id, event_id: event } of kept) {
			shown += await (await call(`${deliveries}/${id}`)).text();
			expect((await call(`/relay/v1/events/${event}/body`)).status).toBe(200);
		}

		// Management tokens: made, used, used wrongly, rotated, and used when they are dead.
		const tokens = '/relay/v1/tokens';
		const made = TokenWithSecret.parse(await (await post(tokens, { name: 'n8n', scopes: ['read'] })).json());
		await call('/relay/v1/events', {}, made.token);
		await post(tokens, { name: made.token, scopes: [made.token] }, made.token);
		await post(tokens, { name: 'n8n', scopes: [made.token], token: made.token });
		const rotated = TokenWithSecret.parse(await (await post(`${tokens}/${made.id}/rotate`, {})).json());
		await call('/relay/v1/events', {}, made.token);
		await call(`${tokens}/${rotated.token}`, { method: 'DELETE' });
		await call(`/${rotated.token}/${EMAIL}`, {}, rotated.token);
		await call('/relay/v1/subscriptions', { method: 'POST', body: `{"url": "${EMAIL}", ${rotated.token}` });

		// What never becomes a request.
		const connection = await connectRaw(Number(new URL(relay.url).port));
		connection.send(`NONSENSE ${new URL(ingestUrl).pathname} ${relay.token} ${EMAIL}\r\n\r\n`);
		errors += await connection.closed;
		await receiver.waitFor(3);
		await relay.stop();

		const { stdout, stderr } = relay.output();
		const printed = stdout + stderr;
		expect(stdout.split('\n').length).toBeGreaterThan(20);
		const masterKey = readFileSync(join(relay.dataFolder, 'keys', 'master-key'), 'utf8').trim();
		const ingestToken = ingestUrl.split('/').at(-1) ?? '';
		const secrets = [relay.token, relay.demoKey, ingestToken, masterKey, made.token, rotated.token];
		for (const secret of [...secrets, subscription.secret, renewed.secret]) {
			expect(secret.length).toBeGreaterThan(40);
			expect(printed).not.toContain(secret);
			expect(printed).not.toContain(secret.slice(-20));
			expect(errors).not.toContain(secret);
			expect(shown).not.toContain(secret);
		}
		expect(errors).toContain('malformed_request');
		expect(printed).not.toMatch(/ada\.lovelace/i);
		expect(printed).not.toMatch(/[^\s"<>]+(@|%40)[^\s"<>]+\.[a-z]{2,}/i);
	} finally {
		await receiver.close();
		await relay.dispose();
	}
});
