import type { FastifyError, FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import { readJsonBodies } from '../json-bodies.ts';
import type { Caller, Gate, Requirement } from './auth.ts';
import {
	ApiError,
	badRequest,
	internal,
	invalid,
	noSuchRoute,
	renderError,
	retryAfterHeader,
	tooLarge,
	unavailable,
} from './errors.ts';
import type { ErrorFormat } from './errors.ts';
import type { RequestLog } from './request-log.ts';

/** One endpoint: what it asks of the caller, what it answers, and how. */
export interface Route<S extends z.ZodType = z.ZodType> extends Requirement {
	method: HTTPMethods;
	/** Below the prefix, in Fastify's syntax. */
	path: string;
	about: About;
	errors: ErrorFormat;
	/** Every answer is checked against this: one that does not fit is a bug, and a 500. */
	response: S;
	/** Largest request body in bytes; Fastify's 1 MiB when absent. */
	bodyLimit?: number;
	/** A promise for work in slices, between which others get their turn. */
	handle(call: Call): Answer<z.input<S>> | Promise<Answer<z.input<S>>>;
}

/** What the description of the API says of an endpoint, besides what can be read off the rest of its route. */
export interface About {
	/** In a few words. */
	summary: string;
	/** What the body is checked against. */
	body?: z.ZodType;
	/** What the query is checked against. */
	query?: z.ZodType;
	/** Statuses of success. Default: 200. */
	success?: readonly (200 | 201)[];
	/** Statuses of errors, beyond those that every endpoint of its kind has. */
	errors?: readonly number[];
}

export interface Call {
	caller: Caller;
	params: Record<string, string>;
	query: unknown;
	/** Parsed JSON, not validated yet; undefined when there was none. */
	body: unknown;
	/** Scheme and host as the client knows them, for the absolute URLs in answers. */
	baseUrl: string;
}

export interface Answer<T> {
	status: 200 | 201;
	body: T;
}

export const ok = <T>(body: T): Answer<T> => ({ status: 200, body });

/** Infers the type of the answer from `response`. */
export const defineRoute = <S extends z.ZodType>(route: Route<S>): Route => route;

declare module 'fastify' {
	interface FastifyRequest {
		/** Set once the caller is known, admitted or not. */
		referenceCaller: Caller | null;
		/** Set when the answer is an error. */
		referenceErrorCode: string | null;
		/** On the clock's monotonic scale. */
		referenceStartedAt: number;
		/** As it came in. */
		referenceRawBody: Buffer | null;
	}
	interface FastifyContextConfig {
		referenceErrors?: ErrorFormat;
	}
}

export interface MountOptions {
	/** The format of errors that belong to no route, such as an unknown path. */
	errors: ErrorFormat;
	routes: Route[];
	gate: Gate;
	clock: Clock;
	ids: Ids;
	log: Logger;
	/** Gets every request, whatever became of it. */
	requestLog: Pick<RequestLog, 'add'>;
	/** Hooks of whoever watches and disturbs requests; added before all others. */
	attach?: (app: FastifyInstance) => void;
}

/** Mounts routes with what they share: the gate, JSON parsing, checked answers and errors in their format. */
export function mount(app: FastifyInstance, options: MountOptions): void {
	const { errors, routes, gate, clock, ids, log, requestLog } = options;
	app.decorateRequest('referenceCaller', null);
	app.decorateRequest('referenceErrorCode', null);
	app.decorateRequest('referenceStartedAt', 0);
	app.decorateRequest('referenceRawBody', null);

	app.addHook('onRequest', async (request) => {
		request.referenceStartedAt = clock.monotonic();
	});
	options.attach?.(app);
	// Before the answer leaves: a client that reads the usage report next finds this request in it.
	app.addHook('onSend', async (request, reply) => {
		requestLog.add({
			at: clock.now(),
			organizationId: request.referenceCaller?.organizationId ?? null,
			keyId: request.referenceCaller?.keyId ?? null,
			method: request.method,
			tool: toolOf(request),
			status: reply.statusCode,
			errorCode: request.referenceErrorCode,
			durationMs: clock.monotonic() - request.referenceStartedAt,
		});
	});

	readJsonBodies(app, {
		onBody(request, body) {
			request.referenceRawBody = body;
		},
		// Worded as FastAPI does.
		refusal: (reason) =>
			invalid([{ type: 'json_invalid', loc: ['body'], msg: `JSON decode error: ${reason}` }]),
	});

	app.setErrorHandler((error: FastifyError | ApiError, request, reply) => {
		const requestId = `req_${ids.uuid().replaceAll('-', '')}`;
		const apiError = toApiError(error, request);
		const { status, code } = apiError.fields;
		request.referenceErrorCode = code;
		if (status >= 500) log.error({ err: error, request_id: requestId }, 'reference request failed');
		if (status === 401) void reply.header('www-authenticate', 'Bearer');
		const format = request.routeOptions.config.referenceErrors ?? errors;
		return reply
			.code(status)
			.headers(retryAfterHeader(apiError))
			.send(renderError(apiError, format, requestId));
	});

	app.setNotFoundHandler((request) => {
		throw noSuchRoute(request.method, request.originalUrl.split('?', 1)[0] ?? request.originalUrl);
	});

	for (const route of routes) {
		app.route({
			method: route.method,
			url: route.path,
			config: { referenceErrors: route.errors },
			...(route.bodyLimit === undefined ? {} : { bodyLimit: route.bodyLimit }),
			// Before the body is read: who may not send one need not be listened to.
			onRequest: async (request) => {
				request.referenceCaller = gate.identify(request.headers.authorization);
				gate.admit(request.referenceCaller, route);
			},
			handler: async (request, reply) => {
				const answer = await route.handle({
					caller: request.referenceCaller as Caller,
					params: request.params as Record<string, string>,
					query: request.query,
					body: request.body,
					baseUrl: `${request.protocol}://${request.host}`,
				});
				return reply.code(answer.status).send(route.response.parse(answer.body));
			},
		});
	}
}

/** The path as the vendor's usage report names it, with its parameters by name; one name for all unknown paths. */
const toolOf = (request: FastifyRequest): string =>
	request.routeOptions.url?.replace(/:(\w+)/g, '{$1}') ?? 'unknown';

/** SQLite's primary result codes for a database that can't be written just now: busy, locked, I/O, full. */
const SQLITE_UNAVAILABLE = new Set([5, 6, 10, 13]);

function toApiError(error: FastifyError | ApiError, request: FastifyRequest): ApiError {
	if (error instanceof ApiError) return error;
	if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return tooLarge(request.routeOptions.bodyLimit ?? 0);
	if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
		const msg = 'Send the body as JSON, with the header "Content-Type: application/json"';
		return invalid([{ type: 'content_type', loc: ['header', 'content-type'], msg }]);
	}
	const { errcode } = error as { errcode?: number };
	if (errcode !== undefined && SQLITE_UNAVAILABLE.has(errcode & 0xff)) return unavailable();
	// Fastify's own refusals, such as a malformed Content-Length.
	if (error.statusCode !== undefined && error.statusCode < 500) return badRequest(error.message);
	return internal();
}
