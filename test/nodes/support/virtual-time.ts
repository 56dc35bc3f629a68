import { now } from '../../../nodes/Cleanlist/transport/clock.ts';
import { pause } from '../../../nodes/Cleanlist/transport/pause.ts';
import type { TestClock } from '../../support/test-clock.ts';

/**
 * Lets the node live in the time of a test clock: its waits move that clock, and last no time. The test file must
 * have mocked both modules: `jest.mock('…/transport/clock.ts')` and `jest.mock('…/transport/pause.ts')`.
 *
 * @returns the waits so far, in milliseconds
 */
export function liveIn(clock: TestClock): number[] {
	const waits: number[] = [];
	(now as jest.Mock).mockImplementation(() => clock.now());
	(pause as jest.Mock).mockImplementation(async (ms: number) => {
		waits.push(ms);
		await clock.advance(ms);
	});
	return waits;
}
