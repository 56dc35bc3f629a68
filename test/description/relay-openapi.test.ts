import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@cfworker/json-schema';
import { parse as parseYaml } from 'yaml';
import type { Operation } from '../../relay/src/description/openapi.ts';
import type { OpenApi } from '../../relay/src/description/openapi.ts';
import { startTestRelay } from '../relay/harness.ts';
import type { TestRelay } from '../relay/harness.ts';

/** The description that the relay gives of its own API. That its answers fit it is checked wherever a test calls it. */

let relay: TestRelay;
let document: OpenApi;
let operations: { name: string; operation: Operation }[];
beforeAll(async () => {
	relay = await startTestRelay();
	document = (await (await fetch(`${relay.url}/docs/openapi.json`)).json()) as OpenApi;
	operations = Object.entries(document.paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, operation]) => ({
			name: `${method.toUpperCase()} ${path}`,
			operation,
		})),
	);
});
afterAll(async () => relay.close());

const metaSchema = () =>
	parseYaml(readFileSync(join(import.meta.dirname, '../contract/openapi-3.1.schema.yaml'), 'utf8')) as object;

test('it is a valid OpenAPI 3.1 document', () => {
	const validator = new Validator(metaSchema(), '2020-12', false);
	expect(validator.validate(document)).toEqual({ valid: true, errors: [] });
	expect(validator.validate({ ...document, info: {} }).valid).toBe(false);
	const broken = structuredClone(document);
	delete (Object.values(Object.values(broken.paths)[0]!)[0]!.responses as Record<string, unknown>)['200'];
	Object.values(Object.values(broken.paths)[0]!)[0]!.responses = { ok: { description: '' } };
	expect(validator.validate(broken).valid).toBe(false);
});

/** As Fastify itself lists them, which knows nothing of our table. */
function registeredRoutes(): string[] {
	const found: string[] = [];
	const parts: string[] = [];
	for (const line of relay.relay.http.printRoutes({ commonPrefix: false }).split('\n')) {
		const [, indent = '', path = '', methods] = /^([│ ]*[├└]── )(\S*)(?: \(([A-Z, ]+)\))?$/u.exec(line) ?? [];
		if (path === '') continue;
		const depth = indent.length / 4 - 1;
		parts.splice(depth, Infinity, path);
		for (const method of methods?.split(', ') ?? []) found.push(`${method} ${parts.join('')}`);
	}
	return found;
}

test('every route of the relay is described, and every operation described is a route', () => {
	/** Answered and not described: HEAD goes with each GET, the page is for people, and the last is a wrong method. */
	const hidden = (route: string) =>
		route.startsWith('HEAD ') ||
		['GET /docs', 'GET /docs/pages.css'].includes(route) ||
		/^(?!POST)\w+ \/in\/:token$/.test(route);
	const registered = registeredRoutes().filter((route) => !hidden(route));
	expect(registered.length).toBeGreaterThan(10);
	expect(operations.map(({ name }) => name).sort()).toEqual(
		registered.map((route) => route.replace(/:(\w+)/g, '{$1}')).sort(),
	);
});

test('each operation has a summary, an id of its own, a success, and the problems that any of its kind has', () => {
	const ids = operations.map(({ operation }) => operation.operationId);
	expect(new Set(ids).size).toBe(ids.length);
	for (const { name, operation } of operations) {
		const statuses = Object.keys(operation.responses);
		expect([name, operation.summary]).toEqual([name, expect.stringMatching(/^[A-Z].*[^.]$/)]);
		expect([name, statuses.some((status) => status.startsWith('2'))]).toEqual([name, true]);
		if (operation.security.length > 0)
			expect([name, statuses]).toEqual([name, expect.arrayContaining(['401', '403', '429', '503'])]);
		if (operation.requestBody && !name.startsWith('POST /in/'))
			expect([name, statuses]).toEqual([name, expect.arrayContaining(['400', '413', '415'])]);
	}
});

/** Every file and page of this server that a page links to. */
const linksOf = (page: string) => [...page.matchAll(/href="(\/[^"#]*)"/g)].map(([, href]) => href ?? '');

test('the page shows every operation, and has all that it needs', async () => {
	for (const path of ['/docs', '/docs/']) {
		const response = await fetch(relay.url + path);
		expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
		expect(response.headers.get('content-security-policy')).toContain("style-src 'self'");
		const page = await response.text();
		for (const { operation } of operations) expect(page).toContain(`<section id="${operation.operationId}">`);
		expect(linksOf(page)).toEqual(['/docs/pages.css', '/docs/openapi.json']);
		for (const link of linksOf(page)) expect((await fetch(relay.url + link)).status).toBe(200);
	}
	expect((await fetch(`${relay.url}/docs/reference/`)).status).toBe(404);
});

test('the reference API in the same process describes itself a link away', async () => {
	const both = await startTestRelay({ env: { RELAY_REFERENCE: 'on' } });
	try {
		expect(linksOf(await (await fetch(`${both.url}/docs`)).text())).toContain('/docs/reference/');
		const page = await (await fetch(`${both.url}/docs/reference/`)).text();
		expect(page).toContain('reference implementation');
		for (const link of linksOf(page)) expect((await fetch(both.url + link)).status).toBe(200);
		const inspector = await (await fetch(`${both.url}/reference`)).text();
		expect(linksOf(inspector)).toContain('/docs/reference/');
	} finally {
		await both.close();
	}
});
