import { z } from 'zod';
import { iso } from '../../clock.ts';
import type { Clock } from '../../clock.ts';
import {
	AGENT_RUNS_LIMIT,
	RunSmartAgentRequest,
	RunSmartAgentResponse,
	SmartAgentResultsResponse,
	SmartAgentRunsResponse,
} from '../../contract/smart-agents.ts';
import { readableList } from '../access.ts';
import type { Database } from '../db/index.ts';
import type { AgentRun } from '../db/smart-agents.ts';
import { progressOf } from '../domain/steps.ts';
import { envelope } from '../envelope.ts';
import { notFound } from '../errors.ts';
import { defineRoute, ok } from '../http.ts';
import type { SmartAgents } from '../smart-agents.ts';
import { validate } from '../validation.ts';
import { limitParam } from './query.ts';

const RunsQuery = z.object({ list_id: z.string().nullish(), limit: limitParam(AGENT_RUNS_LIMIT) });

/** Beside the text itself, for whoever reads only this. */
const SYNTHETIC_MESSAGE =
	'This is the reference API: the text is synthetic, made from templates, and no model wrote it.';

/** Smart agents (B.24 to B.26), on both prefixes. */
export function smartAgentRoutes({ db, clock, agents }: { db: Database; clock: Clock; agents: SmartAgents }) {
	const reading = { errors: 'v2', plan: 'api', scope: 'smart_agents:read' } as const;

	return [
		defineRoute({
			method: 'POST',
			path: '/smart-agents/run',
			about: {
				summary: 'Lets an agent fill a column of a list',
				body: RunSmartAgentRequest,
				errors: [404, 409],
			},
			errors: 'v2',
			plan: 'api',
			scope: 'smart_agents:write',
			response: RunSmartAgentResponse,
			handle({ caller, body }) {
				const request = validate(RunSmartAgentRequest, body, 'body');
				const { taskId, columnName, cost } = agents.start(caller, request);
				return ok({
					...envelope(clock),
					message: SYNTHETIC_MESSAGE,
					smart_agent_task_id: taskId,
					smart_agent_task_ids: { [columnName]: taskId },
					status: 'pending' as const,
					list_id: request.list_id,
					column_name: columnName,
					estimated_cost: cost,
				});
			},
		}),

		defineRoute({
			...reading,
			method: 'GET',
			path: '/smart-agents',
			about: { summary: 'The latest runs of agents', query: RunsQuery, errors: [404] },
			response: SmartAgentRunsResponse,
			handle({ caller, query }) {
				const { list_id, limit } = validate(RunsQuery, query, 'query');
				const listId = list_id ? readableList(db, caller, list_id).listId : null;
				const runs = db.agents.latest(caller, listId, limit).map(summary);
				return ok({ ...envelope(clock), runs, total: runs.length });
			},
		}),

		defineRoute({
			...reading,
			method: 'GET',
			path: '/smart-agents/:smart_agent_task_id',
			about: { summary: 'What a run wrote', errors: [404] },
			response: SmartAgentResultsResponse,
			handle({ caller, params }) {
				const taskId = params.smart_agent_task_id!;
				const run = db.agents.get(caller, taskId);
				if (!run) throw notFound('smart agent run', taskId);
				return ok({
					...envelope(clock),
					message: SYNTHETIC_MESSAGE,
					smart_agent_task_id: run.taskId,
					status: run.status,
					progress: progressOf(run.processed, run.total),
					total: run.total,
					succeeded: run.succeeded,
					failed: run.processed - run.succeeded,
					results: db.agents
						.filledCells(run.taskId)
						.map(({ leadId, value, error }) => ({ lead_id: leadId, value, error })),
				});
			},
		}),
	];
}

const summary = (run: AgentRun) => ({
	task_id: run.taskId,
	list_id: run.listId,
	column_name: run.columnName,
	agent_type: run.agentType,
	status: run.status,
	total: run.total,
	processed: run.processed,
	failed: run.processed - run.succeeded,
	created_at: iso(run.createdAt),
});
