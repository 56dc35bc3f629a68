import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../clock.ts';

/** More than any file system's times are apart: what changed a folder twice within it may show once. */
const GRAIN_MS = 2_000n;

/**
 * Whether a database's files are still those that were opened. Deleted or replaced under a running process they go on
 * taking writes, which nobody will find again: a `stat` call, 3 µs, tells before anyone is told that something is on disk.
 *
 * Their folder is asked, whose time changes with every name in it, and they only when it has changed. Linux gives a file that was
 * asked for its times a new one with the next write, which the next fsync then has to write, too: 45 µs more for each commit.
 *
 * @param path the database, open in WAL mode; null when it is in memory
 * @returns says whether they still are
 */
export function watchFiles(path: string | null, clock: Pick<Clock, 'now'>): () => boolean {
	if (path === null) return () => true;
	const files = () => [path, `${path}-wal`].map((file) => identityOf(look(file))).join();
	const folder = dirname(path);
	const opened = files();
	/** The folder as it was when its files were last seen to be the same. */
	let calm: string | null = null;
	return () => {
		const found = look(folder);
		const state = `${identityOf(found)} ${found?.mtimeNs} ${found?.ctimeNs}`;
		if (state === calm) return true;
		const same = files() === opened;
		const atRest = found !== undefined && BigInt(clock.now()) - found.ctimeMs > GRAIN_MS;
		calm = same && atRest ? state : null;
		return same;
	};
}

const look = (path: string) => statSync(path, { bigint: true, throwIfNoEntry: false });

const identityOf = (found: ReturnType<typeof look>): string => (found ? `${found.dev}:${found.ino}` : 'gone');
