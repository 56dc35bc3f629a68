import { iso } from '../clock.ts';
import { RELAY_PREFIX, SourcesResponse } from '../contract/relay-api.ts';
import type { Store } from '../store/port.ts';
import type { RelayRoutes } from './routes.ts';

/** `GET /relay/v1/sources`: where webhooks come from, with the URLs to give to senders. */
export function sourceRoutes(options: {
	store: Store;
	ingestUrl: (sourceId: string) => string;
}): RelayRoutes {
	const { store, ingestUrl } = options;
	return async (http) => {
		http.get(
			`${RELAY_PREFIX}/sources`,
			{
				config: { access: ['subscribe', 'read'] },
				schema: { summary: 'The sources with their ingest URLs', response: { 200: SourcesResponse } },
			},
			async () => ({
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
