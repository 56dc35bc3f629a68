import fc from 'fast-check';
import {
	BREAKER,
	CONFLICT_GRACE_MS,
	JITTER,
	MAX_RETRY_AFTER_MS,
	SCHEDULE_MS,
	decide,
	healthOf,
} from '../../relay/src/delivery/policy.ts';
import { ATTEMPT_MS } from '../../relay/src/delivery/sender.ts';

const NOW = Date.UTC(2026, 0, 5, 9);
const HOUR = 3_600_000;
const fresh = { scheduled: 0, conflictSince: null };
const after = (status: number | null, retryAfter: string | null = null, claim = fresh, fraction = 0) =>
	decide(claim, { status, retryAfter }, NOW, fraction);
const wait = (next: ReturnType<typeof decide>) => (next.state === 'ready' ? next.at - NOW : null);

describe('delivery policy', () => {
	it.each([200, 201, 202, 204, 299])('takes %i for delivered', (status) => {
		expect(after(status)).toEqual({ state: 'delivered' });
	});

	it('ends the subscription at 410', () => {
		expect(after(410)).toEqual({ state: 'cancelled', endSubscription: true });
	});

	it.each([null, 100, 301, 302, 307, 308, 400, 401, 403, 404, 413, 429, 500, 502, 503])(
		'tries again 5 s after %p, a redirect and 404 included',
		(status) => {
			expect(after(status)).toEqual({ state: 'ready', at: NOW + 5_000, scheduled: 1, conflictSince: null });
		},
	);

	it('follows the schedule of design and documentation, then gives up', () => {
		const minutes = [5 / 60, 15 / 60, 1, 5, 15, 60, 180, 360, 720, 1440, 1440];
		expect([...SCHEDULE_MS]).toEqual(minutes.map((m) => Math.round(m * 60_000)));
		SCHEDULE_MS.forEach((ms, scheduled) => {
			expect(after(500, null, { scheduled, conflictSince: null })).toEqual({
				state: 'ready',
				at: NOW + ms,
				scheduled: scheduled + 1,
				conflictSince: null,
			});
		});
		expect(after(500, null, { scheduled: SCHEDULE_MS.length, conflictSince: null })).toEqual({
			state: 'dead',
		});
	});

	describe('409, a running execution', () => {
		it('rings again every 2 s for 2 min, which uses up nothing of the schedule', () => {
			expect(after(409)).toEqual({ state: 'ready', at: NOW + 2_000, scheduled: 0, conflictSince: NOW });
			const since = NOW - CONFLICT_GRACE_MS + 1;
			expect(after(409, null, { scheduled: 3, conflictSince: since as never })).toEqual({
				state: 'ready',
				at: NOW + 2_000,
				scheduled: 3,
				conflictSince: since,
			});
		});

		it('goes on by the schedule after that, without a second grace', () => {
			const claim = { scheduled: 0, conflictSince: (NOW - CONFLICT_GRACE_MS) as never };
			expect(after(409, null, claim)).toEqual({
				state: 'ready',
				at: NOW + 5_000,
				scheduled: 1,
				conflictSince: NOW - CONFLICT_GRACE_MS,
			});
		});

		it('has its grace anew after another answer', () => {
			const next = after(404, null, { scheduled: 0, conflictSince: (NOW - 1) as never });
			expect(next).toMatchObject({ conflictSince: null });
		});
	});

	describe('Retry-After', () => {
		it.each([
			['600', 600_000],
			[' 600 ', 600_000],
			[new Date(NOW + HOUR).toUTCString(), HOUR],
			// Shorter than the schedule: the schedule stands.
			['0', 5_000],
			['1', 5_000],
			[new Date(NOW - HOUR).toUTCString(), 5_000],
			// Absurd: capped at a day, or no wish at all.
			['999999999999', 24 * HOUR],
			[new Date(NOW + 4000 * 24 * HOUR).toUTCString(), 24 * HOUR],
			['soon', 5_000],
			['-5', 5_000],
			['1e9', 5_000],
			['', 5_000],
			['90.5', 90_500],
			['  ', 5_000],
			['+600', 5_000],
			['0x258', 5_000],
			['600, 700', 5_000],
			['3600 s', 5_000],
			['5 minutes', 5_000],
			['1.2.2099', 5_000],
			['Mon, 05 Jan 2026 10:00:00 GMT', HOUR],
			['Monday, 05-Jan-26 10:00:00 GMT', HOUR],
			['Mon Jan  5 10:00:00 2026', HOUR],
			['2026-01-05T10:00:00Z', HOUR],
			['Mon, 99 Jan 2026 10:00:00 GMT', 5_000],
			['Mon, 05 Jan 2026 10:00:00 GMT; DROP TABLE', 5_000],
			['9'.repeat(5_000), 24 * HOUR],
			['∞', 5_000],
		])('of %p waits %i ms', (header, ms) => {
			expect(wait(after(503, header))).toBe(ms);
			expect(wait(after(429, header))).toBe(ms);
		});
	});

	it('lets Retry-After lengthen the wait after a 409 too, which uses up nothing of the schedule', () => {
		expect(after(409, '30')).toEqual({ state: 'ready', at: NOW + 30_000, scheduled: 0, conflictSince: NOW });
		expect(wait(after(409, '1'))).toBe(2_000);
	});

	it('ends the subscription at 410, and delivers at 2xx, whatever Retry-After says', () => {
		expect(after(410, '600')).toEqual({ state: 'cancelled', endSubscription: true });
		expect(after(200, '600')).toEqual({ state: 'delivered' });
	});

	describe('the breaker', () => {
		it.each([
			[200, 'up'],
			[204, 'up'],
			[299, 'up'],
			[409, 'busy'],
			[null, 'down'],
			[301, 'down'],
			[400, 'down'],
			[404, 'down'],
			[410, 'down'],
			[429, 'down'],
			[500, 'down'],
			[503, 'down'],
		])('takes %p for %s', (status, health) => {
			expect(healthOf({ status })).toBe(health);
		});

		it('finds a receiver that is back within five minutes, and asks less and less often until then', () => {
			const { threshold, waitsMs } = BREAKER;
			expect(threshold).toBe(5);
			expect([...waitsMs].sort((a, b) => a - b)).toEqual(waitsMs);
			expect((waitsMs.at(-1) ?? Infinity) + ATTEMPT_MS).toBeLessThanOrEqual(5 * 60_000);
		});
	});

	it('never comes early: jitter only adds, Retry-After only lengthens, nothing exceeds its bound', () => {
		const statuses = fc.oneof(
			fc.constant(null),
			fc.integer({ min: 300, max: 599 }).filter((s) => s !== 410),
		);
		const headers = fc.oneof(fc.constant(null), fc.nat({ max: 10 ** 9 }).map(String), fc.string());
		const scheduled = fc.integer({ min: 0, max: SCHEDULE_MS.length - 1 });
		const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
		fc.assert(
			fc.property(statuses, headers, scheduled, fraction, (status, retryAfter, n, f) => {
				const base = SCHEDULE_MS[n] ?? NaN;
				const next = decide({ scheduled: n, conflictSince: null }, { status, retryAfter }, NOW, f);
				if (next.state !== 'ready') throw new Error('not retried');
				if (status === 409) return;
				expect(next.at - NOW).toBeGreaterThanOrEqual(base);
				expect(next.at - NOW).toBeLessThanOrEqual(Math.max(base * (1 + JITTER) + 1, MAX_RETRY_AFTER_MS));
				const plain = decide({ scheduled: n, conflictSince: null }, { status, retryAfter: null }, NOW, f);
				if (plain.state !== 'ready') throw new Error('not retried');
				expect(next.at).toBeGreaterThanOrEqual(plain.at);
			}),
		);
	});
});
