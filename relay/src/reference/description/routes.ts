import { readFileSync } from 'node:fs';
import type { FastifyPluginAsync } from 'fastify';
import { openApiOf } from './openapi.ts';
import type { Surface } from './openapi.ts';
import { pageOf } from './page.ts';

export const DOCS_PREFIX = '/docs';

const STYLE = new URL('../assets/pages.css', import.meta.url);
const POLICY =
	"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The description of the API: a page to read, and OpenAPI 3.1. Made once, for it never changes. */
export function docsRoutes(surfaces: readonly Surface[]): FastifyPluginAsync {
	const document = openApiOf(surfaces);
	const page = pageOf(document);
	return async (app) => {
		app.get('/', async (_request, reply) =>
			reply
				.type('text/html; charset=utf-8')
				.header('content-security-policy', POLICY)
				.header('x-content-type-options', 'nosniff')
				.header('referrer-policy', 'no-referrer')
				.send(page),
		);
		app.get('/openapi.json', async () => document);
		app.get('/pages.css', async (_request, reply) =>
			reply
				.type('text/css; charset=utf-8')
				.header('x-content-type-options', 'nosniff')
				.send(readFileSync(STYLE)),
		);
	};
}
