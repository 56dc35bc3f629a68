import { StoreError } from '../port.ts';
import type { StoreErrorCode } from '../port.ts';

/** SQLite's result codes (https://www.sqlite.org/rescode.html) that mean something to the caller. */
const CODES: Record<number, StoreErrorCode> = {
	5: 'busy', // SQLITE_BUSY: another process holds the write lock
	6: 'busy', // SQLITE_LOCKED
	8: 'readonly', // SQLITE_READONLY
	13: 'full', // SQLITE_FULL: no space left, or the page limit
	4874: 'full', // SQLITE_IOERR_SHMSIZE: no space for the index of the log; any other I/O error has another reason
	2067: 'conflict', // SQLITE_CONSTRAINT_UNIQUE
	1555: 'conflict', // SQLITE_CONSTRAINT_PRIMARYKEY; any other constraint is a defect of ours
};

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
const codeOf = (result: number): StoreErrorCode => CODES[result] ?? CODES[result & 0xff] ?? 'failed';
