import type { FastifyError, FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Ids } from '../../ids.ts';
import { readJsonBodies } from '../../json-bodies.ts';
import { ApiError, badRequest, internal, renderError, retryAfterHeader, tooLarge } from '../errors.ts';
import { CONTROL_PREFIX } from '../prefixes.ts';
import { admitSteering } from './guard.ts';
import type { SteeringAccess } from './guard.ts';

/** Seed documents are the largest thing that is sent here. */
const BODY_LIMIT = 8 * 1024 * 1024;
/** Most faults of a document that one answer lists. */
const MAX_PROBLEMS = 50;

/** What all of the control surface shares: who is let in, JSON in, errors of one form out. */
export function prepareSurface(
	app: FastifyInstance,
	{ access, ids, log }: { access: SteeringAccess; ids: Ids; log: Logger },
): void {
	app.addHook('onRoute', (route) => {
		route.bodyLimit ??= BODY_LIMIT;
	});
	app.addHook('onRequest', async (request) => admitSteering(request, access));
	readJsonBodies(app, {
		refusal: (reason) => badRequest(`The body is not JSON: ${reason}`, 'Send a JSON document in UTF-8.'),
	});
	app.setErrorHandler((error: FastifyError | ApiError, request, reply) => {
		const requestId = `req_${ids.uuid().replaceAll('-', '')}`;
		const apiError = toApiError(error, request.routeOptions.bodyLimit ?? BODY_LIMIT);
		if (apiError.fields.status >= 500) log.error({ err: error, request_id: requestId }, 'steering failed');
		return reply
			.code(apiError.fields.status)
			.headers(retryAfterHeader(apiError))
			.send(renderError(apiError, 'v2', requestId));
	});
	app.setNotFoundHandler((request) => {
		throw new ApiError({
			status: 404,
			code: 'not_found',
			problem: `There is no ${request.method} ${request.originalUrl.split('?', 1)[0]!.slice(0, 100)}.`,
			fix: 'docs/reference-api.md lists what steers the reference API, under "Steering".',
		});
	});
}

/** What is wrong with one place of a document, and what to do about it. */
export interface Problem {
	/** E.g. `users[2].scopes[0]`; empty for the whole. */
	path: string;
	problem: string;
	fix: string;
}

/** @throws ApiError 422 that names each place at fault and how to put it right */
export const refuse = (what: string, problems: Problem[]): never => {
	const [first, ...more] = problems.slice(0, MAX_PROBLEMS);
	const { path, problem, fix } = first as Problem;
	throw new ApiError({
		status: 422,
		code: 'invalid_request',
		problem: `${what}: ${path === '' ? '' : `${path}: `}${problem}${more.length > 0 ? ` (and ${more.length} more)` : ''}`,
		fix,
		details: { problems: problems.slice(0, MAX_PROBLEMS) },
	});
};

/** @throws ApiError 422 that names each place at fault and how to put it right */
export function check<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
	const result = schema.safeParse(value);
	return result.success ? result.data : refuse(what, problemsOf(result.error.issues, value));
}

export const problemsOf = (issues: readonly z.core.$ZodIssue[], root: unknown): Problem[] =>
	issues.flatMap((issue) => {
		const path = issue.path as (string | number)[];
		const input = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], root);
		const at = (problem: string, fix: string, deeper: (string | number)[] = []): Problem[] => [
			{ path: spell([...path, ...deeper]), problem, fix },
		];
		if (issue.code === 'unrecognized_keys') {
			return issue.keys.flatMap((key) =>
				at('there is no such field', 'Remove it, or correct its name.', [key]),
			);
		}
		if (input === undefined && issue.code !== 'custom') {
			return path.length === 0
				? at('there is none', 'Send it as a JSON object.')
				: at('it is missing', 'Add it.');
		}
		if (issue.code === 'invalid_value') {
			return at('not one of the values it can have', `Use one of: ${issue.values.map(String).join(', ')}.`);
		}
		if (issue.code === 'invalid_type') {
			return at(`not of the type it must be`, `Send ${article(issue.expected)}.`);
		}
		// The form that comes nearest says most: the one that complains of the fewest places.
		if (issue.code === 'invalid_union') {
			const nearest = [...issue.errors].sort((a, b) => a.length - b.length)[0] ?? [];
			if (nearest.length > 0) {
				return problemsOf(
					nearest.map((inner) => ({ ...inner, path: [...path, ...inner.path] })),
					root,
				);
			}
			return at('not in any form that is known here', 'docs/reference-api.md has the forms.');
		}
		return at(issue.message, 'Correct it.');
	});

const article = (type: string) => (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`);

const spell = (path: (string | number)[]): string =>
	path.reduce<string>(
		(text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
		'',
	);

/** @param shownBy the path below /reference that shows what there is of it */
export const noSuch = (what: string, name: string, shownBy: string) =>
	new ApiError({
		status: 404,
		code: 'not_found',
		problem: `There is no ${what} ${JSON.stringify(name)}.`,
		fix: `GET ${CONTROL_PREFIX}/${shownBy} shows those there are.`,
	});

function toApiError(error: FastifyError | ApiError, bodyLimit: number): ApiError {
	if (error instanceof ApiError) return error;
	if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return tooLarge(bodyLimit);
	if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
		return new ApiError({
			status: 415,
			code: 'unsupported_media_type',
			problem: 'The body is not sent as JSON.',
			fix: 'Send it with the header "Content-Type: application/json".',
		});
	}
	if (error.statusCode !== undefined && error.statusCode < 500) return badRequest(error.message);
	return internal();
}
