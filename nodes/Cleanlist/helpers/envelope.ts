import type { IDataObject } from 'n8n-workflow';

/**
 * Keys that v2 adds beside the payload. They are empty, or hints for the vendor's own agents; the latter have no
 * business in the prompt of somebody else's, where this node's output may land when it is used as a tool.
 */
const ENVELOPE = ['task_id', 'timestamp_ms', 'agent_instructions', 'usage', 'message'];

export function withoutEnvelope(response: IDataObject, besides: readonly string[] = []): IDataObject {
	const out = [...ENVELOPE, ...besides];
	return Object.fromEntries(Object.entries(response).filter(([key]) => !out.includes(key)));
}
