import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { IngestResponse } from '../contract/relay-api.ts';
import { sha256 } from '../crypto.ts';
import type { Admission, Place } from '../inbox/admission.ts';
import type { Inbox } from '../inbox/index.ts';
import type { Source, Store } from '../store/port.ts';
import { ProblemError, STORE_PROBLEMS } from './errors.ts';
import { readEventBody } from './event-body.ts';
import type { RelayRoutes } from './routes.ts';
import type { UnknownTokenLimiter } from './unknown-token-limiter.ts';

interface Sender {
	source: Source;
	contentType: string;
	place: Place;
}

/**
 * `POST /in/{token}`: the only public write. It is answered when the event is on disk and not before. Whatever
 * the body is, it is kept: the vendor tries for half a minute only, so a webhook refused for odd content is lost.
 */
export function ingestRoutes(options: {
	store: Store;
	inbox: Inbox;
	admission: Admission;
	limiter: UnknownTokenLimiter;
}): RelayRoutes {
	const { store, inbox, admission, limiter } = options;

	async function findSource(token: string, request: FastifyRequest): Promise<Source> {
		const source = await store.findSourceByTokenHash(sha256(token));
		if (source) return source;
		const waitS = limiter.count(request.ip);
		if (waitS !== null) {
			throw new ProblemError('too_many_requests', {
				detail: 'Too many webhooks with unknown ingest URLs came from this address.',
				retryAfterS: waitS,
			});
		}
		throw new ProblemError('unknown_ingest_token', { detail: 'No source has this ingest URL.' });
	}

	/** A place is held until the answer is out or the connection gone. */
	function enter(reply: FastifyReply): Place {
		const place = admission.enter();
		reply.raw.once('close', () => place.leave());
		return place;
	}

	return async (http) => {
		http.removeAllContentTypeParsers();
		http.addContentTypeParser('*', (request: FastifyRequest, payload: IncomingMessage) =>
			readEventBody(payload, request.getDecorator<Sender>('sender').place),
		);
		http.decorateRequest('sender', null);

		http.post(
			'/in/:token',
			{
				// The token in the path is what opens it.
				config: { access: 'public' },
				schema: {
					summary: 'Takes a webhook in; answered when it is on disk',
					params: z.object({ token: z.string() }),
					consumes: '*/*',
					response: { 200: IngestResponse },
					problems: ['unknown_ingest_token', 'too_large', 'too_many_requests', ...STORE_PROBLEMS],
				},
				// Before the body is read: a stranger's 4 MiB are not worth taking in.
				onRequest: async (request, reply) => {
					const sender: Sender = {
						source: await findSource(request.params.token, request),
						contentType: request.headers['content-type'] ?? 'application/octet-stream',
						place: enter(reply),
					};
					request.setDecorator('sender', sender);
					// Fastify refuses a content type it can't parse; here none is a reason to lose a result.
					request.raw.headers['content-type'] = 'application/octet-stream';
				},
			},
			async (request): Promise<IngestResponse> => {
				const { source, contentType } = request.getDecorator<Sender>('sender');
				const outcome = await inbox.receive(source, {
					body: (request.body as Buffer | undefined) ?? Buffer.alloc(0),
					contentType,
				});
				return { event_id: outcome.eventId, status: outcome.kind === 'duplicate' ? 'duplicate' : 'stored' };
			},
		);
	};
}

/** An ingest URL, asked for by any method that has no route. */
const INGEST_PATH = /^\/in\/[^/?]+\/?(?:\?|$)/;

/**
 * For a request that no route is for: any method but POST at an ingest URL. No routes, which Fastify has for eight methods only;
 * whether the token is right is not told here: opening the URL in a browser is no test of it.
 *
 * @throws ProblemError at such a URL
 */
export function refuseOtherMethod({ method, url }: { method: string; url: string }): void {
	if (!INGEST_PATH.test(url)) return;
	throw new ProblemError('method_not_allowed', {
		detail: `An ingest URL takes POST, not ${method}.`,
		headers: { allow: 'POST' },
	});
}
