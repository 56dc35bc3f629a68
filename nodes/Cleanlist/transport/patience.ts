import type { IExecuteFunctions } from 'n8n-workflow';
import { isTool } from '../helpers/tool';
import { now } from './clock';

/** An agent, and whoever talks to it, waits for its tool. */
export const TOOL_WAIT_MS = 60_000;

const deadlines = new WeakMap<object, number>();

/**
 * When a run must be done with waiting (milliseconds since the epoch): as a tool of an AI agent a minute after this was
 * first asked, whatever it waits for; otherwise never.
 */
export function deadlineOf(context: object): number {
	if (!isExecution(context) || !isTool(context)) return Infinity;
	const deadline = deadlines.get(context) ?? now() + TOOL_WAIT_MS;
	deadlines.set(context, deadline);
	return deadline;
}

export function isExecution(context: object): context is IExecuteFunctions {
	return 'getExecutionCancelSignal' in context;
}
