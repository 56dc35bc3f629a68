import { request } from 'node:http';
import { DetailError, V2Error } from '../../relay/src/contract/index.ts';
import { createReferenceApi } from '../../relay/src/reference/testing.ts';
import { literalEscapes } from '../../relay/src/reference/literal-escapes.ts';
import { startTestRelay } from '../relay/harness.ts';
import type { Json } from './harness.ts';

interface Server {
	url: string;
	key: string;
	close(): Promise<void>;
}

const alone = async (): Promise<Server> => createReferenceApi();
const inTheRelay = async (): Promise<Server> => {
	const relay = await startTestRelay({ env: { RELAY_REFERENCE: 'on', RELAY_REFERENCE_LIMITS: 'off' } });
	return { ...relay, key: relay.demoKey };
};

/** As it is written: fetch would put a path right before it sends it. */
const get = ({ url, key }: Server, path: string) =>
	new Promise<{ status: number; headers: Record<string, unknown>; body: Json }>((resolve, reject) => {
		const { hostname, port } = new URL(url);
		const sent = request(
			{ hostname, port, path, headers: { authorization: `Bearer ${key}` } },
			(response) => {
				let text = '';
				response.setEncoding('utf8').on('data', (more: string) => (text += more));
				response.on('end', () => {
					const { statusCode: status = 0, headers } = response;
					resolve({ status, headers, body: text.startsWith('{') ? JSON.parse(text) : text });
				});
			},
		);
		sent.on('error', reject).end();
	});

const ODD = [
	['%zz', '%zz'],
	['%', '%'],
	['what is no UTF-8', '%ff'],
	['a character cut short', '%e2%82'],
	['one more than Fastify takes by itself', 'x'.repeat(101)],
	['8,000 characters', 'x'.repeat(8_000)],
	['NUL', '%00'],
	['a way up', '..%2f..'],
];

describe.each([
	['alone', alone],
	['in the relay', inTheRelay],
])('%s', (_, start) => {
	let server: Server;
	beforeAll(async () => void (server = await start()));
	afterAll(() => server.close());

	it.each(ODD)('takes %s as an id that is unknown, in the error format of the endpoint', async (_, odd) => {
		for (const path of ['/api/v2/lead-lists', '/api/v1/public/lead-lists', '/api/v2/enrichment/status']) {
			const reply = await get(server, `${path}/${odd}`);
			expect([path, reply.status, V2Error.parse(reply.body).error.code]).toEqual([path, 404, 'not_found']);
		}
		const reply = await get({ ...server, key: 'clapi_no' }, `/api/v2/lead-lists/${odd}`);
		expect([reply.status, V2Error.parse(reply.body).error.code]).toEqual([401, 'unauthorized']);
	});

	it.each(ODD)('has no endpoint %s, and says so in the error format of the prefix', async (_, odd) => {
		const v2 = await get(server, `/api/v2/${odd}`);
		expect([v2.status, V2Error.parse(v2.body).error.code]).toEqual([404, 'not_found']);
		const legacy = await get(server, `/api/v1/public/${odd}?a=%zz`);
		expect([legacy.status, DetailError.parse(legacy.body)]).toEqual([404, { detail: 'Not Found' }]);
		const control = await get(server, `/reference/requests/${odd}`);
		expect(control.status).toBeGreaterThanOrEqual(400);
		expect(V2Error.parse(control.body).error.code).not.toMatch(/^FST/);
	});

	it('names the path as it was written', async () => {
		const { body } = await get(server, '/api/v2/%zz?a=b');
		expect(body.error.problem).toBe('There is no GET /api/v2/%zz.');
		const { requests } = (await get(server, '/reference/requests?limit=1')).body;
		expect(requests).toMatchObject([{ path: '/api/v2/%zz?a=b' }]);
	});

	it('answers a method that a path does not have as it does an unknown path', async () => {
		const put = (path: string) =>
			fetch(server.url + path, { method: 'PUT', headers: { authorization: `Bearer ${server.key}` } });
		const v2 = await put('/api/v2/lead-lists');
		expect([v2.status, v2.headers.get('allow')]).toEqual([404, null]);
		expect(V2Error.parse(await v2.json()).error).toMatchObject({
			code: 'not_found',
			problem: 'There is no PUT /api/v2/lead-lists.',
		});
		const legacy = await put('/api/v1/public/enrich/bulk');
		expect([legacy.status, await legacy.json()]).toEqual([404, { detail: 'Not Found' }]);
	});

	it('shortens what it gives back of a path', async () => {
		expect(
			JSON.stringify((await get(server, `/api/v2/lead-lists/${'x'.repeat(8_000)}`)).body).length,
		).toBeLessThan(1_000);
	});
});

it.each(['/', '/x', '/api', '/api/v3/whoami', '//api/v2/whoami', '/%zz', '/docs/%zz'])(
	'alone, %j is either the page for people or an error of the API’s kind',
	async (path) => {
		const server = await alone();
		try {
			const reply = await get(server, path);
			if (path === '/') expect([reply.status, reply.headers.location]).toEqual([302, '/reference']);
			else expect([reply.status, V2Error.parse(reply.body).error.code]).toEqual([404, 'not_found']);
		} finally {
			await server.close();
		}
	},
);

it('changes nothing of a path that can be decoded, nor of a query', () => {
	for (const url of ['/', '/a%20b?c=%zz', '/%C3%A9', '/a?b?c']) expect(literalEscapes(url)).toBe(url);
	expect(literalEscapes('/a%20b%zz?c=%zz')).toBe('/a%2520b%25zz?c=%zz');
});
