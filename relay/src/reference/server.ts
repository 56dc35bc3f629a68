import type { IncomingMessage } from 'node:http';
import { fastify } from 'fastify';
import type { FastifyInstance } from 'fastify';
import type { Ids } from '../ids.ts';
import type { SteeringAccess } from './control/guard.ts';
import { DOCS_PREFIX } from './description/routes.ts';
import { noSuchRoute, renderError } from './errors.ts';
import type { Reference } from './index.ts';
import { literalEscapes, MAX_PARAM_LENGTH } from './literal-escapes.ts';
import { CONTROL_PREFIX } from './prefixes.ts';

/** A server of the reference API and of nothing else; it listens on nothing yet. */
export async function createServer(options: {
	reference: Reference;
	/** Who may steer. */
	control: SteeringAccess | 'off';
	ids: Ids;
}): Promise<FastifyInstance> {
	const { reference, control, ids } = options;
	const app = fastify({
		forceCloseConnections: true,
		return503OnClosing: false,
		routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
		rewriteUrl: ({ url = '/' }: IncomingMessage) => literalEscapes(url),
	});
	await app.register(reference.routes);
	if (control !== 'off') await app.register(reference.controlRoutes(control));
	// Somebody who opens the address in a browser.
	app.get('/', async (_request, reply) => reply.redirect(control === 'off' ? DOCS_PREFIX : CONTROL_PREFIX));
	app.setNotFoundHandler((request, reply) => {
		const error = noSuchRoute(request.method, request.originalUrl.split('?', 1)[0]!);
		return reply.code(404).send(renderError(error, 'v2', `req_${ids.uuid().replaceAll('-', '')}`));
	});
	return app;
}
