import { contacts } from '../harness.ts';
import { startSteered } from './harness.ts';
import type { Steered } from './harness.ts';

let steered: Steered;
let key: string;
beforeEach(async () => {
	steered = await startSteered();
	({ key } = await steered.account());
});
afterEach(() => steered.close());

const requests = async (query = '') => (await steered.send('GET', `/reference/requests${query}`)).body;

it('lists requests with their answers, newest first', async () => {
	await steered.as(key)('GET', '/api/v2/whoami');
	await steered.as(key)('POST', '/api/v2/lead-lists', { name: 'Zoë 🚀' });
	await steered.send('GET', '/api/v2/nowhere');

	const { requests: list, total, cursor } = await requests();
	expect([total, cursor]).toEqual([3, null]);
	expect(list).toMatchObject([
		{ id: 3, method: 'GET', path: '/api/v2/nowhere', operation: null, status: 404, key_last4: null },
		{
			id: 2,
			method: 'POST',
			path: '/api/v2/lead-lists',
			operation: 'create_list',
			status: 201,
			key_last4: key.slice(-4),
			request_body: { text: '{"name":"Zoë 🚀"}', bytes: 20, truncated: false },
			faults: [],
		},
		{ id: 1, operation: 'whoami', status: 200, request_body: null },
	]);
	expect(JSON.parse(list[1].response_body.text)).toMatchObject({ name: 'Zoë 🚀' });
	expect(list[1].at).toBe('2026-01-05T09:00:00.000Z');
	expect(list[1].organization_id).toMatch(/^org_/);
});

it('names the operation on both prefixes, and for HEAD', async () => {
	for (const path of ['/api/v2/lead-lists/x/leads', '/api/v1/public/lead-lists/x/leads']) {
		await steered.as(key)('GET', path);
	}
	await steered.as(key)('HEAD', '/api/v2/whoami');
	expect((await requests()).requests.map((one: { operation: string }) => one.operation)).toEqual([
		'whoami',
		'list_leads_in_list',
		'list_leads_in_list',
	]);
});

it('walks back in pages', async () => {
	for (let i = 0; i < 5; i++) await steered.as(key)('GET', '/api/v2/whoami');
	const first = await requests('?limit=2');
	const second = await requests(`?limit=2&cursor=${first.cursor}`);
	const third = await requests(`?limit=2&cursor=${second.cursor}`);
	const ids = [first, second, third].map((page) => page.requests.map(({ id }: { id: number }) => id));
	expect(ids).toEqual([[5, 4], [3, 2], [1]]);
	expect(third.cursor).toBeNull();
});

it.each(['limit=0', 'limit=501', 'limit=x', 'cursor=x', 'limt=5'])('refuses ?%s', async (query) => {
	const { status, body } = await steered.send('GET', `/reference/requests?${query}`);
	expect(status).toBe(422);
	expect(body.error.problem).toContain(query.split('=')[0]);
});

it('gives one by its id, and 404 for one it has not', async () => {
	await steered.as(key)('GET', '/api/v2/whoami');
	expect((await steered.send('GET', '/reference/requests/1')).body).toMatchObject({
		id: 1,
		operation: 'whoami',
	});
	for (const id of ['2', 'x', '-1']) {
		expect((await steered.send('GET', `/reference/requests/${id}`)).status).toBe(404);
	}
});

it('keeps no key, token, ingest token or signature', async () => {
	const account = await steered.reference.createAccount({ name: 'Bo', credits: 10 });
	const asKey = steered.as(account.key);
	await steered.as(account.sessionToken)('POST', '/api/v1/api-keys', { name: account.key });
	await asKey('POST', '/api/v1/public/enrich/bulk', {
		contacts: contacts(1),
		webhook_url: 'http://127.0.0.1:9/in/secret-token',
	});
	const { body: list } = await asKey('POST', '/api/v2/lead-lists', { name: 'L' });
	const { body: file } = await asKey('POST', '/api/v2/export/csv/signed-url', { list_id: list.list_id });
	const link = new URL(file.download_url);
	await steered.send('GET', link.pathname + link.search);

	const { text } = await steered.send('GET', '/reference/requests');
	const made = (await requests()).requests.find((one: { path: string }) => one.path === '/api/v1/api-keys');
	expect(JSON.parse(made.response_body.text).api_key).toBe('clapi_<redacted>');
	for (const secret of [
		account.key.slice(6),
		account.sessionToken.slice(5),
		'secret-token',
		link.searchParams.get('signature')!,
	]) {
		expect(text).not.toContain(secret);
	}
});

it('cuts long bodies at 8 KiB, also in the middle of a letter', async () => {
	await steered.as(key)('POST', '/api/v2/lead-lists', `{"name":"${'é'.repeat(10_000)}"}`);
	const { request_body: body } = (await requests()).requests[0];
	expect(body).toMatchObject({ bytes: 20_011, truncated: true });
	expect(Buffer.byteLength(body.text)).toBeLessThanOrEqual(8192);
	expect(body.text).toMatch(/^\{"name":"é+$/);
});

it('keeps what is no JSON as it came', async () => {
	await steered.as(key)('POST', '/api/v2/lead-lists', '{"name":');
	expect((await requests()).requests[0]).toMatchObject({ status: 422, request_body: { text: '{"name":' } });
});

it('keeps the latest 1,000', async () => {
	for (let i = 0; i < 1_002; i++) await steered.send('GET', '/api/v2/whoami');
	const { total, requests: list } = await requests('?limit=1');
	expect([total, list[0].id]).toEqual([1_000, 1_002]);
	expect((await steered.send('GET', '/reference/requests/2')).status).toBe(404);
});

it('does not record what steers', async () => {
	await requests();
	expect((await requests()).total).toBe(0);
});
