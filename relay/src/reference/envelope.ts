import type { Clock } from '../clock.ts';

/** The v2 envelope (A.7) with the time filled in; an endpoint that has something to say in another field does so. */
export const envelope = (clock: Clock) => ({
	task_id: null,
	timestamp_ms: clock.now(),
	agent_instructions: null,
	usage: null,
	message: null,
});
