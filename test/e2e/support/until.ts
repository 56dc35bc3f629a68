import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks `probe` until it answers something, and returns that. What is waited for is in another process that tells
 * nobody when it is done, hence the asking.
 *
 * @param what finishes the sentence "Waited N s for …" of the error
 * @param withinMs gives up after this time; it is a safety net, never what a test measures
 */
export async function until<T>(
	what: string,
	probe: () => Promise<T | undefined> | T | undefined,
	{ withinMs = 60_000, everyMs = 100 } = {},
): Promise<T> {
	const deadline = performance.now() + withinMs;
	for (;;) {
		const answer = await probe();
		if (answer !== undefined) return answer;
		if (performance.now() > deadline) throw new Error(`Waited ${withinMs / 1000} s for ${what}`);
		await pause(everyMs);
	}
}
