import { answered, unreachable } from '../../nodes/Cleanlist/transport/outcome.ts';
import { BACKOFF_MS, LONGEST_WAIT_MS, retryDelay } from '../../nodes/Cleanlist/transport/retry.ts';

const status = (statusCode: number, headers: Record<string, string> = {}, body: unknown = {}) =>
	answered({ statusCode, headers, body }, Date.UTC(2026, 0, 5, 9));
const GET = { method: 'GET' };
const broken = (code: string) => unreachable(Object.assign(new Error(code), { code }));

describe('sending a request again', () => {
	it.each(['GET', 'POST', 'PATCH', 'DELETE'])(
		'%s after 429, which says that nothing was processed',
		(method) => {
			expect(retryDelay({ method }, status(429), 0)).toBe(BACKOFF_MS[0]);
			expect(retryDelay({ method }, status(429, { 'retry-after': '37' }), 0)).toBe(37_000);
		},
	);

	it.each([500, 502, 503, 504])(
		'what may be carried out twice after %s, but not a broken connection',
		(code) => {
			const harmless = { method: 'POST', harmlessTwice: true };
			expect(retryDelay(harmless, status(code), 0)).toBe(BACKOFF_MS[0]);
			expect(retryDelay(harmless, status(code, { 'retry-after': '5' }), 0)).toBe(5_000);
			expect(retryDelay(harmless, broken('ECONNRESET'), 0)).toBeNull();
		},
	);

	it.each([500, 502, 503, 504])('GET after %s', (code) => {
		expect(retryDelay(GET, status(code), 0)).toBe(BACKOFF_MS[0]);
		expect(retryDelay(GET, status(code, { 'retry-after': '5' }), 3)).toBe(8_000);
	});

	it.each(['POST', 'PATCH', 'DELETE'])('any other %s after nothing but 429', (method) => {
		for (const code of [500, 502, 503, 504, 400, 409])
			expect(retryDelay({ method }, status(code), 0)).toBeNull();
		for (const code of ['ECONNRESET', 'ETIMEDOUT', 'ECONNREFUSED']) {
			expect(retryDelay({ method }, broken(code), 0)).toBeNull();
		}
	});

	it('GET after a broken connection, but not after a wrong certificate or a cancelled run', () => {
		expect(retryDelay(GET, broken('ECONNRESET'), 1)).toBe(BACKOFF_MS[1]);
		expect(retryDelay(GET, broken('CERT_HAS_EXPIRED'), 0)).toBeNull();
		expect(retryDelay(GET, broken('ERR_CANCELED'), 0)).toBeNull();
	});

	it.each([400, 401, 402, 403, 404, 409, 422, 501])('not after %s', (code) => {
		expect(retryDelay(GET, status(code), 0)).toBeNull();
	});

	it('waits longer each time, and at some time gives up', () => {
		const waits = [0, 1, 2, 3, 4].map((attempt) => retryDelay(GET, status(503), attempt));
		expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, null]);
	});

	it('does not wait for longer than a rate limit can last', () => {
		expect(retryDelay(GET, status(429, { 'retry-after': '60' }), 0)).toBe(60_000);
		expect(retryDelay(GET, status(429, { 'retry-after': '3600' }), 0)).toBeNull();
		expect(retryDelay(GET, status(429, { 'retry-after': '60' }), 0, 5_000)).toBeNull();
		expect(LONGEST_WAIT_MS).toBeGreaterThan(60_000);
	});

	it.each([
		['whole seconds', { 'retry-after': '30' }, {}, 30_000],
		['a date', { 'retry-after': 'Mon, 05 Jan 2026 09:00:20 GMT' }, {}, 20_000],
		['a date gone by', { 'retry-after': 'Mon, 05 Jan 2026 08:00:00 GMT' }, {}, 0],
		['the body', {}, { error: { retry_after_ms: 1234 } }, 1234],
		['the header before the body', { 'retry-after': '2' }, { error: { retry_after_ms: 1234 } }, 2_000],
		['nonsense', { 'retry-after': 'soon' }, { error: { retry_after_ms: 'x' } }, null],
		['nothing', {}, null, null],
	])('reads Retry-After from %s', (_, headers, body, expected) => {
		expect(status(429, headers as Record<string, string>, body)).toMatchObject({
			response: { retryAfterMs: expected },
		});
	});
});
