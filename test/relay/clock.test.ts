import { systemClock } from '../../relay/src/clock.ts';

/** The longest that a timer of Node's can wait; a longer one fires at once. */
const LONGEST_MS = 2 ** 31 - 1;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test.each([0, 1, LONGEST_MS, LONGEST_MS + 1, 3 * LONGEST_MS + 7])(
	'what is scheduled in %i ms happens then, once, and not at once for a wait longer than 24 days',
	(ms) => {
		const happens = jest.fn();
		systemClock.schedule(ms, happens);
		if (ms > 0) jest.advanceTimersByTime(ms - 1);
		expect(happens).not.toHaveBeenCalled();
		jest.advanceTimersByTime(1);
		expect(happens).toHaveBeenCalledTimes(1);
		expect(jest.getTimerCount()).toBe(0);
	},
);

test.each([0, LONGEST_MS + 5])('cancelled after %i ms, a long wait comes to nothing', (after) => {
	const happens = jest.fn();
	const cancel = systemClock.schedule(2 * LONGEST_MS, happens);
	jest.advanceTimersByTime(after);
	cancel();
	expect(jest.getTimerCount()).toBe(0);
	jest.advanceTimersByTime(3 * LONGEST_MS);
	expect(happens).not.toHaveBeenCalled();
});

test('a wait for the last instant that a date can be, as of work that waits for polls, does not end', () => {
	const happens = jest.fn();
	const cancel = systemClock.schedule(8_640_000_000_000_000 - systemClock.now(), happens);
	jest.advanceTimersByTime(100 * 24 * 3_600_000);
	expect(happens).not.toHaveBeenCalled();
	cancel();
});
