import { sleep } from 'n8n-workflow';

/** Waits; ends early, with the run's own cancellation, when the user stops the execution. */
export async function pause(ms: number, cancelled: AbortSignal | undefined): Promise<void> {
	await sleep(ms, cancelled);
}
