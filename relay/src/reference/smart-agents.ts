import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import { AGENT_ALL_MAX_LEADS } from '../contract/smart-agents.ts';
import type { RunSmartAgentRequest } from '../contract/smart-agents.ts';
import type { Ids } from '../ids.ts';
import { writableList } from './access.ts';
import type { Caller } from './auth.ts';
import type { CompletionControl } from './control/completion.ts';
import type { Tell } from './control/feed.ts';
import type { Settings } from './control/settings.ts';
import type { Database } from './db/index.ts';
import type { AgentRun, CellToFill } from './db/smart-agents.ts';
import { text } from './domain/contact.ts';
import { isLeadColumn } from './domain/export-columns.ts';
import { priceOf } from './domain/pricing.ts';
import { answer } from './domain/smart-agent.ts';
import type { AgentAnswer } from './domain/smart-agent.ts';
import { rowsPerStep, stepDueAt } from './domain/steps.ts';
import { createDueWork } from './due-work.ts';
import { approvalRequired, badRequest, emptyList } from './errors.ts';
import type { Ledger } from './ledger.ts';
import type { Quotes } from './quotes.ts';

type Request = z.output<typeof RunSmartAgentRequest>;

export interface SmartAgentOptions {
	db: Database;
	ledger: Ledger;
	quotes: Quotes;
	clock: Clock;
	ids: Ids;
	settings: Settings;
	completion: CompletionControl;
	/** Called when a run was started, so that what is due next can change. */
	onChange: () => void;
	tell: Tell;
}

/** Smart agents (B.24 to B.26): one fills a column of a list, lead by lead. */
export function createSmartAgents(options: SmartAgentOptions) {
	const { db, ledger, quotes, clock, ids, settings, completion, onChange, tell } = options;

	/** Fills some of the cells. @returns how many got a value */
	const fill = (run: AgentRun, from: number, to: number): number => {
		const { taskId, listId, columnName, agentType: type, prompt } = run;
		const { misses } = completion.fateOf(taskId);
		const contentOf = (cell: CellToFill): AgentAnswer => {
			if (!cell.isInList) return { value: null, error: 'The lead is no longer in the list.' };
			if (misses(cell.idx)) return { value: null, error: 'Nothing was found.' };
			return answer(settings.seed, { type, prompt }, cell);
		};
		let succeeded = 0;
		for (const cell of db.agents.cellsToFill(run, from, to)) {
			const { value, error } = contentOf(cell);
			db.agents.fillCell({ taskId, index: cell.idx, value, error });
			if (value === null) continue;
			db.agents.setValue({ listId, columnName, leadId: cell.leadId, value });
			succeeded++;
		}
		return succeeded;
	};

	/** Spends what the values cost, gives the rest back, and closes the run. */
	const end = (run: AgentRun, status: 'completed' | 'failed', succeeded: number, now: number): void => {
		ledger.settle(run.organizationId, run.taskId, costOf(run, succeeded));
		db.agents.finish({ taskId: run.taskId, status, completedAt: now });
		tell('workflow', { workflow_id: run.taskId, kind: 'smart_agent', status, succeeded });
	};

	/** The first step marks the run as begun; each further one fills some of its cells. */
	const step = (run: AgentRun, now: number): void => {
		if (!db.runs.listExists(run.listId)) return end(run, 'failed', run.succeeded, now);
		// An agent's run has no other way to end badly.
		if (completion.fateOf(run.taskId).outcome !== null && run.step > 0) return end(run, 'failed', 0, now);
		const from = run.processed;
		const to = run.step === 0 ? 0 : Math.min(run.total, from + rowsPerStep(run.total));
		const succeeded = fill(run, from, to);
		db.agents.advance({
			taskId: run.taskId,
			dueAt: stepDueAt(run, run.step + 2),
			processed: to - from,
			succeeded,
		});
		if (to === run.total) end(run, 'completed', run.succeeded + succeeded, now);
	};

	return {
		/**
		 * Starts an agent on the leads that have no value in its column yet, or on all with `overwrite`.
		 *
		 * @throws ApiError 404 for a list that the caller can't change; 400 without a prompt where one is needed, for
		 *   a column the list has anyway, for an empty list, `approval_required` for all of a long one,
		 *   `insufficient_credits`, or for the quote; 409 for a used one
		 */
		start(caller: Caller, request: Request): { taskId: string; columnName: string; cost: number } {
			const list = writableList(db, caller, request.list_id);
			const { listId } = list;
			const { agent_type: agentType, column_name: columnName } = request;
			const prompt = text(request.prompt);
			if (agentType === 'custom_ai' && prompt === null) {
				throw badRequest('The agent custom_ai needs a prompt.', 'Say in prompt what it shall write.');
			}
			// An export has to tell the two apart.
			if (isLeadColumn(columnName.toLowerCase())) {
				throw badRequest(
					`Every list has the column ${columnName} already.`,
					'Choose another column_name for what the agent writes.',
				);
			}
			const all = request.lead_scope === 'all';
			if (all && list.leadCount > AGENT_ALL_MAX_LEADS) {
				throw approvalRequired(list.leadCount, AGENT_ALL_MAX_LEADS);
			}
			if (list.leadCount === 0) throw emptyList(listId);

			const now = clock.now();
			const limit = all ? AGENT_ALL_MAX_LEADS : request.max_rows;
			const leadIds = db.agents.leadsToRun(listId, columnName, request.overwrite, limit);
			const cost = costOf({ agentType }, leadIds.length);
			const taskId = ids.uuid();
			const schedule = { total: leadIds.length, createdAt: now, durationMs: completion.durationMs };
			db.transaction(() => {
				quotes.redeem(caller, text(request.quote_id), {
					tool: 'run_smart_agent',
					agentType,
					listId,
					recomputedCost: cost,
				});
				ledger.reserve(caller.organizationId, cost, taskId);
				const { organizationId, userId } = caller;
				db.agents.insert(
					{
						taskId,
						organizationId,
						userId,
						listId,
						columnName,
						agentType,
						prompt,
						...schedule,
						dueAt: completion.begin(taskId, stepDueAt(schedule, 1)),
					},
					leadIds,
				);
			});
			tell('workflow', {
				workflow_id: taskId,
				kind: 'smart_agent',
				status: 'pending',
				total: leadIds.length,
			});
			onChange();
			return { taskId, columnName, cost };
		},

		...createDueWork({ db, clock, queue: db.agents, step }),
	};
}

export type SmartAgents = ReturnType<typeof createSmartAgents>;

const costOf = ({ agentType }: Pick<AgentRun, 'agentType'>, leads: number): number =>
	priceOf({ tool: 'run_smart_agent', agentType }, leads);
