import { DetailError, V2Error } from '../../contract/errors.ts';
import { VERSION } from '../../version.ts';
import { operationOf } from '../control/operations.ts';
import type { Route } from '../http.ts';
import { UNSCOPED } from '../routes/unscoped.ts';
import { jsonSchemaOf } from '../../description/json-schema.ts';
import type { JsonSchema } from '../../description/json-schema.ts';
import { json, openApiPath, pathParameters, queryParameters } from '../../description/openapi.ts';
import type { OpenApi, Operation, Parameter, Response } from '../../description/openapi.ts';

/** Routes under one prefix. */
export interface Surface {
	prefix: string;
	routes: readonly Route[];
	/** What its callers show. */
	by: 'key' | 'session';
}

export interface ReferenceOperation extends Operation {
	/** By its name in the contract; null for what is none of the contract's. */
	'x-contract-operation': string | null;
	/** Null when any key will do. */
	'x-scope': string | null;
	/** Whether the plan must include the API. */
	'x-plan': 'api' | 'any';
}

export interface ReferenceApi extends OpenApi<ReferenceOperation> {
	/** Known to exist at Cleanlist, but published nowhere: 501 here. */
	'x-not-served': { operation: string; path: string; scope: string; status: 501 }[];
}

const DESCRIPTION =
	'The reference implementation of the Cleanlist API: the same operations, fields, bounds and errors, with ' +
	'results that are made up. Made from the schemas and routes it runs on.';

const SECURITY = {
	key: {
		name: 'HTTPBearer',
		scheme: { type: 'http', scheme: 'bearer', description: 'An API key, clapi_…' },
	},
	session: {
		name: 'Session',
		scheme: { type: 'http', scheme: 'bearer', description: 'A session token, sess_…' },
	},
};

const MEANINGS: Record<number, string> = {
	200: 'Done',
	201: 'Made',
	400: 'A bad request',
	401: 'No key, or none that is active',
	402: 'Not enough credits',
	403: 'The plan or the scopes do not allow it, or the list is protected',
	404: 'No such thing, or none that the caller can access',
	409: 'The quote was used already',
	413: 'More than is taken at once',
	422: 'A field is missing, unknown or out of bounds',
	429: 'Over the rate limit; Retry-After says for how long',
	500: 'A defect',
	503: 'Not just now; Retry-After says when',
};

/** The description of the API, from the very routes and schemas that serve it. */
export function openApiOf(surfaces: readonly Surface[]): ReferenceApi {
	const paths: ReferenceApi['paths'] = {};
	for (const surface of surfaces) {
		for (const route of surface.routes) {
			if (isUnserved(route)) continue;
			const path = openApiPath(surface.prefix + route.path).replace(/\/$/, '');
			paths[path] = { ...paths[path], [route.method.toString().toLowerCase()]: describe(surface, route) };
		}
	}
	return {
		openapi: '3.1.0',
		info: { title: 'Cleanlist API, reference implementation', version: VERSION, description: DESCRIPTION },
		servers: [{ url: '/' }],
		tags: surfaces.map(({ prefix }) => ({ name: prefix })),
		paths,
		components: {
			securitySchemes: Object.fromEntries(Object.values(SECURITY).map(({ name, scheme }) => [name, scheme])),
			schemas: { V2Error: jsonSchemaOf(V2Error), DetailError: jsonSchemaOf(DetailError) },
			responses: Object.fromEntries(
				(['v2', 'legacy'] as const).flatMap((format) =>
					Object.entries(MEANINGS)
						.filter(([status]) => Number(status) >= 400)
						.map(([status, meaning]) => [
							`${format}_${status}`,
							answer(meaning, { $ref: `#/components/schemas/${errorSchema(format, Number(status))}` }),
						]),
				),
			),
		},
		'x-not-served': UNSCOPED.map(({ operation, path, scope }) => ({ operation, path, scope, status: 501 })),
	};
}

const isUnserved = (route: Route): boolean => UNSCOPED.some(({ path }) => path === route.path);

function describe({ prefix, by }: Surface, route: Route): ReferenceOperation {
	const { about, method, path, scope, plan } = route;
	const name = operationOf(method.toString(), prefix + path);
	const parameters = [...pathParameters(path), ...queryParameters(about.query)];
	return {
		operationId: [name ?? `${about.summary.toLowerCase().replace(/\W+/g, '_')}`, idSuffix(prefix)]
			.filter(Boolean)
			.join('_'),
		summary: about.summary,
		tags: [prefix],
		security: [{ [SECURITY[by].name]: scope ? [scope] : [] }],
		parameters,
		...(about.body ? { requestBody: { required: true, content: json(jsonSchemaOf(about.body)) } } : {}),
		responses: {
			...Object.fromEntries(
				(about.success ?? [200]).map((status) => [
					status,
					answer(MEANINGS[status]!, jsonSchemaOf(route.response)),
				]),
			),
			...Object.fromEntries(
				errorStatuses(route, parameters).map((status) => [
					status,
					{ $ref: `#/components/responses/${route.errors}_${status}` },
				]),
			),
		},
		'x-contract-operation': name,
		'x-scope': scope,
		'x-plan': plan,
	};
}

/** Operation ids are unique, and those of v2 are the contract's names. */
const idSuffix = (prefix: string): string => (prefix === '/api/v1/public' ? 'v1' : '');

/** What every endpoint of a kind answers, and what this one does besides. */
function errorStatuses({ errors, plan, about }: Route, parameters: Parameter[]): number[] {
	const takesSomething = parameters.length > 0 || about.body !== undefined;
	return [
		...new Set([
			401,
			429,
			...(plan === 'api' ? [403] : []),
			...(takesSomething ? [400, 422] : []),
			...(errors === 'legacy' && plan === 'api' ? [402, 404, 500, 503] : []),
			...(about.errors ?? []),
		]),
	].sort((a, b) => a - b);
}

/** A 422 is FastAPI's in both formats. */
const errorSchema = (format: 'v2' | 'legacy', status: number): string =>
	format === 'legacy' || status === 422 ? 'DetailError' : 'V2Error';

const answer = (description: string, schema: JsonSchema): Response => ({
	description,
	content: json(schema),
});
