import type { IExecuteFunctions } from 'n8n-workflow';

/** Whether an AI agent runs the node: n8n then runs it under a type of its own, or in a context of its own. */
export function isTool(context: IExecuteFunctions): boolean {
	return context.isToolExecution() || context.getNode().type.endsWith('Tool');
}
