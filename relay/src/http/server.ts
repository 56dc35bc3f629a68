import Fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Bodies } from '../bodies.ts';
import type { Clock } from '../clock.ts';
import type { AddressGuard } from '../delivery/address-guard.ts';
import type { Ids } from '../ids.ts';
import type { Admission } from '../inbox/admission.ts';
import type { Inbox } from '../inbox/index.ts';
import { readJsonBodies } from '../json-bodies.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { MAX_PARAM_LENGTH, literalEscapes } from '../reference/literal-escapes.ts';
import type { Sealer } from '../sealing.ts';
import type { Store } from '../store/port.ts';
import { createAuthorize } from './auth.ts';
import { deliveryRoutes } from './deliveries.ts';
import { docsRoutes } from './docs/routes.ts';
import { answerFrameworkError, handleErrors, ProblemError } from './errors.ts';
import { eventBytesRoutes } from './event-bytes.ts';
import { eventRoutes } from './events.ts';
import { healthRoutes } from './health.ts';
import { ingestRoutes, refuseOtherMethod } from './ingest.ts';
import { closeWhenStopping, limitConnections } from './connections.ts';
import { addLateRoutes } from './late-routes.ts';
import type { LateRoutes } from './late-routes.ts';
import type { Limits } from './limits.ts';
import { acceptExpectations, faultOf, refuseMalformed } from './malformed.ts';
import { metricsRoutes } from './metrics.ts';
import { registerRoutes } from './routes.ts';
import type { RouteEntry } from './routes.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import { sourceRoutes } from './sources.ts';
import { statsRoutes } from './stats.ts';
import { subscriptionRoutes } from './subscriptions.ts';
import { createTokenUses } from './token-uses.ts';
import { tokenRoutes } from './tokens.ts';
import { createUnknownTokenLimiter } from './unknown-token-limiter.ts';

export interface HttpOptions {
	store: Store;
	inbox: Inbox;
	admission: Admission;
	guard: AddressGuard;
	sealer: Sealer;
	bodies: Bodies;
	clock: Clock;
	ids: Ids;
	log: Logger;
	metrics: Metrics;
	/** Whether they need no token. */
	openMetrics: boolean;
	/** Proxies whose X-Forwarded-For is believed. */
	trustProxy: string[];
	limits: Limits;
	/** The URL that webhooks for a source are posted to. */
	ingestUrl: (sourceId: string) => string;
	/** Something may have become due: a delivery made again, a limit raised. */
	onDue: () => void;
	/** A subscription was deleted: what is left pending of it is to be cancelled. */
	onStopped: () => void;
	/** True from the moment a shutdown begins. */
	isStopping: () => boolean;
	/** The reference API's routes, when it is enabled. */
	reference: LateRoutes | null;
}

export interface RelayHttp {
	http: FastifyInstance;
	/** The relay's own routes; the reference API's are not among them. */
	routes: readonly RouteEntry[];
}

/** The reference API's own answers, and not the relay's, to its paths that Fastify would not route. */
const rewriteReferenceUrl = ({ url = '/' }: IncomingMessage) =>
	/^\/(api|reference)\//.test(url) ? literalEscapes(url) : url;

/**
 * In the place of the compilers that Fastify would load, Ajv and fast-json-stringify, 240 files, for an idle relay to hold
 * in 3 MiB: the relay's routes bring their own (routes.ts).
 */
const noCompiler = () => () => {
	throw new Error('Only routes registered by registerRoutes may have schemas.');
};

/** Puts the relay's HTTP surface together; listens on nothing. */
export async function createHttp(options: HttpOptions): Promise<RelayHttp> {
	const { store, clock, ids, log, limits, isStopping } = options;
	const trustProxy = options.trustProxy.length > 0 ? options.trustProxy : false;
	const routes: RouteEntry[] = [];
	// Of this type, and not pino's, so that plugins of any logger fit.
	const loggerInstance: FastifyBaseLogger = log;
	const http = Fastify({
		loggerInstance,
		logController: new LogController({ disableRequestLogging: true }),
		genReqId: () => ids.uuid(),
		trustProxy,
		http: {
			headersTimeout: limits.headersMs,
			connectionsCheckingInterval: limits.checkMs,
			maxHeaderSize: limits.headerBytes,
			// Node would answer by itself, and without our headers.
			requireHostHeader: false,
		},
		requestTimeout: limits.requestMs,
		connectionTimeout: limits.silenceMs,
		keepAliveTimeout: limits.idleMs,
		maxRequestsPerSocket: limits.requestsPerConnection,
		// A request that comes in over an open connection during a shutdown is still served: the store closes last.
		return503OnClosing: false,
		frameworkErrors: answerFrameworkError,
		schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
		routerOptions: {
			// Pasted with a slash behind it, an ingest URL is the same one: refused, the webhook would be lost.
			ignoreTrailingSlash: true,
			...(options.reference && { maxParamLength: MAX_PARAM_LENGTH }),
		},
		...(options.reference && { rewriteUrl: rewriteReferenceUrl }),
		clientErrorHandler: (error, socket) => refuseMalformed(log, error.code, socket),
	});

	limitConnections({
		server: http.server,
		max: limits.connections,
		clock,
		log,
		onRefused: () => options.metrics.connectionRefused(),
	});
	acceptExpectations(http.server);

	http.addHook('onRequest', async (request, reply) => {
		reply.headers(SECURITY_HEADERS);
		const detail = faultOf(request.raw);
		if (detail === null) return;
		throw new ProblemError('malformed_request', { detail, headers: { connection: 'close' } });
	});
	closeWhenStopping(http, isStopping);
	http.addHook('onResponse', async (request, reply) => {
		request.log.debug(
			{
				request_id: request.id,
				method: request.method,
				url: request.url,
				status: reply.statusCode,
				ms: Math.round(reply.elapsedTime),
			},
			'request',
		);
	});
	if (options.reference) addLateRoutes(http, { late: options.reference, trustProxy, isStopping });
	// A hook and no handler of what is not found: before that Fastify would refuse a QUERY for its Content-Type, or the lack of one.
	http.addHook('onRequest', async (request) => {
		if (!request.is404) return;
		refuseOtherMethod(request);
		throw new ProblemError('not_found', { detail: `There is no ${request.method} endpoint at this path.` });
	});
	handleErrors(http);
	readJsonBodies(http, {
		refusal: (_reason, cause) =>
			new ProblemError('unreadable_request', { detail: 'The body is not JSON in UTF-8.', cause }),
	});

	const limiter = createUnknownTokenLimiter({ clock, perMinute: limits.unknownTokensPerMinute });
	await registerRoutes(http, {
		authorize: createAuthorize({ store, limiter, clock, onUse: createTokenUses({ store, clock, log }) }),
		table: routes,
		routes: [
			healthRoutes(options),
			ingestRoutes({ ...options, limiter }),
			sourceRoutes(options),
			subscriptionRoutes(options),
			eventRoutes(options),
			tokenRoutes(options),
			statsRoutes(options),
			metricsRoutes({ metrics: options.metrics, open: options.openMetrics }),
			eventBytesRoutes(options),
			deliveryRoutes(options),
			docsRoutes({ routes, hasReference: options.reference !== null }),
		],
	});
	return { http, routes };
}
