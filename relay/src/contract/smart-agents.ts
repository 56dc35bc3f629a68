import { z } from 'zod';
import { envelope, upTo } from './common.ts';
import { tolerant } from './tolerant.ts';

export const AGENT_TYPES = [
	'custom_ai',
	'cold_intro_email',
	'title_normalizer',
	'company_intel',
	'pain_point_hypothesis',
] as const;
export const AgentType = z.enum(AGENT_TYPES);
export type AgentType = z.infer<typeof AgentType>;

export const AGENT_ROWS = { default: 100, max: 10_000 } as const;
/** Above this many leads, `lead_scope: all` is refused with `approval_required` (B.24). */
export const AGENT_ALL_MAX_LEADS = 500;

/** Longest column name, in characters (B.24). */
export const COLUMN_NAME_MAX = 100;

/** 1 to 100 characters after trimming. */
export const ColumnName = upTo(
	COLUMN_NAME_MAX,
	z.string().trim().min(1, 'String should have at least 1 character'),
);

/** `POST /smart-agents/run` (B.24). */
export const RunSmartAgentRequest = z.strictObject({
	list_id: z.string(),
	agent_type: AgentType.default('custom_ai'),
	/** Needed for `custom_ai`; without it 400 `validation_error`. */
	prompt: z.string().nullish(),
	column_name: ColumnName,
	lead_scope: z.enum(['subset', 'all']).default('subset'),
	max_rows: z.int().min(1).max(AGENT_ROWS.max).default(AGENT_ROWS.default),
	quote_id: z.string(),
	overwrite: z.boolean().default(false),
});
export type RunSmartAgentRequest = z.input<typeof RunSmartAgentRequest>;

export const AgentStatus = z.enum(['pending', 'processing', 'completed', 'failed']);

export const RunSmartAgentResponse = z.strictObject({
	...envelope,
	smart_agent_task_id: z.string(),
	smart_agent_task_ids: z.record(z.string(), z.string()),
	status: AgentStatus,
	list_id: z.string(),
	column_name: z.string(),
	estimated_cost: z.int().min(0),
});
export const RunSmartAgentRead = tolerant(RunSmartAgentResponse);
export type RunSmartAgentRead = z.infer<typeof RunSmartAgentRead>;

export const AGENT_RUNS_LIMIT = { default: 20, max: 100 } as const;

/** `GET /smart-agents` (B.25): no cursor; `total` is the number of rows returned. */
export const SmartAgentRunsResponse = z.strictObject({
	...envelope,
	runs: z.array(
		z.strictObject({
			task_id: z.string(),
			list_id: z.string(),
			column_name: z.string(),
			agent_type: AgentType,
			status: AgentStatus,
			total: z.int().min(0).default(0),
			processed: z.int().min(0).default(0),
			failed: z.int().min(0).default(0),
			created_at: z.iso.datetime().nullish(),
		}),
	),
	total: z.int().min(0),
});
export const SmartAgentRunsRead = tolerant(SmartAgentRunsResponse);
export type SmartAgentRunsRead = z.infer<typeof SmartAgentRunsRead>;

/** `GET /smart-agents/{smart_agent_task_id}` (B.26). */
export const SmartAgentResultsResponse = z.strictObject({
	...envelope,
	smart_agent_task_id: z.string(),
	status: AgentStatus,
	/** Percent. */
	progress: z.int().min(0).max(100),
	total: z.int().min(0),
	succeeded: z.int().min(0),
	failed: z.int().min(0),
	results: z.array(
		z.strictObject({ lead_id: z.string(), value: z.unknown().optional(), error: z.string().nullish() }),
	),
});
export const SmartAgentResultsRead = tolerant(SmartAgentResultsResponse);
export type SmartAgentResultsRead = z.infer<typeof SmartAgentResultsRead>;
