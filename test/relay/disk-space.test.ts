import { createDiskSpace } from '../../relay/src/disk-space.ts';
import { createTestClock } from '../support/test-clock.ts';

const MEBIBYTE = 1024 * 1024;

describe('the space of a disk', () => {
	const watched = (free: number, reserve = 0) => {
		const disk = { free, looks: 0 };
		const clock = createTestClock();
		const space = createDiskSpace({
			free: () => {
				disk.looks++;
				return disk.free;
			},
			reserve,
			clock,
		});
		return { disk, clock, space };
	};

	it('is what is free beyond the reserve', () => {
		const { space } = watched(10 * MEBIBYTE, 9 * MEBIBYTE);
		expect(space.hasRoomFor(MEBIBYTE - 1)).toBe(true);
		expect(watched(10 * MEBIBYTE, 9 * MEBIBYTE).space.hasRoomFor(MEBIBYTE)).toBe(false);
	});

	it('is looked at once a second, and once more for every 4 MiB that were let in', async () => {
		const { disk, clock, space } = watched(100 * MEBIBYTE);
		for (let n = 0; n < 3; n++) expect(space.hasRoomFor(MEBIBYTE)).toBe(true);
		expect(disk.looks).toBe(1);
		expect(space.hasRoomFor(MEBIBYTE)).toBe(true);
		expect(disk.looks).toBe(2);
		await clock.advance(1_000);
		expect(space.hasRoomFor(1)).toBe(true);
		expect(disk.looks).toBe(3);
	});

	it('that was freed is seen a tenth of a second later: nobody is refused by what was so a second ago', async () => {
		const { disk, clock, space } = watched(1_000);
		expect(space.hasRoomFor(500)).toBe(true);
		expect(space.hasRoomFor(600)).toBe(false);
		disk.free = MEBIBYTE;
		await clock.advance(99);
		// What was let in just now may not be on the disk yet.
		expect(space.hasRoomFor(600)).toBe(false);
		await clock.advance(1);
		expect(space.hasRoomFor(600)).toBe(true);
	});

	it('that can not be told is for the store to judge', () => {
		const space = createDiskSpace({
			free: () => {
				throw new Error('statfs');
			},
			reserve: MEBIBYTE,
			clock: createTestClock(),
		});
		expect(space.hasRoomFor(MEBIBYTE)).toBe(true);
	});
});
