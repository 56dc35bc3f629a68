import type { DiskSpace } from '../disk-space.ts';
import { StoreError } from '../store/port.ts';

/** What may be under way at once, from the first byte received until the answer. */
export const MAX_WAITING_EVENTS = 10_000;
export const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** One webhook's place among those under way. */
export interface Place {
	/**
	 * Counts bytes of its body as they come in.
	 *
	 * @throws StoreError `busy` when all that are under way have too many
	 */
	take(bytes: number): void;
	/** It was answered, or broke off. Leaving twice is leaving once. */
	leave(): void;
}

/**
 * Decides whether one more webhook is taken in. One that is refused here was not begun, so nothing fails half-way and
 * memory stays bounded however slow the disk is; its sender is told when to come again.
 */
export interface Admission {
	/** @throws StoreError `busy` when too many are under way, `full` when the disk is nearly so */
	enter(): Place;
	/**
	 * Whether one would be let in.
	 *
	 * @throws StoreError as `enter` does
	 */
	check(): void;
}

/** @param options.disk null: the store keeps its events elsewhere */
export function createAdmission(options: {
	disk: DiskSpace | null;
	maxEvents?: number;
	maxBytes?: number;
}): Admission {
	const { disk, maxEvents = MAX_WAITING_EVENTS, maxBytes = MAX_WAITING_BYTES } = options;
	let events = 0;
	let bytes = 0;

	function check(): void {
		if (disk && !disk.hasRoomFor(0)) {
			throw new StoreError('full', 'The disk of the data folder is nearly full: nothing new is taken in.');
		}
		if (events >= maxEvents || bytes >= maxBytes) throw tooMany();
	}

	return {
		check,
		enter() {
			check();
			events++;
			let taken = 0;
			let left = false;
			return {
				take(more) {
					if (bytes + more > maxBytes) throw tooMany();
					if (disk && !disk.hasRoomFor(more)) {
						throw new StoreError('full', 'The disk of the data folder is nearly full.');
					}
					taken += more;
					bytes += more;
				},
				leave() {
					if (left) return;
					left = true;
					events--;
					bytes -= taken;
				},
			};
		},
	};
}

const tooMany = () => new StoreError('busy', 'More webhooks are under way than are kept in memory.');
