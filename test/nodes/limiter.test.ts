import fc from 'fast-check';
import { RateWindow, WINDOW_MS } from '../../nodes/Cleanlist/transport/rate-window.ts';
import { takeTurn } from '../../nodes/Cleanlist/transport/limiter.ts';

describe('a window of requests', () => {
	it('lets as many through at once as it holds, and the next when the first leaves it', () => {
		const window = new RateWindow();
		expect([0, 1, 2].map((at) => window.take(at, 3))).toEqual([0, 1, 2]);
		expect([3, 3, 3, 3].map((at) => window.take(at, 3))).toEqual([
			WINDOW_MS,
			WINDOW_MS + 1,
			WINDOW_MS + 2,
			2 * WINDOW_MS,
		]);
	});

	it('is empty again after a quiet minute', () => {
		const window = new RateWindow();
		for (let n = 0; n < 30; n++) window.take(0, 30);
		expect(window.take(WINDOW_MS, 30)).toBe(WINDOW_MS);
	});

	it('never holds more than it may, in order, and never makes anybody wait in vain', () => {
		fc.assert(
			fc.property(
				fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 120 }),
				fc.integer({ min: 1, max: 10 }),
				(gaps, perWindow) => {
					const window = new RateWindow();
					let now = 0;
					const times = gaps.map((gap) => {
						now += gap;
						const at = window.take(now, perWindow);
						expect(at).toBeGreaterThanOrEqual(now);
						return at;
					});
					for (const [n, at] of times.entries()) {
						const before = times[n - perWindow];
						if (n > 0) expect(at).toBeGreaterThanOrEqual(times[n - 1]!);
						if (before !== undefined) expect(at - before).toBeGreaterThanOrEqual(WINDOW_MS);
					}
				},
			),
		);
	});
});

describe('turns', () => {
	const own = { server: 'https://a.example', key: 'k', perMinute: 1 };
	it('are counted by server and key', () => {
		expect(takeTurn(own, 5, Infinity)).toBe(5);
		expect(takeTurn({ ...own, key: 'other' }, 5, Infinity)).toBe(5);
		expect(takeTurn({ ...own, server: 'https://b.example' }, 5, Infinity)).toBe(5);
		expect(takeTurn(own, 6, Infinity)).toBe(5 + WINDOW_MS);
	});

	it('after the deadline are not taken', () => {
		const late = { ...own, key: 'late' };
		expect(takeTurn(late, 0, 0)).toBe(0);
		expect(takeTurn(late, 0, WINDOW_MS - 1)).toBeNull();
		expect(takeTurn(late, 0, WINDOW_MS)).toBe(WINDOW_MS);
	});
});
