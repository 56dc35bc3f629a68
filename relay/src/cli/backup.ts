import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Config } from '../config.ts';
import { fileFailure, readDataFolder, sharedKeys, STORE_FILE } from '../data-folder.ts';
import { syncFolder, writeDurably } from '../durably.ts';
import { createSealer } from '../sealing.ts';
import { backUp } from '../store/sqlite/backup.ts';
import { CommandError } from './command-error.ts';
import { describeOptions, readOptions } from './options.ts';
import { UsageError } from './usage-error.ts';

const OPTIONS = {
	to: { type: 'string', value: '<folder>', about: 'Where to; made when it is not there' },
	'with-keys': { type: 'boolean', about: 'Copy the keys too: whoever has both can read everything' },
	help: { type: 'boolean', about: 'Print this' },
} as const;

const HELP = `Copies the relay's database (RELAY_DATA), whether or not the relay is running, and verifies the copy.

Usage: cleanlist-relay backup --to <folder> [options]

${describeOptions(OPTIONS)}
To restore: stop the relay, put relay.sqlite (and the folder keys) into an empty data folder, start the relay.
`;

/**
 * `cleanlist-relay backup`.
 *
 * @throws CommandError when the copy can't be made or does not verify; then there is none
 */
export async function backupCommand(
	args: string[],
	config: () => Config,
	print: (text: string) => void,
): Promise<void> {
	const { to, 'with-keys': withKeys = false, help } = readOptions('backup', args, OPTIONS);
	if (help) return print(HELP);
	if (to === undefined) {
		throw new UsageError(
			'backup needs to know where to: --to <folder>, for example --to backups/2026-11-27.',
		);
	}
	const settings = config();
	const { dataFolder, databaseUrl } = settings;
	if (databaseUrl !== null) {
		throw new CommandError(
			"The events are in PostgreSQL (DATABASE_URL): back them up with pg_dump --schema=cleanlist_relay or the server's own archiving, and keep a copy of the keys.",
		);
	}
	const folder = await readDataFolder(dataFolder);
	const store = join(dataFolder, STORE_FILE);
	if (!existsSync(store))
		throw new CommandError(`There is no database in ${dataFolder} yet: start the relay first.`);

	const target = resolve(to);
	const keys = join(target, 'keys');
	const sealer = createSealer(sharedKeys(folder.keys, settings).sealingKeys);
	const opens = (copy: DatabaseSync) => secretsOpen(copy, sealer);
	await makeFolder(target);
	try {
		if (withKeys && existsSync(keys)) {
			throw new Error(`${keys} exists: name a new folder, or move that one away.`);
		}
		await rm(`${keys}.partial`, { recursive: true, force: true });
		if (withKeys) await copyKeys(folder.keysFolder, `${keys}.partial`);
		const content = await backUp(store, join(target, STORE_FILE), opens);
		if (withKeys) {
			await rename(`${keys}.partial`, keys);
			await syncFolder(target);
		}
		print(
			`${join(target, STORE_FILE)}: ${content.events} events, ${content.pending} deliveries to go, ` +
				`${content.subscriptions} active subscriptions, ${Math.ceil(content.bytes / 1024)} KiB, verified.\n` +
				(withKeys
					? `${keys}: the keys. Keep this folder as safe as the relay's own.\n`
					: `The keys are not in it: keep a copy of ${folder.keysFolder} elsewhere, once, and after each rekey.\n`) +
				(settings.sealingKeys === null
					? ''
					: 'What is sealed opens with RELAY_SEALING_KEYS: keep those, too.\n'),
		);
	} catch (error) {
		throw new CommandError(`The backup failed: ${(error as Error).message}`, { cause: error });
	} finally {
		await rm(`${keys}.partial`, { recursive: true, force: true });
	}
}

async function makeFolder(path: string): Promise<void> {
	try {
		await mkdir(path, { recursive: true, mode: 0o700 });
	} catch (error) {
		throw new CommandError(
			`The backup failed: ${path} can't be made a folder (${fileFailure(error)}): name another one.`,
			{ cause: error },
		);
	}
}

async function copyKeys(from: string, to: string): Promise<void> {
	await mkdir(to, { mode: 0o700 });
	for (const name of await readdir(from))
		await writeDurably(join(to, name), await readFile(join(from, name), 'utf8'));
	await syncFolder(to);
}

/** A copy whose secrets the keys beside it don't open would be of no use. */
function secretsOpen(copy: DatabaseSync, sealer: ReturnType<typeof createSealer>): void {
	const sealed = copy.prepare('SELECT sealed_secret FROM subscriptions').all() as {
		sealed_secret: Uint8Array;
	}[];
	for (const { sealed_secret } of sealed) sealer.open(Buffer.from(sealed_secret));
}
