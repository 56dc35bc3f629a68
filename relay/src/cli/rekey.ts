import { join } from 'node:path';
import { createBodies } from '../bodies.ts';
import type { Config } from '../config.ts';
import { openDataFolder, readDataFolder, replaceSealingKeys, STORE_FILE } from '../data-folder.ts';
import { systemIds } from '../ids.ts';
import { rekey } from '../rekey.ts';
import { createSealer, MAX_KEY_ID, SEALING_KEY_BYTES } from '../sealing.ts';
import type { SealingKey } from '../sealing.ts';
import { openSqliteStore } from '../store/sqlite/index.ts';
import { CommandError } from './command-error.ts';
import { describeOptions, readOptions } from './options.ts';

const OPTIONS = { help: { type: 'boolean', about: 'Print this' } } as const;

const HELP = `Makes a new sealing key, seals every signing secret with it and brings every body to the present setting
(RELAY_ENCRYPT_BODIES: on, sealed with the new key; off, in the clear), then drops the old key. The relay must be stopped.
It can be broken off at any time and run again.

Usage: cleanlist-relay rekey [options]

${describeOptions(OPTIONS)}`;

/**
 * `cleanlist-relay rekey`.
 *
 * @throws CommandError, DataFolderError; what was done by then stays done, and a second run goes on
 */
export async function rekeyCommand(
	args: string[],
	config: () => Config,
	print: (text: string) => void,
): Promise<void> {
	if (readOptions('rekey', args, OPTIONS).help) return print(HELP);
	const { dataFolder, encryptBodies } = config();
	await readDataFolder(dataFolder);
	const folder = await openDataFolder(dataFolder, systemIds);
	try {
		const keys = await withNewKey(folder.keys.sealingKeys, (changed) => replaceSealingKeys(folder, changed));
		const sealer = createSealer(keys);
		const store = await openSqliteStore({ path: join(dataFolder, STORE_FILE) });
		try {
			const bodies = createBodies({ sealer, encrypt: encryptBodies });
			const done = await rekey({ store, sealer, bodies });
			await replaceSealingKeys(folder, keys.slice(-1));
			print(
				`Sealing key ${sealer.keyId} is in use: the secrets of ${done.subscriptions} subscriptions were sealed with it, ` +
					`${done.bodies} bodies ${encryptBodies ? 'too' : 'were put in the clear'}.\n` +
					'Backups made before need the keys from before. Copy the folder keys to where its backup is.\n',
			);
		} finally {
			await store.close();
		}
	} catch (error) {
		throw new CommandError(
			`The rekey stopped: ${(error as Error).message} Nothing is lost; run it again when that is mended.`,
			{ cause: error },
		);
	} finally {
		folder.close();
	}
}

/**
 * The keys with a new one last. More than one means that an earlier run was broken off: its new key is used.
 */
async function withNewKey(
	keys: readonly SealingKey[],
	save: (keys: SealingKey[]) => Promise<void>,
): Promise<SealingKey[]> {
	if (keys.length > 1) return [...keys];
	const [current] = keys;
	const id = ((current?.id ?? 0) % MAX_KEY_ID) + 1;
	const changed = [...keys, { id, key: systemIds.bytes(SEALING_KEY_BYTES) }];
	// On disk before anything is sealed with it.
	await save(changed);
	return changed;
}
