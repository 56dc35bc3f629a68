import { z } from 'zod';
import type { Metrics } from '../metrics.ts';
import type { RelayRoutes } from './routes.ts';

/** `/metrics`, for Prometheus. What it tells is no secret, but nobody's business: it needs a token unless told otherwise. */
export function metricsRoutes(options: { metrics: Metrics; open: boolean }): RelayRoutes {
	const { metrics, open } = options;
	return async (http) => {
		http.get(
			'/metrics',
			{
				config: { access: open ? 'public' : ['read'] },
				schema: {
					summary: "Metrics in Prometheus' text format",
					produces: 'text/plain',
					response: { 200: z.string() },
				},
			},
			async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
		);
	};
}
