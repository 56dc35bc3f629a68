import { orderedUuid, siblingUuids, systemIds } from '../../relay/src/ids.ts';

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

describe('siblingUuids', () => {
	it('are UUIDs of version 4, all different, that sort together', () => {
		const families = Array.from({ length: 20 }, () => Array.from({ length: 250 }, siblingUuids(systemIds)));
		const all = families.flat();
		for (const id of all) {
			expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
		}
		expect(new Set(all).size).toBe(all.length);
		// Each family is one stretch of the order.
		const familyOf = new Map(families.flatMap((ids, family) => ids.map((id) => [id, family] as const)));
		const inOrder = all.toSorted().map((id) => familyOf.get(id));
		expect(inOrder.filter((family, at) => family !== inOrder[at - 1])).toHaveLength(families.length);
	});
});
