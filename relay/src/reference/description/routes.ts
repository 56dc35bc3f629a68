import type { FastifyPluginAsync } from 'fastify';
import { sendAsset, sendPage } from '../../pages/assets.ts';
import { openApiOf } from './openapi.ts';
import type { ReferenceApi, Surface } from './openapi.ts';
import { referencePage } from './page.ts';

/** Where the reference API describes itself when it runs alone. */
export const DOCS_PREFIX = '/docs';

/** The description of the API: a page to read, and OpenAPI 3.1. Each made when it is first asked for: they never change. */
export function docsRoutes(surfaces: readonly Surface[], prefix: string): FastifyPluginAsync {
	let made: ReferenceApi | null = null;
	let page: string | null = null;
	const document = () => (made ??= openApiOf(surfaces));
	return async (app) => {
		app.get('/', async (_request, reply) => sendPage(reply, (page ??= referencePage(document(), prefix))));
		app.get('/openapi.json', async () => document());
		app.get('/pages.css', async (_request, reply) => sendAsset(reply, 'pages.css'));
	};
}
