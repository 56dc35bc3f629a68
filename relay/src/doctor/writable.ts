import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { fileFailure, STORE_FILE } from '../data-folder.ts';
import { problem } from './finding.ts';
import type { Finding } from './finding.ts';

/**
 * What of the data can be read and not written: a relay does not start then, and one that runs answers webhooks 503. Asks the
 * system, and writes nothing.
 */
export function checkWritable({ dataFolder, databaseUrl }: Config): Finding[] {
	const store = join(dataFolder, STORE_FILE);
	const needed = databaseUrl === null ? [dataFolder, store, `${store}-wal`] : [dataFolder];
	return needed.filter(existsSync).flatMap((path) => {
		try {
			accessSync(path, constants.W_OK);
			return [];
		} catch (error) {
			return [
				problem(
					'data folder',
					`${path} can't be written: ${fileFailure(error)}.`,
					'Make the folder and all in it writable for the user that the relay runs as.',
				),
			];
		}
	});
}
