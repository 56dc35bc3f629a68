import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readConfig } from '../config.ts';
import type { Config } from '../config.ts';
import { keyFingerprints } from '../crypto.ts';
import { openDataFolder, readDataFolder, sharedKeys, STORE_FILE } from '../data-folder.ts';
import type { DataFolder } from '../data-folder.ts';
import { systemIds } from '../ids.ts';
import { move, MoveError } from '../store/move/move.ts';
import { DatabaseUrlError, readDatabaseUrl } from '../store/postgres/address.ts';
import type { DatabaseAddress } from '../store/postgres/address.ts';
import { checkFingerprints } from '../store/postgres/fingerprints.ts';
import { DatabaseError } from '../store/postgres/inspect.ts';
import { onOneConnection, prepareDatabase } from '../store/postgres/open.ts';
import { MIGRATIONS } from '../store/sqlite/schema.ts';
import { CommandError } from './command-error.ts';
import { describeOptions, readOptions } from './options.ts';
import { UsageError } from './usage-error.ts';

const OPTIONS = {
	from: {
		type: 'string',
		value: '<folder>',
		about: 'The data folder of a stopped relay, or a backup of its SQLite file',
	},
	to: { type: 'string', value: '<url>', about: 'An empty PostgreSQL [DATABASE_URL]' },
	help: { type: 'boolean', about: 'Print this' },
} as const;

const HELP = `Moves everything a relay keeps from SQLite to PostgreSQL, and verifies it: every row is read back and compared. The
relay must be stopped. The source is left as it is; a move that fails leaves the target empty.

Usage: cleanlist-relay move --from <folder> [--to <url>]

${describeOptions(OPTIONS)}
A URL on the command line shows in the list of processes, password and all; DATABASE_URL does not.
`;

/**
 * `cleanlist-relay move`.
 *
 * @throws UsageError, DataFolderError, DatabaseError; CommandError when it can't be done or did not verify
 */
export async function moveCommand(
	args: string[],
	env: NodeJS.ProcessEnv,
	print: (text: string) => void,
): Promise<void> {
	const { from, to = env.DATABASE_URL, help } = readOptions('move', args, OPTIONS);
	if (help) return print(HELP);
	if (from === undefined) {
		throw new UsageError(
			'move needs to know where from: --from <data folder>, for example --from .cleanlist-relay.',
		);
	}
	if (to === undefined || to === '') {
		throw new UsageError('move needs to know where to: set DATABASE_URL, or give --to <url>.');
	}
	const address = addressOf(to);
	const config = readConfig(env);
	const { file, folder } = await openSource(from);
	try {
		const source = openFile(file);
		try {
			print(await moveAll(source, address, folder, config));
		} finally {
			source.close();
		}
	} finally {
		folder?.close();
	}
}

async function moveAll(
	source: DatabaseSync,
	address: DatabaseAddress,
	folder: DataFolder | null,
	config: Config,
): Promise<string> {
	try {
		await prepareDatabase(address);
		const moved = await onOneConnection(address, (client) =>
			move(source, client, async () => {
				// The keys that the relay had belong to what is moved, and come and go with it: relays with others will be refused.
				if (!folder) return;
				await checkFingerprints(client, keyFingerprints(sharedKeys(folder.keys, config)), address);
			}),
		);
		const rows = Object.entries(moved).map(([table, count]) => `  ${table.padEnd(15)}${count}\n`);
		return (
			`Moved to the database ${address.described}, and verified:\n${rows.join('')}` +
			(folder
				? `Start the relays with DATABASE_URL and the same keys: those in ${folder.keysFolder}, unless RELAY_MASTER_KEY and RELAY_SEALING_KEYS gave others. Don't start one on the old folder again.\n`
				: 'Start the relays with DATABASE_URL and the keys that belong to this backup.\n')
		);
	} catch (error) {
		if (error instanceof DatabaseError) throw error;
		const because =
			error instanceof MoveError ? error.message : `The move failed: ${(error as Error).message}.`;
		throw new CommandError(`${because} The source is as it was.`, { cause: error });
	}
}

function addressOf(url: string): DatabaseAddress {
	try {
		return readDatabaseUrl(url);
	} catch (error) {
		if (error instanceof DatabaseUrlError)
			throw new UsageError(error.message.replace('DATABASE_URL', 'The target'));
		throw error;
	}
}

/** The SQLite file, and the data folder around it, locked so that no relay writes to it meanwhile. */
async function openSource(from: string): Promise<{ file: string; folder: DataFolder | null }> {
	const path = resolve(from);
	if (!existsSync(path)) throw new UsageError(`There is no ${path}: give the data folder, or a SQLite file.`);
	const isFolder = statSync(path).isDirectory();
	const around = isFolder ? path : dirname(path);
	const file = isFolder ? join(path, STORE_FILE) : path;
	if (!existsSync(file))
		throw new UsageError(`There is no ${STORE_FILE} in ${path}: give the folder of a relay.`);
	// A backup may lie anywhere, with its keys beside it or not.
	if (!isFolder && !existsSync(join(around, 'keys'))) return { file, folder: null };
	await readDataFolder(around);
	return { file, folder: await openDataFolder(around, systemIds) };
}

function openFile(file: string): DatabaseSync {
	const db = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
	try {
		const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
		if (version === MIGRATIONS.length) return db;
		throw new CommandError(
			`${file} is at version ${version}, and this program moves from ${MIGRATIONS.length}: start this version's relay on it once, then move.`,
		);
	} catch (error) {
		db.close();
		if (error instanceof CommandError) throw error;
		throw new CommandError(`${file} is no database of a relay (${(error as Error).message}).`, {
			cause: error,
		});
	}
}
