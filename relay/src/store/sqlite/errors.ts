import { StoreError } from '../port.ts';
import type { StoreErrorCode } from '../port.ts';

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html) that mean something to the caller. */
const CODES: Record<number, StoreErrorCode> = {
	5: 'busy', // SQLITE_BUSY: another process holds the write lock
	6: 'busy', // SQLITE_LOCKED
	8: 'readonly', // SQLITE_READONLY
	13: 'full', // SQLITE_FULL: no space left, or the page limit
};

/** Of the many forms of SQLITE_IOERR the one that a full disk makes: _SHMSIZE, when the index of the log can't grow. */
const NO_ROOM = 4874;

/** SQLITE_CONSTRAINT_UNIQUE and _PRIMARYKEY; any other constraint is a defect of ours. */
const CONFLICTS = new Set([2067, 1555]);

const MESSAGES: Record<StoreErrorCode, string> = {
	conflict: 'There is already one like it.',
	full: 'The disk is full, so nothing was written. Free some space.',
	busy: 'Another process is writing to the database. Try again.',
	readonly: 'The database can be read but not written. Check the permissions of the data folder.',
	failed: 'The database failed.',
};

/** Any failure of `node:sqlite` as the port's error, the original as its cause. */
export function toStoreError(error: unknown): StoreError {
	if (error instanceof StoreError) return error;
	const result = (error as { errcode?: unknown } | null)?.errcode;
	const code = typeof result === 'number' ? codeOf(result) : 'failed';
	const text = error instanceof Error ? error.message : String(error);
	return new StoreError(code, `${MESSAGES[code]} (${text})`, { cause: error });
}

// Extended result codes carry the primary one in their low byte.
function codeOf(result: number): StoreErrorCode {
	if (CONFLICTS.has(result)) return 'conflict';
	if (result === NO_ROOM) return 'full';
	return CODES[result & 0xff] ?? 'failed';
}
