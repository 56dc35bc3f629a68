import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;

/**
 * Takes a lock that one process at a time can have: an exclusive transaction, held until it is let go, on a SQLite
 * file of its own. The operating system drops it when the process ends in any way, so a crash leaves no stale lock.
 *
 * @returns how to let it go; null when another process has it
 * @throws Error when the file can't be made
 */
export function takeLock(path: string): (() => void) | null {
	const db = new DatabaseSync(path, { timeout: 0 });
	try {
		db.exec('BEGIN EXCLUSIVE');
	} catch (error) {
		db.close();
		const { errcode = 0 } = error as { errcode?: number };
		// The primary result code, without the extension in the higher bits.
		if ((errcode & 0xff) === SQLITE_BUSY) return null;
		throw error;
	}
	return () => {
		if (db.isOpen) db.close();
	};
}
