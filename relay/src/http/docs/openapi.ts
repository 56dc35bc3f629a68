import { jsonSchemaOf } from '../../description/json-schema.ts';
import type { JsonSchema } from '../../description/json-schema.ts';
import { json, openApiPath, pathParameters, queryParameters } from '../../description/openapi.ts';
import type { Content, OpenApi, Operation, Response } from '../../description/openapi.ts';
import { Problem, RELAY_PREFIX } from '../../contract/relay-api.ts';
import { VERSION } from '../../version.ts';
import { statusOf, STORE_PROBLEMS, titleOf } from '../errors.ts';
import type { ProblemCode } from '../errors.ts';
import { IdParams } from '../routes.ts';
import type { Access, RouteEntry } from '../routes.ts';
import type { z } from 'zod';

const DESCRIPTION =
	'Takes webhooks in, keeps them, and delivers them until they are received. Every error is a problem document ' +
	'(RFC 9457) with a stable code; what is no valid HTTP is answered 400, 408 or 431 on any path. Made from the routes ' +
	'and schemas that it runs on.';

const TOKEN = 'Token';
const SUCCESS: Record<string, string> = { 200: 'Done', 201: 'Made', 204: 'Done; no body' };

/** The description of the relay's own API, from the very routes and schemas that serve it. */
export function relayApi(routes: readonly RouteEntry[]): OpenApi {
	const paths: OpenApi['paths'] = {};
	for (const route of routes.filter(isDescribed)) {
		const path = openApiPath(route.path);
		paths[path] = { ...paths[path], [route.method.toLowerCase()]: describe(route) };
	}
	return {
		openapi: '3.1.0',
		info: { title: 'Cleanlist relay', version: VERSION, description: DESCRIPTION },
		servers: [{ url: '/' }],
		tags: [...new Set(routes.filter(isDescribed).map(tagOf))].map((name) => ({ name })),
		paths,
		components: {
			securitySchemes: {
				[TOKEN]: {
					type: 'http',
					scheme: 'bearer',
					description: 'A management token, crt_…, with its scopes',
				},
			},
			schemas: { Problem: jsonSchemaOf(Problem) },
		},
	};
}

/** Fastify answers HEAD wherever it answers GET. */
const isDescribed = ({ method, schema }: RouteEntry): boolean => method !== 'HEAD' && schema.hide !== true;

function describe(route: RouteEntry): Operation {
	const { method, path, access, schema } = route;
	const querystring = schema.querystring as z.ZodType | undefined;
	return {
		operationId: `${method} ${path}`
			.toLowerCase()
			.match(/[a-z]+/g)!
			.join('_'),
		summary: schema.summary ?? '',
		tags: [tagOf(route)],
		security:
			access === 'public'
				? []
				: (access.length > 0 ? access : ['admin']).map((scope) => ({ [TOKEN]: [scope] })),
		parameters: [...pathParameters(path), ...queryParameters(querystring)],
		...requestBody(route),
		responses: { ...successes(route), ...problems(route) },
	};
}

/** Without what all management routes begin with. */
export const shortPath = (path: string): string => path.replace(new RegExp(`^${RELAY_PREFIX}(?=/)`), '');

const tagOf = ({ path }: RouteEntry): string => shortPath(path).split('/')[1]!;

function requestBody({ schema }: RouteEntry): Pick<Operation, 'requestBody'> {
	if (schema.consumes)
		return { requestBody: { required: false, content: { [schema.consumes]: { schema: {} } } } };
	if (!schema.body) return {};
	return { requestBody: { required: true, content: json(jsonSchemaOf(schema.body as z.ZodType)) } };
}

function successes({ schema }: RouteEntry): Record<string, Response> {
	const answers = Object.entries((schema.response ?? {}) as Record<string, z.ZodType>);
	return Object.fromEntries(
		answers.map(([status, answer]) => [
			status,
			{
				description: SUCCESS[status] ?? '',
				...(status !== '204' && { content: contentOf(schema.produces, jsonSchemaOf(answer, 'output')) }),
			},
		]),
	);
}

const contentOf = (produces: string | undefined, schema: JsonSchema): Content =>
	produces === undefined ? json(schema) : { [produces]: { schema } };

/** What every route of a kind may answer, and what this one may besides; by status, with the codes. */
function problems(route: RouteEntry): Record<string, Response> {
	const codes = [...new Set([...commonProblems(route), ...(route.schema.problems ?? [])])];
	const statuses = [...new Set(codes.map(statusOf))].sort();
	return Object.fromEntries(
		statuses.map((status) => [
			status,
			{
				description: codes
					.filter((code) => statusOf(code) === status)
					.map((code) => `${code}: ${titleOf(code)}`)
					.join('; '),
				content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
			},
		]),
	);
}

function commonProblems({ access, schema, method }: RouteEntry): ProblemCode[] {
	return [
		'internal',
		...forToken(access),
		...(schema.params === IdParams || schema.querystring || schema.body
			? (['invalid_request'] as const)
			: []),
		// A body that nobody asked for is read all the same, and may be none.
		...(method !== 'GET' && !schema.consumes
			? (['unreadable_request', 'too_large', 'unsupported_media_type'] as const)
			: []),
	];
}

/** The token is looked up in the store. */
const forToken = (access: Access): ProblemCode[] =>
	access === 'public' ? [] : ['unauthenticated', 'forbidden', 'too_many_requests', ...STORE_PROBLEMS];
