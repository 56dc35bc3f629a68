import type { IDataObject } from 'n8n-workflow';
import { firstText, taskResult } from './result';

/** The states that a workflow, a run or a task does not leave again. The older endpoints' list is not documented. */
const FINAL = ['completed', 'failed', 'cancelled'];
const UNDER_WAY = ['pending', 'queued', 'processing', 'running', 'in_progress'];

/** Whether a workflow or run is over. */
export function isOver(response: IDataObject): boolean {
	return FINAL.includes(stateOf(response)) || typeof response.completed_at === 'string';
}

/** Whether it ended without doing its work. */
export function isBroken(response: IDataObject): boolean {
	return ['failed', 'cancelled'].includes(stateOf(response));
}

/** Whether an answer by task holds its result, which may be that nothing was found. */
export function isTaskOver(response: IDataObject): boolean {
	const result = taskResult(response);
	const state = firstText(response.status, result.status)?.toLowerCase() ?? '';
	return FINAL.includes(state) || (Object.keys(result).length > 0 && !UNDER_WAY.includes(state));
}

/** Why it was broken off, as far as the answer says. */
export function whyBroken(response: IDataObject): string {
	const said = firstText(response.error, response.reason, response.message, response.refund_message);
	const what = stateOf(response) === 'cancelled' ? 'cancelled' : 'not completed';
	return `The enrichment was ${what} at Cleanlist${said === null ? '.' : `: ${said}`}`;
}

function stateOf(response: IDataObject): string {
	return firstText(response.status)?.toLowerCase() ?? '';
}
