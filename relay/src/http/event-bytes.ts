import { z } from 'zod';
import type { Bodies } from '../bodies.ts';
import { RELAY_PREFIX } from '../contract/relay-api.ts';
import type { Store } from '../store/port.ts';
import { notFound } from './errors.ts';
import { IdParams } from './routes.ts';
import type { RelayRoutes } from './routes.ts';

const BYTES = 'application/octet-stream';

/** `GET /relay/v1/events/{id}/body`: what Cleanlist sent, byte for byte. */
export function eventBytesRoutes({ store, bodies }: { store: Store; bodies: Bodies }): RelayRoutes {
	return async (http) => {
		http.get(
			`${RELAY_PREFIX}/events/:id/body`,
			{
				config: { access: ['read'] },
				schema: {
					summary: 'The body of an event, byte for byte',
					params: IdParams,
					produces: BYTES,
					response: { 200: z.instanceof(Buffer) },
					problems: ['event_not_found'],
				},
			},
			async ({ params: { id } }, reply) => {
				const stored = await store.getBody(id);
				if (!stored) return notFound('event', id);
				const { body, keyId, contentType } = stored;
				const name = `${id}.${/^application\/(?:\S+\+)?json\b/i.test(contentType) ? 'json' : 'bin'}`;
				// To be saved, and as bytes: whoever knows the ingest URL chose them, and their type, which could be a
				// page with a script in it.
				reply.type(BYTES).header('content-disposition', `attachment; filename="${name}"`);
				return reply.send(bodies.toRaw({ body, keyId }));
			},
		);
	};
}
