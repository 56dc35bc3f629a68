import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Problem } from '../contract/relay-api.ts';
import { scrub } from '../log.ts';
import { StoreError } from '../store/port.ts';
import type { StoreErrorCode } from '../store/port.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** Every error of the relay: its status, its title, and what to do when the occurrence does not say better. */
const CATALOGUE = {
	invalid_request: {
		status: 400,
		title: 'The request is not valid',
		fix: 'Correct the fields named under errors and send it again.',
	},
	unreadable_request: {
		status: 400,
		title: 'The request could not be read',
		fix: 'Send a JSON document with the header Content-Type: application/json.',
	},
	malformed_request: {
		status: 400,
		title: 'The request is not HTTP',
		fix: 'Send it by an HTTP/1.1 client, and look at what proxies in between make of it.',
	},
	unauthenticated: {
		status: 401,
		title: 'A relay token is needed',
		fix: 'Send the header Authorization: Bearer crt_…; the token is in the file keys/relay-token of the data folder.',
	},
	forbidden: {
		status: 403,
		title: 'The token may not do this',
		fix: 'Use a token with one of the scopes named, or one with the scope admin.',
	},
	not_found: {
		status: 404,
		title: 'There is no such thing here',
		fix: 'Check the path; GET /docs lists the endpoints.',
	},
	unknown_ingest_token: {
		status: 404,
		title: 'The ingest URL is not known',
		fix: 'Copy the current ingest URL of the source from GET /relay/v1/sources.',
	},
	subscription_not_found: {
		status: 404,
		title: 'There is no such subscription',
		fix: 'GET /relay/v1/subscriptions lists them; in n8n, switch the workflow off and on to make a new one.',
	},
	event_not_found: {
		status: 404,
		title: 'There is no such event',
		fix: 'GET /relay/v1/events lists them.',
	},
	variant_not_found: {
		status: 404,
		title: 'There is no such body',
		fix: 'GET /relay/v1/events/{id} lists them under variant_bodies.',
	},
	token_not_found: {
		status: 404,
		title: 'There is no such token',
		fix: 'GET /relay/v1/tokens lists them.',
	},
	delivery_not_found: {
		status: 404,
		title: 'There is no such delivery',
		fix: 'GET /relay/v1/deliveries lists them.',
	},
	method_not_allowed: {
		status: 405,
		title: 'The method is not allowed here',
		fix: 'Send the webhook as a POST; this URL is for Cleanlist to post results to, not for a browser.',
	},
	request_timeout: {
		status: 408,
		title: 'The request took too long to arrive',
		fix: 'Send it again over a connection that is fast enough.',
	},
	subscription_exists: {
		status: 409,
		title: 'A subscription with this URL exists',
		fix: 'Use it, or delete it first.',
	},
	token_from_key_file: {
		status: 409,
		title: 'The token comes from the key file',
		fix: 'Write another token into keys/relay-token of the data folder, or set another RELAY_TOKEN, and restart the relay (with PostgreSQL: set RELAY_TOKEN for each of them).',
	},
	token_ended: {
		status: 409,
		title: 'The token has ended',
		fix: 'Make a new one with POST /relay/v1/tokens, and delete this one.',
	},
	too_many_tokens: {
		status: 409,
		title: 'There are too many tokens',
		fix: 'Delete some that are not used any more; GET /relay/v1/tokens says when each last was.',
	},
	too_many_subscriptions: {
		status: 409,
		title: 'There are too many subscriptions',
		fix: 'Delete those that are not used any more: GET /relay/v1/subscriptions says which have ended and which fail.',
	},
	event_unreadable: {
		status: 409,
		title: 'The event can not be read',
		fix: 'It stays in quarantine; send it here again after an update of the relay that reads it.',
	},
	event_not_quarantined: {
		status: 409,
		title: 'The event is not in quarantine',
		fix: 'POST /relay/v1/deliveries/{id}/replay sends it again.',
	},
	event_superseded: {
		status: 409,
		title: 'Another event came for the same workflow',
		fix: 'Use that one; this one stays in quarantine.',
	},
	delivery_final: {
		status: 409,
		title: 'The delivery has ended',
		fix: 'POST …/replay makes a new delivery of the same event.',
	},
	subscription_ended: {
		status: 409,
		title: 'The subscription of this delivery is gone',
		fix: 'In n8n, switch the workflow off and on to make a new subscription; it gets the events from then on.',
	},
	too_large: {
		status: 413,
		title: 'The body is too large',
		fix: 'Send less at once.',
	},
	unsupported_media_type: {
		status: 415,
		title: 'The body is not of a type that is read here',
		fix: 'Send JSON with the header Content-Type: application/json.',
	},
	address_refused: {
		status: 422,
		title: 'Deliveries to this URL are not allowed',
		fix: "Use a public URL, or add the receiver's network, address or host name to RELAY_ALLOW and restart the relay.",
	},
	too_many_requests: {
		status: 429,
		title: 'Too many requests with unknown tokens',
		fix: 'Wait as long as Retry-After says, then use a token that is known.',
	},
	headers_too_large: {
		status: 431,
		title: 'The headers are too large',
		fix: 'Send fewer or shorter headers.',
	},
	internal: {
		status: 500,
		title: 'The relay failed',
		fix: "Look for the request's id in the relay's log, and report it as a bug.",
	},
	store_full: {
		status: 503,
		title: 'The disk is full',
		fix: "Free space on the disk of the relay's data folder; nothing acknowledged was lost.",
	},
	store_busy: {
		status: 503,
		title: 'The store is busy',
		fix: 'Send it again after the time Retry-After gives.',
	},
	store_failed: {
		status: 503,
		title: 'The store can not be written',
		fix: "Look at the relay's log for the cause and at the disk of its data folder.",
	},
	shutting_down: {
		status: 503,
		title: 'The relay is shutting down',
		fix: 'Send it again after the time Retry-After gives.',
	},
} as const satisfies Record<string, { status: number; title: string; fix: string }>;

