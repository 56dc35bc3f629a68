import { startSteered } from './harness.ts';
import type { Steered } from './harness.ts';

let steered: Steered;
afterEach(() => steered.close());

const status = async (headers: Record<string, string>) =>
	(await steered.send('GET', '/reference/requests', { headers })).status;

describe('steering by this machine only', () => {
	beforeEach(async () => {
		steered = await startSteered();
	});

	it.each(['127.0.0.1', '127.0.0.1:80', 'localhost:8717', 'LOCALHOST', '[::1]:8717', 'relay', 'x.localhost'])(
		'takes requests to %s',
		async (host) => {
			expect(await status({ host })).toBe(200);
		},
	);

	it.each(['evil.example', 'evil.example:8717', '127.0.0.1.evil.example', '[::1].evil.example', '1.2.3'])(
		'refuses requests to %s, a name that a stranger can point here',
		async (host) => {
			const { status, body } = await steered.send('GET', '/reference/requests', { headers: { host } });
			expect([status, body.error.code]).toEqual([403, 'steering_refused']);
			expect(body.error.fix).toContain('127.0.0.1');
		},
	);

	it('refuses pages of other sites, and takes its own', async () => {
		const { host } = new URL(steered.baseUrl);
		expect(await status({ origin: `http://${host}` })).toBe(200);
		const foreign: Record<string, string>[] = [
			{ origin: 'https://evil.example' },
			{ origin: 'null' },
			{ origin: 'http://127.0.0.1:1' },
			{ origin: `http://${host}.evil.example` },
			{ 'sec-fetch-site': 'cross-site' },
		];
		for (const headers of foreign) {
			expect(await status(headers)).toBe(403);
		}
		expect(await status({ 'sec-fetch-site': 'same-origin' })).toBe(200);
	});

	it.each(['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'])(
		'refuses what comes through a proxy: %s',
		async (header) => {
			expect(await status({ [header]: '127.0.0.1' })).toBe(403);
		},
	);

	it('refuses before it looks at the path', async () => {
		const reply = await steered.send('GET', '/reference/nowhere', { headers: { host: 'evil.example' } });
		expect(reply.status).toBe(403);
		expect((await steered.send('GET', '/reference/nowhere')).status).toBe(404);
	});
});

it('takes requests from elsewhere when allowed, and still none of other sites’ pages', async () => {
	steered = await startSteered({ access: 'anywhere' });
	expect(await status({ 'x-forwarded-for': '10.0.0.7' })).toBe(200);
	expect(await status({ host: '192.0.2.7:8717' })).toBe(200);
	expect(await status({ host: 'evil.example' })).toBe(403);
	expect(await status({ origin: 'https://evil.example' })).toBe(403);
});
