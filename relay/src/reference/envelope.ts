import type { Clock } from '../clock.ts';

/** The v2 envelope (A.7). Only the time is filled in: the other fields are for what this build does not serve. */
export const envelope = (clock: Clock) => ({
	task_id: null,
	timestamp_ms: clock.now(),
	agent_instructions: null,
	usage: null,
	message: null,
});