export type ProblemCode = keyof typeof CATALOGUE;

export const statusOf = (code: ProblemCode): number => CATALOGUE[code].status;
export const titleOf = (code: ProblemCode): string => CATALOGUE[code].title;

interface Occurrence {
	/** What was wrong, in one sentence. */
	detail: string;
	/** What to do about it, where the catalogue's sentence can be bettered. */
	fix?: string;
	/** Per-field messages. */
	errors?: { path: string; message: string }[];
	/** Seconds after which the same request may pass. */
	retryAfterS?: number;
	/** More headers the status demands. */
	headers?: Record<string, string>;
	cause?: unknown;
}

/** An error with a place in the catalogue, answered as an RFC 9457 problem document. */
export class ProblemError extends Error {
	override readonly name = 'ProblemError';
	readonly code: ProblemCode;
	readonly occurrence: Occurrence;

	constructor(code: ProblemCode, occurrence: Occurrence) {
		super(occurrence.detail, { cause: occurrence.cause });
		this.code = code;
		this.occurrence = occurrence;
	}

	get status(): number {
		return statusOf(this.code);
	}

	toJSON(): Problem {
		const { status, title, fix } = CATALOGUE[this.code];
		const { detail, errors } = this.occurrence;
		return {
			type: `urn:cleanlist-relay:problem:${this.code}`,
			title,
			status,
			detail,
			code: this.code,
			fix: this.occurrence.fix ?? fix,
			...(errors && { errors }),
		};
	}
}

/** Nothing of the kind has this id. */
export function notFound(kind: 'event' | 'delivery' | 'subscription' | 'token', id: string): never {
	throw new ProblemError(`${kind}_not_found`, {
		detail: `No ${kind} has the id ${JSON.stringify(id.slice(0, 100))}.`,
	});
}

/**
 * Checks what came from outside against its schema.
 *
 * @param part what is being checked, for the sentence: "The body …"
 */
