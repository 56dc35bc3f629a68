import type { FastifyPluginAsync } from 'fastify';
import { sendAsset, sendPage } from '../../pages/assets.ts';
import { openApiOf } from './openapi.ts';
import type { Surface } from './openapi.ts';
import { referencePage } from './page.ts';

/** Where the reference API describes itself when it runs alone. */
export const DOCS_PREFIX = '/docs';

/** The description of the API: a page to read, and OpenAPI 3.1. Made once, for it never changes. */
export function docsRoutes(surfaces: readonly Surface[], prefix: string): FastifyPluginAsync {
	const document = openApiOf(surfaces);
	const page = referencePage(document, prefix);
	return async (app) => {
		app.get('/', async (_request, reply) => sendPage(reply, page));
		app.get('/openapi.json', async () => document);
		app.get('/pages.css', async (_request, reply) => sendAsset(reply, 'pages.css'));
	};
}
