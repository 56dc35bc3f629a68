import Fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.ts';
import type { Sealer } from '../crypto.ts';
import type { AddressGuard } from '../delivery/address-guard.ts';
import type { Ids } from '../ids.ts';
import type { Inbox } from '../inbox/index.ts';
import type { Logger } from '../log.ts';
import type { Store } from '../store/port.ts';
import { createAuthorize } from './auth.ts';
import { answerFrameworkError, handleErrors } from './errors.ts';
import { eventRoutes } from './events.ts';
import { healthRoutes } from './health.ts';
import { ingestRoutes } from './ingest.ts';
import { readJsonBodies } from './json.ts';
import {
	CONNECTION_TIMEOUT_MS,
	HEADERS_TIMEOUT_MS,
	KEEP_ALIVE_TIMEOUT_MS,
	REQUEST_TIMEOUT_MS,
	UNKNOWN_TOKENS_PER_MINUTE,
} from './limits.ts';
import { registerRoutes } from './routes.ts';
import type { RouteEntry } from './routes.ts';
import { sourceRoutes } from './sources.ts';
import { subscriptionRoutes } from './subscriptions.ts';
import { createUnknownTokenLimiter } from './unknown-token-limiter.ts';

export interface HttpOptions {
	store: Store;
	inbox: Inbox;
	guard: AddressGuard;
	sealer: Sealer;
	clock: Clock;
	ids: Ids;
	log: Logger;
	/** Proxies whose X-Forwarded-For is believed. */
	trustProxy: string[];
	/** The URL that webhooks for a source are posted to. */
	ingestUrl: (sourceId: string) => string;
	/** True from the moment a shutdown begins. */
	isStopping: () => boolean;
	/** The reference API's routes, when it is enabled. */
	reference: FastifyPluginAsync | null;
}

export interface RelayHttp {
	http: FastifyInstance;
	/** The relay's own routes; the reference API's are not among them. */
	routes: readonly RouteEntry[];
}

/** Puts the relay's HTTP surface together; listens on nothing. */
export async function createHttp(options: HttpOptions): Promise<RelayHttp> {
	const { store, clock, ids, log } = options;
	const routes: RouteEntry[] = [];
	// Of this type, and not pino's, so that plugins of any logger fit.
	const loggerInstance: FastifyBaseLogger = log;
	const http = Fastify({
		loggerInstance,
		logController: new LogController({ disableRequestLogging: true }),
		genReqId: () => ids.uuid(),
		trustProxy: options.trustProxy.length > 0 ? options.trustProxy : false,
		http: { headersTimeout: HEADERS_TIMEOUT_MS },
		requestTimeout: REQUEST_TIMEOUT_MS,
		connectionTimeout: CONNECTION_TIMEOUT_MS,
		keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
		// A request that comes in over an open connection during a shutdown is still served: the store closes last.
		return503OnClosing: false,
		frameworkErrors: answerFrameworkError,
		clientErrorHandler: (error, socket) => refuseMalformed(log, error.code, socket),
	});

	http.addHook('onRequest', async (_request, reply) => {
		reply.headers({
			'x-content-type-options': 'nosniff',
			'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
			'referrer-policy': 'no-referrer',
			'cache-control': 'no-store',
		});
	});
	http.addHook('onSend', (_request, reply, _payload, done) => {
		// Else a connection whose last request was under way when the shutdown began would hold it up, idle.
		if (options.isStopping()) reply.header('connection', 'close');
		done();
	});
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
	handleErrors(http);
	readJsonBodies(http);

	const limiter = createUnknownTokenLimiter({ clock, perMinute: UNKNOWN_TOKENS_PER_MINUTE });
	await registerRoutes(http, {
		authorize: createAuthorize({ store, limiter }),
		table: routes,
		routes: [
			healthRoutes(options),
			ingestRoutes({ ...options, limiter }),
			sourceRoutes(options),
			subscriptionRoutes(options),
			eventRoutes(options),
		],
	});
	if (options.reference) await http.register(options.reference);
	return { http, routes };
}

/**
 * Answers what is not HTTP. Fastify's own handler would log the raw bytes, tokens included, as a list of numbers
 * that no scrubbing recognises.
 */
function refuseMalformed(log: Logger, code: string, socket: Socket): void {
	if (code === 'ECONNRESET' || socket.destroyed) return;
	log.debug({ code }, 'malformed request');
	const status =
		{
			ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
			HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
		}[code] ?? '400 Bad Request';
	if (socket.writable) socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
	socket.destroy();
}
