import Fastify from 'fastify';
import { sha256 } from '../../relay/src/crypto.ts';
import { registerRoutes } from '../../relay/src/http/routes.ts';
import type { Access, RouteEntry } from '../../relay/src/http/routes.ts';
import type { TokenScope } from '../../relay/src/store/port.ts';
import { expectProblem, startTestRelay } from './harness.ts';
import type { TestRelay } from './harness.ts';

/**
 * Who may call what: every route of the relay against every kind of token. The list is written by hand, and must be
 * that of the routes there are: a new one has to be put here, with those who may call it.
 */
const SUBSCRIPTIONS = '/relay/v1/subscriptions';
const DELIVERIES = '/relay/v1/deliveries';
const TOKENS = '/relay/v1/tokens';
const ROUTES: [method: string, path: string, access: Access][] = [
	['GET', '/healthz', 'public'],
	['GET', '/readyz', 'public'],
	['GET', '/docs', 'public'],
	['GET', '/docs/pages.css', 'public'],
	['GET', '/docs/openapi.json', 'public'],
	// The token in the path opens it.
	['POST', '/in/:token', 'public'],
	['GET', '/relay/v1/sources', ['subscribe', 'read']],
	['GET', SUBSCRIPTIONS, ['subscribe', 'read']],
	['GET', `${SUBSCRIPTIONS}/:id`, ['subscribe', 'read']],
	['POST', SUBSCRIPTIONS, ['subscribe']],
	['PATCH', `${SUBSCRIPTIONS}/:id`, ['subscribe']],
	['DELETE', `${SUBSCRIPTIONS}/:id`, ['subscribe']],
	['POST', `${SUBSCRIPTIONS}/:id/secret`, ['subscribe']],
	['GET', '/relay/v1/events', ['read']],
	['GET', '/relay/v1/events/:id', ['read']],
	['GET', '/relay/v1/events/:id/body', ['read']],
	['GET', DELIVERIES, ['read']],
	['GET', `${DELIVERIES}/:id`, ['read']],
	['POST', `${DELIVERIES}/:id/replay`, ['subscribe']],
	['POST', `${DELIVERIES}/:id/cancel`, ['subscribe']],
	['POST', `${DELIVERIES}/:id/redrive`, ['subscribe']],
	['POST', `${DELIVERIES}/redrive`, ['subscribe']],
	['POST', '/relay/v1/events/:id/redrive', ['subscribe']],
	['GET', '/relay/v1/stats', ['read']],
	['GET', '/metrics', ['read']],
	['GET', TOKENS, []],
	['POST', TOKENS, []],
	['POST', `${TOKENS}/:id/rotate`, []],
	['DELETE', `${TOKENS}/:id`, []],
];
const GUARDED = ROUTES.flatMap(([method, path, access]) =>
	access === 'public' ? [] : [[method, path, access] as const],
);
const HOLDERS: TokenScope[][] = [[], ['read'], ['subscribe'], ['subscribe', 'read'], ['admin']];

let relay: TestRelay;
beforeAll(async () => {
	relay = await startTestRelay({ limits: { unknownTokensPerMinute: 1_000 } });
});
afterAll(async () => relay.close());

const urlOf = (path: string) => path.replace(/:\w+/g, 'x');

test('the routes there are are those of this list', () => {
	const there = relay.relay.routes.filter(({ method }) => method !== 'HEAD');
	const lines = (routes: { method: string; path: string; access: Access }[]) =>
		routes.map(({ method, path, access }) => `${method} ${path} ${JSON.stringify(access)}`).sort();
	expect(lines(there)).toEqual(lines(ROUTES.map(([method, path, access]) => ({ method, path, access }))));
});

test('HEAD is as open as the GET it stands for', () => {
	for (const { method, path, access } of relay.relay.routes) {
		if (method !== 'HEAD') continue;
		const get = relay.relay.routes.find((route) => route.method === 'GET' && route.path === path);
		expect([path, access]).toEqual([path, get?.access]);
	}
});

test('a route that does not say who may call it can not be registered', async () => {
	const table: RouteEntry[] = [];
	const register = registerRoutes(Fastify(), {
		authorize: () => async () => undefined,
		table,
		routes: [async (http) => void http.get('/open', async () => 'secret')],
	});
	await expect(register).rejects.toThrow('GET /open does not say who may call it.');
	expect(table).toEqual([]);
});

describe.each(GUARDED)('%s %s', (method, path, access) => {
	test('asks for a token', async () => {
		for (const token of [null, '', 'crt_short', `crt_${'A'.repeat(43)}`, `crt_${'A'.repeat(44)}`]) {
			const response = await relay.call(method, urlOf(path), { token });
			expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
			await expectProblem(response, 401, 'unauthenticated');
		}
	});

	test('does not take one that has ended, and says so', async () => {
		const token = await relay.tokenWith('admin');
		const known = (await relay.relay.store.findTokenByHash(sha256(token)))!;
		await relay.relay.store.putToken({ ...known, expiresAt: Date.UTC(2026, 0, 1) });
		const { detail } = await expectProblem(
			await relay.call(method, urlOf(path), { token }),
			401,
			'unauthenticated',
		);
		expect(detail).toBe('The token "admin" ended on 2026-01-01T00:00:00.000Z.');
	});

	test.each(HOLDERS.map((scopes) => [scopes.join(' and ') || 'none', scopes] as const))(
		'needs one of its scopes, and says which: %s',
		async (_, scopes) => {
			const response = await relay.call(method, urlOf(path), { token: await relay.tokenWith(...scopes) });
			if (scopes.includes('admin') || access.some((scope) => scopes.includes(scope))) {
				expect([401, 403]).not.toContain(response.status);
			} else {
				const { detail } = await expectProblem(response, 403, 'forbidden');
				expect(detail).toBe(
					`This needs the scope ${access.join(' or ') || 'admin'}; the token "${scopes.join('+')}" has ${scopes.join(', ') || 'none'}.`,
				);
			}
		},
	);
});

test('a token in a query or a cookie opens nothing', async () => {
	const response = await relay.call(
		'GET',
		`/relay/v1/sources?token=${relay.token}&access_token=${relay.token}`,
		{
			token: null,
			headers: { cookie: `token=${relay.token}` },
		},
	);
	await expectProblem(response, 401, 'unauthenticated');
});
