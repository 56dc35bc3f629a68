import Fastify from 'fastify';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { closeWhenStopping } from './connections.ts';
import { openedOnce } from '../opened-once.ts';
import { MAX_PARAM_LENGTH } from '../reference/literal-escapes.ts';

/** Routes that come into being with the first request for one of them. */
export interface LateRoutes {
	/** All that is at these paths and below them is theirs. */
	prefixes: readonly string[];
	/** Makes them. After it failed, the next request asks again. */
	open(): Promise<FastifyPluginAsync>;
}

/**
 * Hands what is sent below the prefixes over to a second Fastify, which the first of these requests makes: one that listens
 * takes no more routes. The hooks that the first has by now run before, and its headers go along.
 *
 * @param options.isStopping true from the moment a shutdown begins
 */
export function addLateRoutes(
	http: FastifyInstance,
	options: { late: LateRoutes; trustProxy: string[] | false; isStopping: () => boolean },
): void {
	const { late, trustProxy, isStopping } = options;

	async function open(): Promise<FastifyInstance> {
		const routes = await late.open();
		const app = Fastify({
			trustProxy,
			return503OnClosing: false,
			routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
		});
		closeWhenStopping(app, isStopping);
		await app.register(routes);
		await app.ready();
		return app;
	}

	const opened = openedOnce(open);

	// A hook and no routes: those would be, for every method there is, half a megabyte.
	const isBelow = new RegExp(`^(?:${late.prefixes.join('|')})(?:[/?]|$)`);
	http.addHook('onRequest', async (request, reply) => {
		if (!isBelow.test(request.url)) return;
		const app = await opened.get();
		for (const [name, value] of Object.entries(reply.getHeaders())) reply.raw.setHeader(name, value!);
		reply.hijack();
		app.routing(request.raw, reply.raw);
	});
	http.addHook('preClose', async () => (await opened.current())?.close());
}
