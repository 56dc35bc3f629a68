import type { FastifyPluginAsync } from 'fastify';
import { iso } from '../clock.ts';
import { RELAY_PREFIX } from '../contract/relay-api.ts';
import type { SourcesResponse } from '../contract/relay-api.ts';
import type { Store } from '../store/port.ts';
import type { Authorize } from './auth.ts';

/** `GET /relay/v1/sources`: where webhooks come from, with the URLs to give to senders. */
export function sourceRoutes(options: {
	store: Store;
	authorize: Authorize;
	ingestUrl: (sourceId: string) => string;
}): FastifyPluginAsync {
	const { store, authorize, ingestUrl } = options;
	return async (http) => {
		http.get(
			`${RELAY_PREFIX}/sources`,
			{ onRequest: authorize('subscribe', 'read') },
			async (): Promise<SourcesResponse> => ({
				sources: (await store.listSources()).map(({ id, name, createdAt }) => ({
					id,
					name,
					ingest_url: ingestUrl(id),
					created_at: iso(createdAt),
				})),
			}),
		);
	};
}
