import { orderedUuid, systemIds } from '../../relay/src/ids.ts';

describe('orderedUuid', () => {
	it('is a UUID of version 7 that sorts by time', () => {
		const times = [0, 1, 2 ** 32, Date.UTC(2026, 0, 5), Date.UTC(2026, 0, 5) + 1, 2 ** 48 - 1];
		const made = times.map((time) => orderedUuid(systemIds, time));
		for (const id of made) {
			expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
		}
		expect([...made].sort()).toEqual(made);
	});

	it('differs within the same millisecond', () => {
		expect(new Set(Array.from({ length: 1_000 }, () => orderedUuid(systemIds, 1))).size).toBe(1_000);
	});
});
