import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { ApiKeysResponse, USAGE_DAYS, USAGE_GROUPS, UsageResponse } from '../../contract/workspace.ts';
import type { Database } from '../db/index.ts';
import { defineRoute, ok } from '../http.ts';
import { keyView } from '../key-view.ts';
import type { RequestLog } from '../request-log.ts';
import { validate } from '../validation.ts';
import { limitParam } from './query.ts';

/** Keys and groups one answer lists; neither operation has pages. */
const MAX_ROWS = 1_000;
const DAY_MS = 24 * 60 * 60 * 1000;

const UsageQuery = z.object({
	days: limitParam(USAGE_DAYS),
	group_by: z.enum(USAGE_GROUPS).default('tool'),
});

/** The keys of the whole organization and the use made of them (B.8, B.9), for administrators. Free. */
export function workspaceRoutes({
	db,
	clock,
	requestLog,
}: {
	db: Database;
	clock: Clock;
	requestLog: RequestLog;
}) {
	const administering = { errors: 'v2', plan: 'api', scope: 'admin:api_keys' } as const;

	return [
		defineRoute({
			...administering,
			method: 'GET',
			path: '/api-keys',
			about: { summary: 'The keys of the organization' },
			response: ApiKeysResponse,
			handle({ caller }) {
				requestLog.flush();
				const rows = db.keys.ofOrganization(caller.organizationId, MAX_ROWS);
				return ok({ keys: rows.map((row) => keyView(row, clock.now())) });
			},
		}),

		defineRoute({
			...administering,
			method: 'GET',
			path: '/usage',
			about: { summary: 'The use made of the API', query: UsageQuery },
			response: UsageResponse,
			handle({ caller, query }) {
				const { days, group_by } = validate(UsageQuery, query, 'query');
				requestLog.flush();
				const since = clock.now() - days * DAY_MS;
				const { calls, errors } = db.requestLog.totals(caller.organizationId, since);
				const rows = db.requestLog.grouped(group_by, caller.organizationId, since, MAX_ROWS);
				return ok({
					days,
					group_by,
					total_calls: calls,
					total_credits_spent: 0,
					total_errors: errors,
					rows: rows.map((row) => ({ ...row, credits_spent: 0 })),
				});
			},
		}),
	];
}
