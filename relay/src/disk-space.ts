import { statfsSync } from 'node:fs';
import type { Clock } from './clock.ts';

/** How old the last look may be, in ms, and how much may have been admitted since, in bytes. */
const GOOD_FOR_MS = 1_000;
/** How old it may be when it is the reason to refuse: older, and what was full may have been freed. */
const GOOD_FOR_A_REFUSAL_MS = 100;
const LOOK_EVERY_BYTES = 4 * 1024 * 1024;

export interface DiskSpace {
	/** Whether what is free is more than the reserve. `bytes`: how many are about to be written. */
	hasRoomFor(bytes: number): boolean;
}

/** Bytes that an unprivileged process may still write where `folder` is. */
export function freeBytes(folder: string): number {
	const { bavail, bsize } = statfsSync(folder);
	return bavail * bsize;
}

/**
 * Watches the space of a file system, so that webhooks can be refused before a write fails half-way. The reserve is
 * for what must go on when they are: deliveries, settlements, the write-ahead log.
 *
 * @param options.free how many bytes are free; asked once a second, for every 4 MiB admitted, and ten times a second while
 *   there is no room
 * @param options.reserve bytes that are to stay free
 */
export function createDiskSpace(options: { free: () => number; reserve: number; clock: Clock }): DiskSpace {
	const { free, reserve, clock } = options;
	let room = 0;
	let lookedAt = -Infinity;
	let since = Infinity;

	/** A file system that does not tell, or does not answer, is the store's to judge: it fails when it is full. */
	function look(): number {
		try {
			return free() - reserve;
		} catch {
			return Infinity;
		}
	}

	return {
		hasRoomFor(bytes) {
			since += bytes;
			const now = clock.monotonic();
			const goodFor = room > since ? GOOD_FOR_MS : GOOD_FOR_A_REFUSAL_MS;
			if (now - lookedAt >= goodFor || since >= LOOK_EVERY_BYTES) {
				room = look();
				lookedAt = now;
				since = bytes;
			}
			return room > since;
		},
	};
}