export function parse<S extends z.ZodType>(schema: S, value: unknown, part: string): z.output<S> {
	const result = schema.safeParse(value);
	if (result.success) return result.data;
	if (value === undefined) {
		throw new ProblemError('invalid_request', {
			detail: `The request has no ${part}.`,
			fix: 'Send a JSON object with the header Content-Type: application/json.',
		});
	}
	const errors = result.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message }));
	const first = errors[0];
	throw new ProblemError('invalid_request', {
		detail: `The ${part} is not valid${first ? `: ${first.path === '' ? '' : `${first.path}: `}${first.message}` : ''}.`,
		errors,
	});
}

/** Answers every error of the relay's own routes as a problem document. */
export function handleErrors(http: FastifyInstance): void {
	http.setErrorHandler((error, request, reply) => answer(toProblem(error, request), error, request, reply));
}

/** Answers the errors Fastify finds before there is a route, such as a path that can't be decoded. */
export function answerFrameworkError(
	error: FastifyError,
	request: FastifyRequest,
	reply: FastifyReply,
): void {
	// No hook has run for these.
	reply.headers(SECURITY_HEADERS);
	void answer(toProblem(error, request), error, request, reply);
}

function answer(problem: ProblemError, error: unknown, request: FastifyRequest, reply: FastifyReply) {
	if (problem.status >= 500) {
		request.log.error({ err: error, request_id: request.id, code: problem.code }, 'request failed');
	}
	// Fastify would hang up on a sender in the middle of too large a body, who would then see a broken connection
	// instead of this answer. What is left of the body is read and dropped.
	if (problem.code === 'too_large') reply.removeHeader('connection');
	const { retryAfterS, headers } = problem.occurrence;
	if (retryAfterS !== undefined) reply.header('retry-after', String(retryAfterS));
	if (headers) reply.headers(headers);
	return (
		reply
			.code(problem.status)
			.type('application/problem+json')
			// A sentence may quote what was sent, and that may be a secret in the wrong place.
			.send(Buffer.from(scrub(JSON.stringify(problem))))
	);
}

/** Of every route that asks the store for something. */
export const STORE_PROBLEMS = ['store_full', 'store_busy', 'store_failed'] as const satisfies ProblemCode[];

const OF_STORE: Record<StoreErrorCode, { code: ProblemCode; detail: string; retryAfterS: number }> = {
	full: { code: 'store_full', detail: 'The store is out of disk space.', retryAfterS: 30 },
	busy: { code: 'store_busy', detail: 'The store has more work than it can take in now.', retryAfterS: 2 },
	readonly: { code: 'store_failed', detail: 'The store is read-only.', retryAfterS: 30 },
	failed: { code: 'store_failed', detail: 'The store answered with an error.', retryAfterS: 30 },
	// A conflict has a meaning of its own wherever it can happen; here it is a defect.
	conflict: { code: 'internal', detail: 'The store reported a conflict nobody expected.', retryAfterS: 2 },
};

function toProblem(error: unknown, request: FastifyRequest): ProblemError {
	if (error instanceof ProblemError) return error;
	if (error instanceof StoreError) {
		const { code, detail, retryAfterS } = OF_STORE[error.code];
		return new ProblemError(code, { detail, retryAfterS });
	}
	// Nobody is left to read it, but it is no failure of the relay's, and not to be logged as one.
	if (error === request.raw.errored) {
		return new ProblemError('unreadable_request', { detail: 'The sender broke off in the middle of it.' });
	}
	const { code, statusCode } = error as Partial<FastifyError>;
	switch (code ?? '') {
		case 'FST_ERR_CTP_BODY_TOO_LARGE':
			return new ProblemError('too_large', {
				detail: `The body is larger than the ${request.routeOptions.bodyLimit} bytes this endpoint takes in.`,
			});
		case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
			return new ProblemError('unsupported_media_type', { detail: 'The Content-Type is not JSON.' });
		case 'FST_ERR_BAD_URL':
		case 'FST_ERR_MAX_PARAM_LENGTH':
			return new ProblemError('not_found', { detail: 'The path can not be one of the endpoints.' });
	}
	if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
		return new ProblemError('unreadable_request', {
			detail: 'The request could not be read to its end.',
			fix: 'Send the whole request again.',
		});
	}
	return new ProblemError('internal', { detail: 'An unexpected error happened.' });
}
