import type { Clock } from './clock.ts';

/** What closing takes when all is well is milliseconds; with a store that hangs it takes no longer than this. */
const CLOSING_MS = 1_500;

/** Something took longer than a shutdown may. What was not finished is on disk and goes on after the next start. */
export class ShutdownTooLong extends Error {
	override readonly name = 'ShutdownTooLong';
}

/**
 * Shuts a relay down in phases:
 *
 * 1. For `graceMs` everything goes on, and only readiness fails, so that load balancers send nothing more.
 * 2. `finish`: nothing new is taken; what is under way gets `budgetMs`, then it is broken off and handed back.
 * 3. `close`: the store comes last, when nobody needs it any more.
 *
 * @throws ShutdownTooLong when the last two have not ended 1.5 s after the budget
 */
export async function shutDown(options: {
	clock: Clock;
	graceMs: number;
	budgetMs: number;
	finish: (budgetMs: number) => Promise<unknown>;
	close: () => Promise<unknown>;
}): Promise<void> {
	const { clock, graceMs, budgetMs, finish, close } = options;
	if (graceMs > 0) await new Promise<void>((resolve) => clock.schedule(graceMs, resolve));

	let cancelLimit: () => void = () => undefined;
	const limit = new Promise<never>((_resolve, reject) => {
		cancelLimit = clock.schedule(budgetMs + CLOSING_MS, () =>
			reject(new ShutdownTooLong('The store or a request did not come to an end in time.')),
		);
	});
	try {
		await Promise.race([finish(budgetMs).then(close), limit]);
	} finally {
		cancelLimit();
	}
}
