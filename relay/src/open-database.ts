import { DataFolderError } from './data-folder.ts';
import { StoreError } from './store/port.ts';
import type { StoreErrorCode } from './store/port.ts';

const RESTORE = 'put it back from a backup, or set RELAY_DATA to a new folder';
const REMEDIES: Partial<Record<StoreErrorCode, string>> = {
	full: 'free some space on its disk',
	busy: 'stop the process that writes to it',
	readonly: 'make it and its folder writable for this user',
};

/**
 * Opens a database of the data folder.
 *
 * @throws DataFolderError when it can't be opened: what is wrong, and what to do
 */
export async function openDatabaseFile<T>(path: string, open: () => T | Promise<T>): Promise<T> {
	try {
		return await open();
	} catch (error) {
		const { message } = ((error as Error).cause ?? error) as Error;
		const remedy = (error instanceof StoreError && REMEDIES[error.code]) || RESTORE;
		const advice = message.endsWith('.') ? '' : `; ${remedy}.`;
		throw new DataFolderError(`The database ${path} can't be opened: ${message}${advice}`, { cause: error });
	}
}
