import fc from 'fast-check';
import type { Engine } from './conformance/fixtures.ts';
import { Run } from './model/run.ts';
import { steps } from './model/steps.ts';

/**
 * Whatever is done to a store, in whatever order, it says and holds what a simple model of it does: every event
 * stored has its deliveries, none is lost or goes to nobody, each has one live lease at most, attempts are numbered
 * without gaps, no result that comes late is written, and in the end everything gets through.
 *
 * @param options.runs how many random histories
 * @param options.timeoutMs for all of them
 */
export function storeModel(engine: Engine, options: { runs: number; timeoutMs: number }): void {
	describe(`the model of a store, beside ${engine.name}`, () => {
		it(
			'agrees with it on every history',
			async () => {
				await fc.assert(
					fc.asyncProperty(steps, async (history) => {
						const opened = await engine.open();
						try {
							await new Run(opened).all(history);
						} finally {
							await opened.remove();
						}
					}),
					{ numRuns: options.runs, interruptAfterTimeLimit: options.timeoutMs - 10_000 },
				);
			},
			options.timeoutMs,
		);
	});
}
