import fc from 'fast-check';
import { pace } from '../../relay/src/store/pace.ts';

const MINUTE = 60_000;
const T0 = Date.UTC(2026, 0, 5, 9);

/** Starts all that may start at each of these times; returns the times of the starts. */
function startsAt(perMinute: number, times: number[]): number[] {
	let state = 0;
	return times.flatMap((now) => {
		const { free, after } = pace(perMinute, state, now);
		state = after(free);
		return Array.from({ length: free }, () => now);
	});
}

/** The most in any minute: windows that begin with a start are enough. */
function mostInAMinute(starts: number[]): number {
	let first = 0;
	let most = 0;
	for (const [n, at] of starts.entries()) {
		while (starts[first]! <= at - MINUTE) first++;
		most = Math.max(most, n - first + 1);
	}
	return most;
}

describe('pace', () => {
	it('never lets more start in any minute, however irregularly it is asked', () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 2_000 }),
				fc.array(fc.oneof(fc.integer({ max: 300, min: 0 }), fc.integer({ min: 0, max: 70_000 })), {
					minLength: 1,
					maxLength: 300,
				}),
				(perMinute, steps) => {
					let now = T0;
					const times = steps.map((step) => (now += step));
					expect(mostInAMinute(startsAt(perMinute, times))).toBeLessThanOrEqual(perMinute);
				},
			),
		);
	});

	it.each([1, 5, 59, 60, 100, 600, 6_000])('lets %i a minute through when asked often', (perMinute) => {
		const often = Array.from({ length: 10 * 6_000 }, (_, n) => T0 + n * 10);
		const starts = startsAt(perMinute, often);
		expect(mostInAMinute(starts)).toBeLessThanOrEqual(perMinute);
		expect(starts.length).toBeGreaterThanOrEqual(10 * perMinute * 0.97);
	});

	it('says exactly when the next may start', () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 2_000 }), (perMinute) => {
				const { free, after } = pace(perMinute, 0, T0);
				expect(free).toBeGreaterThan(0);
				const { free: none, nextStartAt } = pace(perMinute, after(free), T0);
				expect(none).toBe(0);
				expect(nextStartAt).toBeGreaterThan(T0);
				expect(pace(perMinute, after(free), nextStartAt).free).toBeGreaterThan(0);
			}),
		);
	});

	it('is not stuck when the clock is set back by a day', () => {
		const { after } = pace(1, 0, T0 + 24 * 60 * MINUTE);
		expect(pace(1, after(1), T0).free).toBe(1);
	});
});
