import { z } from 'zod';
import type { Bodies } from '../bodies.ts';
import { RELAY_PREFIX } from '../contract/relay-api.ts';
import type { Store } from '../store/port.ts';
import { notFound, ProblemError } from './errors.ts';
import { IdParams } from './routes.ts';
import type { RelayRoutes } from './routes.ts';

const BYTES = 'application/octet-stream';
/** Which of the other bodies that came for the event; absent: its own. */
const BodyQuery = z.strictObject({
	sha256: z
		.string()
		.regex(/^[\da-f]{64}$/, 'must be the sha256 of one of variant_bodies')
		.optional(),
});

/** `GET /relay/v1/events/{id}/body`: what Cleanlist sent, byte for byte. */
export function eventBytesRoutes({ store, bodies }: { store: Store; bodies: Bodies }): RelayRoutes {
	async function variant(id: string, sha256: string) {
		if (!(await store.getEvent(id))) return null;
		const found = (await store.listVariants(id)).find(({ hash }) => hash.toString('hex') === sha256);
		if (found) return found;
		throw new ProblemError('variant_not_found', {
			detail: 'No other body that came for this event has this sha256.',
		});
	}

	return async (http) => {
		http.get(
			`${RELAY_PREFIX}/events/:id/body`,
			{
				config: { access: ['read'] },
				schema: {
					summary: 'The body of an event, or another one that came for it, byte for byte',
					params: IdParams,
					querystring: BodyQuery,
					produces: BYTES,
					response: { 200: z.instanceof(Buffer) },
					problems: ['event_not_found', 'variant_not_found'],
				},
			},
			async ({ params: { id }, query: { sha256 } }, reply) => {
				const stored = await (sha256 === undefined ? store.getBody(id) : variant(id, sha256));
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
