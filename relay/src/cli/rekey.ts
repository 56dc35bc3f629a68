import { join } from 'node:path';
import { createBodies } from '../bodies.ts';
import { systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { sealingFingerprints } from '../crypto.ts';
import {
	DataFolderError,
	openDataFolder,
	readDataFolder,
	replaceSealingKeys,
	STORE_FILE,
} from '../data-folder.ts';
import { systemIds } from '../ids.ts';
import { rekey } from '../rekey.ts';
import { createSealer, formatSealingKeys, nextKeyId, SEALING_KEY_BYTES } from '../sealing.ts';
import type { SealingKey } from '../sealing.ts';
import type { Store } from '../store/port.ts';
import { readDatabaseUrl } from '../store/postgres/address.ts';
import { forgetKeysOlderThan } from '../store/postgres/fingerprints.ts';
import { openPostgresStore } from '../store/postgres/index.ts';
import { onOneConnection } from '../store/postgres/open.ts';
import { openSqliteStore } from '../store/sqlite/index.ts';
import { CommandError } from './command-error.ts';
import { describeOptions, readOptions } from './options.ts';

const OPTIONS = { help: { type: 'boolean', about: 'Print this' } } as const;

const HELP = `Makes a new sealing key, seals every signing secret with it and brings every body to the present setting
(RELAY_ENCRYPT_BODIES: on, sealed with the new key; off, in the clear), then drops the old key. The relay must be stopped.
With DATABASE_URL the relays go on. There, and with RELAY_SEALING_KEYS, it seals everything with the last of the keys they have.
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
	const settings = config();
	try {
		print(
			settings.databaseUrl === null
				? await inDataFolder(settings)
				: await inPostgres(settings, settings.databaseUrl),
		);
	} catch (error) {
		if (error instanceof DataFolderError) throw error;
		throw new CommandError(
			`The rekey stopped: ${(error as Error).message} Nothing is lost; run it again when that is mended.`,
			{ cause: error },
		);
	}
}

/**
 * The relay is stopped, so the keys can be changed here: a new one, then everything under it, then no other. Those that
 * RELAY_SEALING_KEYS gives are the operator's to change.
 */
async function inDataFolder({ dataFolder, encryptBodies, sealingKeys }: Config): Promise<string> {
	await readDataFolder(dataFolder);
	const folder = await openDataFolder(dataFolder, systemIds);
	try {
		const keys =
			sealingKeys ??
			(await withNewKey(folder.keys.sealingKeys, (changed) => replaceSealingKeys(folder, changed)));
		const store = await openSqliteStore({ path: join(dataFolder, STORE_FILE) });
		const said = await sealAnew(store, keys, encryptBodies);
		if (sealingKeys !== null) return said + whatNext(keys);
		await replaceSealingKeys(folder, keys.slice(-1));
		return `${said}Backups made before need the keys from before. Copy the folder keys to where its backup is.\n`;
	} finally {
		folder.close();
	}
}

/** The relays go on meanwhile: all of them have the keys already, the newest included, else the store refuses. */
async function inPostgres({ sealingKeys, dataFolder, encryptBodies }: Config, url: string): Promise<string> {
	const keys = sealingKeys ?? (await readDataFolder(dataFolder)).keys.sealingKeys;
	const store = await openPostgresStore({
		url,
		clock: systemClock,
		ids: systemIds,
		fingerprints: sealingFingerprints(keys),
	});
	const said = await sealAnew(store, keys, encryptBodies);
	const newest = keys.at(-1)?.id ?? 0;
	await onOneConnection(readDatabaseUrl(url), (client) => forgetKeysOlderThan(client, newest));
	return said + whatNext(keys);
}

/** Where the keys are not this command's to change. */
const whatNext = (keys: readonly SealingKey[]): string =>
	keys.length === 1
		? `To have a new key, add the line ${nextLine(keys)} to the sealing keys of every relay, restart them, and run this again.\n`
		: "The other sealing keys can go now: take them from every relay's settings and restart it.\n";

async function sealAnew(store: Store, keys: readonly SealingKey[], encryptBodies: boolean): Promise<string> {
	try {
		const sealer = createSealer(keys);
		const done = await rekey({ store, sealer, bodies: createBodies({ sealer, encrypt: encryptBodies }) });
		return (
			`Sealing key ${sealer.keyId} is in use: the secrets of ${done.subscriptions} subscriptions were sealed with it, ` +
			`${done.bodies} bodies ${encryptBodies ? 'too' : 'were put in the clear'}.\n`
		);
	} finally {
		await store.close();
	}
}

const nextLine = (keys: readonly SealingKey[]) => JSON.stringify(formatSealingKeys([newKey(keys)]).trim());

/**
 * The keys with a new one last. More than one means that an earlier run was broken off: its new key is used.
 */
async function withNewKey(
	keys: readonly SealingKey[],
	save: (keys: SealingKey[]) => Promise<void>,
): Promise<SealingKey[]> {
	if (keys.length > 1) return [...keys];
	const changed = [...keys, newKey(keys)];
	// On disk before anything is sealed with it.
	await save(changed);
	return changed;
}

const newKey = (keys: readonly SealingKey[]): SealingKey => ({
	id: nextKeyId(keys.at(-1)?.id ?? 0),
	key: systemIds.bytes(SEALING_KEY_BYTES),
});
