import type { FastifyInstance, FastifyPluginAsync, FastifyTypeProvider, RouteOptions } from 'fastify';
import { z } from 'zod';
import { StorableText } from '../contract/relay-api.ts';
import type { TokenScope } from '../store/port.ts';
import type { Authorize } from './auth.ts';
import { parse } from './errors.ts';
import type { ProblemCode } from './errors.ts';
import { MAX_REQUEST_BYTES } from './limits.ts';

/** Who may call a route: anybody, or a token with one of these scopes. `admin` has them all; none: `admin` alone. */
export type Access = 'public' | readonly Exclude<TokenScope, 'admin'>[];

declare module 'fastify' {
	interface FastifyContextConfig {
		access?: Access;
	}
	interface FastifySchema {
		/** What the route does, in a few words. */
		summary?: string;
		/** Problems of its own, beside those that every route of its kind has. */
		problems?: readonly ProblemCode[];
		/** Media type of the body that is read as it is, not as JSON. */
		consumes?: string;
		/** Media type of the answer; absent: JSON. */
		produces?: string;
		/** Left out of the description. */
		hide?: boolean;
	}
}

/** One route of the relay, as it was registered. */
export interface RouteEntry {
	method: string;
	/** In Fastify's syntax, as in `/relay/v1/events/:id`. */
	path: string;
	access: Access;
	schema: NonNullable<RouteOptions['schema']>;
}

/** Zod schemas in the place of JSON Schema: what validates a request also types its handler. */
export interface ZodTypes extends FastifyTypeProvider {
	validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown;
	serializer: this['schema'] extends z.ZodType ? z.input<this['schema']> : unknown;
}

/** Routes whose handlers are typed by their schemas. */
export type RelayRoutes = FastifyPluginAsync<Record<never, never>, FastifyInstance['server'], ZodTypes>;

/** What Fastify calls the parts of a request, in words. */
const PARTS: Record<string, string> = { body: 'body', querystring: 'query', params: 'path' };

/** Of every route that names one thing. */
export const IdParams = z.object({ id: StorableText });

/** The answer that has no body. */
export const NoContent = z.undefined();

/**
 * Registers routes of the relay, and keeps a table of them that the description and tests are made from.
 *
 * Authorization comes from the table: a route that does not say who may call it can't be registered, so none is
 * open by an oversight.
 */
export async function registerRoutes(
	http: FastifyInstance,
	options: { authorize: Authorize; table: RouteEntry[]; routes: readonly RelayRoutes[] },
): Promise<void> {
	const { authorize, table, routes } = options;
	await http.register(async (relay) => {
		relay.setValidatorCompiler<z.ZodType>(({ schema, httpPart }) => (value) => {
			try {
				// Fastify says null where there is no body.
				return { value: parse(schema, value ?? undefined, PARTS[httpPart ?? ''] ?? 'request') };
			} catch (error) {
				return { error: error as Error };
			}
		});
		// Answers are checked by tests, against the description; here that would cost every webhook.
		relay.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
		relay.addHook('onRoute', (route) => {
			const { method, url, config, schema = {} } = route;
			const access = config?.access;
			if (access === undefined) throw new Error(`${method.toString()} ${url} does not say who may call it.`);
			if (access !== 'public') route.onRequest = [authorize(access), ...[route.onRequest ?? []].flat()];
			route.bodyLimit ??= MAX_REQUEST_BYTES;
			// Before the validator, which can't tell it from no body.
			const { body: schemaOfBody } = schema;
			if (schemaOfBody !== undefined) {
				route.preValidation = async ({ body }) => {
					if (body === null) parse(schemaOfBody as z.ZodType, body, 'body');
				};
			}
			for (const one of [method].flat()) table.push({ method: one, path: url, access, schema });
		});
		for (const plugin of routes) await relay.withTypeProvider<ZodTypes>().register(plugin);
	});
}
