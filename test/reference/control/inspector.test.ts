import { startSteered } from './harness.ts';
import type { Steered } from './harness.ts';

/** The inspector as it goes over the wire; a real browser looks at it in test/browser. */

let steered: Steered;
beforeEach(async () => {
	steered = await startSteered();
});
afterEach(() => steered.close());

it('is one page, whole without scripts, that may run no script but its own file', async () => {
	const { key } = await steered.account();
	await steered.as(key)('POST', '/api/v2/lead-lists', { name: 'Leads & <more>' });
	const page = await steered.send('GET', '/reference/');
	expect(page.status).toBe(200);
	expect(page.headers).toMatchObject({
		'content-type': 'text/html; charset=utf-8',
		'cache-control': 'no-store',
		'x-content-type-options': 'nosniff',
		'content-security-policy': expect.stringContaining("default-src 'none'"),
	});
	expect(page.headers['content-security-policy']).not.toMatch(/unsafe|https?:|\*/);
	expect(page.text).toContain('Leads &amp; &lt;more&gt;');
	expect(page.text.match(/<script[^>]*>/g)).toEqual(['<script src="/reference/inspector.js" defer>']);
	expect(page.text).not.toMatch(/\son\w+=|style="|javascript:/i);
	// No key, no session token, nothing of another host's.
	expect(page.text).not.toMatch(/clapi_[\w-]{8}|sess_[\w-]{8}/);
	expect(page.text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
});

it.each([
	['pages.css', 'text/css; charset=utf-8'],
	['inspector.css', 'text/css; charset=utf-8'],
	['inspector.js', 'text/javascript; charset=utf-8'],
])('serves %s from this machine', async (name, type) => {
	const file = await steered.send('GET', `/reference/${name}`);
	expect([file.status, file.headers['content-type']]).toEqual([200, type]);
	expect(file.text.length).toBeGreaterThan(1_000);
	expect(file.text).not.toMatch(/https?:\/\/|@import/);
});

it('gives the parts that are asked for, and no others', async () => {
	const { text } = await steered.send('GET', '/reference/?part=clock&part=faults');
	expect([...text.matchAll(/data-part="(\w+)"/g)].map(([, name]) => name)).toEqual(['clock', 'faults']);
	const unknown = await steered.send('GET', '/reference/?part=clock&part=constructor');
	expect(unknown.status).toBe(400);
	expect(unknown.body.error).toMatchObject({
		problem: 'The page has no part "constructor".',
		fix: expect.stringContaining('requests'),
	});
});

it('is for this machine only, as all of the control surface is', async () => {
	for (const path of ['/reference/', '/reference/inspector.js', '/reference/?part=requests']) {
		const proxied = await steered.send('GET', path, { headers: { 'x-forwarded-for': '203.0.113.7' } });
		expect([path, proxied.status]).toEqual([path, 403]);
		const rebound = await steered.send('GET', path, { headers: { host: 'attacker.example' } });
		expect([path, rebound.status]).toEqual([path, 403]);
	}
});

it('says that a webhook waits for the end of its workflow, and that one which was ordered away never comes', async () => {
	const { key } = await steered.account();
	const fault = { type: 'webhook_never' };
	await steered.send('POST', '/reference/faults', { body: { fault } });
	const contacts = [{ linkedin_url: 'https://linkedin.com/in/x-example' }];
	const request = { contacts, webhook_url: 'https://hooks.example/in/secret' };
	await steered.as(key)('POST', '/api/v1/public/enrich/bulk', request);
	const webhooks = async () => (await steered.send('GET', '/reference/?part=webhooks')).text;
	expect(await webhooks()).toMatch(/waits[^]*Goes out when the workflow has ended/);
	await steered.base.advance(1_500);
	expect(await webhooks()).toMatch(/not sent[^]*None is sent, as was ordered/);
	expect(await webhooks()).not.toMatch(/waits|Goes out/);
});

it('stays a page however much there is', async () => {
	const { key } = await steered.account();
	const api = steered.as(key);
	const contacts = Array.from({ length: 250 }, (_, n) => ({
		first_name: `F${n}`,
		last_name: 'x'.repeat(300),
		company_name: 'Acme',
	}));
	for (let n = 0; n < 60; n++) {
		await api('POST', '/api/v1/public/enrich/bulk', { contacts, enrichment_type: 'none' });
		await api('POST', '/api/v2/lead-lists', { name: `List ${n}` });
	}
	await steered.base.advance(1_500);
	const { text } = await steered.send('GET', '/reference/');
	expect(text.length).toBeLessThan(1_000_000);
	expect(text).toContain('70 more requests.');
	expect(text).toContain('31 more lists.');
	expect(text).toContain('240 more tasks.');
});
