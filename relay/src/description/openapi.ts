import type { z } from 'zod';
import { jsonSchemaOf } from './json-schema.ts';
import type { JsonSchema } from './json-schema.ts';

/** The parts of an OpenAPI 3.1 document that describe any API of this process. */

export interface Parameter {
	name: string;
	in: 'path' | 'query';
	required: boolean;
	schema: JsonSchema;
}

/** By media type. */
export type Content = Record<string, { schema: JsonSchema }>;

export type Response = { description: string; content?: Content } | { $ref: string };

export interface Operation {
	operationId: string;
	summary: string;
	tags: string[];
	/** Alternatives, each with the roles or scopes it takes; none: open to all. */
	security: Record<string, string[]>[];
	parameters: Parameter[];
	requestBody?: { required: boolean; content: Content };
	/** By status. */
	responses: Record<string, Response>;
}

export interface OpenApi<O extends Operation = Operation> {
	openapi: '3.1.0';
	info: { title: string; version: string; description: string };
	servers: { url: string }[];
	tags: { name: string }[];
	/** By path and method. */
	paths: Record<string, Record<string, O>>;
	components: {
		securitySchemes: Record<string, object>;
		schemas: Record<string, JsonSchema>;
		responses?: Record<string, Response>;
	};
}

/** A path in Fastify's syntax as OpenAPI has it. */
export const openApiPath = (path: string): string => path.replace(/:(\w+)/g, '{$1}');

export const json = (schema: JsonSchema): Content => ({ 'application/json': { schema } });

export const pathParameters = (path: string): Parameter[] =>
	[...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
		name: name!,
		in: 'path',
		required: true,
		schema: { type: 'string' },
	}));

/** One parameter for each key of the schema, typed as what its text is read as. */
export function queryParameters(query: z.ZodType | undefined): Parameter[] {
	if (!query) return [];
	const required = jsonSchemaOf(query, 'input').required ?? [];
	return Object.entries(jsonSchemaOf(query, 'output').properties ?? {}).map(([name, schema]) => ({
		name,
		in: 'query',
		required: required.includes(name),
		schema,
	}));
}
