import { z } from 'zod';
import type { Scope } from '../../contract/common.ts';
import { notImplemented } from '../errors.ts';
import { defineRoute } from '../http.ts';

/** An operation that Cleanlist has, but whose requests and answers are published nowhere. */
export interface UnscopedOperation {
	operation: string;
	/** Below either prefix, in Fastify's syntax. */
	path: string;
	/** Whether the vendor's documents name this very path, or only the operation; then the path is a guess. */
	source: 'path' | 'operation';
	scope: Scope;
}

/** All of them; each is answered 501, whatever the method. */
export const UNSCOPED: readonly UnscopedOperation[] = [
	{ operation: 'people search', path: '/search/people', source: 'path', scope: 'people:read' },
	{
		operation: 'people search filters',
		path: '/search/people/filters',
		source: 'operation',
		scope: 'people:read',
	},
	{ operation: 'company search', path: '/search/companies', source: 'operation', scope: 'companies:read' },
	{
		operation: 'company search filters',
		path: '/search/companies/filters',
		source: 'operation',
		scope: 'companies:read',
	},
	{
		operation: 'similar companies',
		path: '/search/companies/similar',
		source: 'operation',
		scope: 'companies:read',
	},
	{ operation: 'sync to a CRM', path: '/sync/crm', source: 'operation', scope: 'sync:write' },
	{ operation: 'sync to a sequencer', path: '/sync/sequencer', source: 'operation', scope: 'sync:write' },
	{ operation: 'folders', path: '/folders', source: 'path', scope: 'lists:read' },
];

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

export const unscopedRoutes = () =>
	UNSCOPED.flatMap(({ operation, path, scope }) =>
		METHODS.map((method) =>
			defineRoute({
				method,
				path,
				about: { summary: `Not served: ${operation}`, errors: [501] },
				errors: 'v2',
				plan: 'api',
				scope,
				response: z.never(),
				handle() {
					throw notImplemented(operation);
				},
			}),
		),
	);
