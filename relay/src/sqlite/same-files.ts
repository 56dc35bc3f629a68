import { statSync } from 'node:fs';

/**
 * Whether a database's files are still those that were opened. Deleted or replaced under a running process they go on
 * taking writes, which nobody will find again: two `stat` calls, 5 µs, tell before anyone is told that something is
 * on disk.
 *
 * @param path the database, open in WAL mode; null when it is in memory
 * @returns says whether they still are
 */
export function watchFiles(path: string | null): () => boolean {
	const files = path === null ? [] : [path, `${path}-wal`];
	const identity = () =>
		files
			.map((file) => {
				const found = statSync(file, { bigint: true, throwIfNoEntry: false });
				return found ? `${found.dev}:${found.ino}` : 'gone';
			})
			.join();
	const opened = identity();
	return () => identity() === opened;
}
