import { z } from 'zod';
import { pageOf } from '../../description/page.ts';
import type { OpenApi, Operation } from '../../description/openapi.ts';
import { html } from '../../pages/html.ts';
import { sendAsset, sendPage } from '../../pages/assets.ts';
import type { RelayRoutes, RouteEntry } from '../routes.ts';
import { relayApi, shortPath } from './openapi.ts';

const PREFIX = '/docs';
/** Where the reference API describes itself when it runs in the same process. */
export const REFERENCE_DOCS_PREFIX = `${PREFIX}/reference`;

/** The description of the relay's API: a page to read, and OpenAPI 3.1. Made once, when first asked for. */
export function docsRoutes(options: { routes: readonly RouteEntry[]; hasReference: boolean }): RelayRoutes {
	let made: { document: OpenApi; page: string } | null = null;
	// Not before: the routes are known once all of them are registered.
	const description = () => (made ??= describe(options));

	return async (http) => {
		const page = { config: { access: 'public' }, schema: { hide: true } } as const;
		http.get(PREFIX, page, async (_request, reply) => sendPage(reply, description().page));
		http.get(`${PREFIX}/pages.css`, page, async (_request, reply) => sendAsset(reply, 'pages.css'));
		http.get(
			`${PREFIX}/openapi.json`,
			{
				config: { access: 'public' },
				schema: {
					summary: 'This description',
					response: { 200: z.looseObject({ openapi: z.string() }) },
				},
			},
			async () => ({ ...description().document }),
		);
	};
}

function describe({ routes, hasReference }: { routes: readonly RouteEntry[]; hasReference: boolean }) {
	const document = relayApi(routes);
	const entries = Object.entries(document.paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, operation]) => ({
			id: operation.operationId,
			method,
			paths: [path],
			short: shortPath(path),
			operation,
		})),
	);
	const links = hasReference
		? html` · <a href="${REFERENCE_DOCS_PREFIX}/">The reference API in the same process</a>`
		: html``;
	return { document, page: pageOf({ document, entries, prefix: PREFIX, access, links }) };
}

function access({ security }: Operation): string {
	if (security.length === 0) return 'No token.';
	const scopes = security.flatMap((alternative) => Object.values(alternative).flat());
	return `A token with the scope ${scopes.join(' or ')}${scopes.includes('admin') ? '' : '; admin has them all'}.`;
}
