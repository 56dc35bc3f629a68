import { existsSync } from 'node:fs';
import { access, constants, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder, writeDurably } from './durably.ts';
import type { Ids } from './ids.ts';
import { MANAGEMENT_TOKEN, mintManagementToken } from './management-token.ts';
import { formatSealingKeys, parseSealingKeys, SEALING_KEY_BYTES } from './sealing.ts';
import type { SealingKey } from './sealing.ts';
import { takeLock } from './sqlite/lock.ts';

/** The secrets of one relay, made on its first start and kept in the folder `keys`, a file each. */
export interface Keys {
	/** The first management token, `crt_` + 256 bits: for n8n's credential and for operators. */
	relayToken: string;
	/** The reference API's demo key: `clapi_` + 64 URL-safe characters, as the vendor mints them. */
	demoKey: string;
	/** 32 bytes that ingest tokens are derived from. */
	masterKey: Buffer;
	/** What signing secrets and bodies are sealed with; the last one seals. */
	sealingKeys: SealingKey[];
}

/** The keys of the data folder, or those that the configuration gives every relay on one database. */
export const sharedKeys = (keys: Keys, { masterKey, sealingKeys }: SharedKeys): Keys => ({
	...keys,
	...(masterKey && { masterKey }),
	...(sealingKeys && { sealingKeys }),
});
type SharedKeys = { [Key in 'masterKey' | 'sealingKeys']: Keys[Key] | null };

export interface DataFolder {
	path: string;
	keysFolder: string;
	keys: Keys;
	/** Whether this start made the keys. */
	created: boolean;
	/** Lets another relay use the folder. */
	close(): void;
}

/** The folder can't be used. The message is one sentence that says what to do. */
export class DataFolderError extends Error {
	override readonly name = 'DataFolderError';
}

const KEY_FILES = {
	relayToken: { file: 'relay-token', form: MANAGEMENT_TOKEN },
	demoKey: { file: 'demo-key', form: /^clapi_[A-Za-z0-9_-]{64}$/ },
	masterKey: { file: 'master-key', form: /^[A-Za-z0-9+/]{43}=$/ },
	sealingKeys: { file: 'sealing-keys', form: /^(\d{1,3} [A-Za-z0-9+/]{43}=\n?)+$/ },
} as const;

/** The file of the event store, as composed in app.ts. */
export const STORE_FILE = 'relay.sqlite';
export const REFERENCE_FILE = 'reference.sqlite';

/** POSIX permission bits say nothing on Windows, where the folder's access list protects the keys. */
const HAS_MODES = process.platform !== 'win32';

/**
 * Opens the data folder, making it (mode 0700) and its keys (mode 0600) when they are not there, and locks it for
 * this process.
 *
 * @throws DataFolderError when it can't be written, is in use, or its keys are unsafe, damaged or gone
 */
export async function openDataFolder(path: string, ids: Ids): Promise<DataFolder> {
	const keysFolder = join(path, 'keys');
	await usable(path, () => makeFolder(path));
	// Else SQLite would open what it can't write, and say later, in words of its own, that it can't.
	await usable(path, () => access(path, constants.W_OK));
	const unlock = await usable(path, async () => lock(path));
	try {
		const created = await usable(path, () => ensureKeys(path, keysFolder, ids));
		return { path, keysFolder, keys: await readKeys(keysFolder), created, close: unlock };
	} catch (error) {
		unlock();
		throw error;
	}
}

/**
 * Reads the keys of a data folder that a relay has used, whether or not one is running on it now.
 *
 * @throws DataFolderError when there is none, or its keys are unsafe, damaged or gone
 */
export async function readDataFolder(
	path: string,
): Promise<Pick<DataFolder, 'path' | 'keysFolder' | 'keys'>> {
	const keysFolder = join(path, 'keys');
	if (!existsSync(keysFolder)) {
		throw new DataFolderError(
			`There is no relay's data in ${path}: set RELAY_DATA to the folder of the relay that is meant.`,
		);
	}
	return { path, keysFolder, keys: await readKeys(keysFolder) };
}

/**
 * Makes the folder and those above it. Not by Node's `recursive`: that never comes back where a folder can't be
 * made although the one above exists, as in /proc.
 */
async function makeFolder(path: string): Promise<void> {
	const above = dirname(path);
	try {
		await mkdir(path, { mode: 0o700 });
	} catch (error) {
		if (errorCode(error) === 'EEXIST' && (await stat(path)).isDirectory()) return;
		if (errorCode(error) !== 'ENOENT' || existsSync(above)) throw error;
		await makeFolder(above);
		await mkdir(path, { mode: 0o700 });
	}
	// A folder's name is kept in the one above. Without this a power cut may forget the name, and all below it.
	await syncFolder(above);
}

/** Locks the folder for as long as the process lives. */
function lock(path: string): () => void {
	const unlock = takeLock(join(path, 'lock'));
	if (unlock) return unlock;
	throw new DataFolderError(
		`Another relay is using the data folder ${path}: stop it, or set RELAY_DATA to a folder of its own.`,
	);
}

/** Makes the keys when there are none. The folder `keys` appears whole, by one rename, or not at all. */
async function ensureKeys(path: string, keysFolder: string, ids: Ids): Promise<boolean> {
	for (const name of await readdir(path)) {
		if (name.startsWith('keys.new-')) await rm(join(path, name), { recursive: true });
	}
	if (existsSync(keysFolder)) return false;
	if (existsSync(join(path, STORE_FILE))) {
		throw new DataFolderError(
			`The data folder ${path} holds events but no keys: put its folder "keys" back from a backup, or set RELAY_DATA to a new folder.`,
		);
	}

	const fresh = join(path, `keys.new-${ids.uuid()}`);
	await mkdir(fresh, { mode: 0o700 });
	await writeDurably(join(fresh, KEY_FILES.relayToken.file), `${mintManagementToken(ids)}\n`);
	await writeDurably(join(fresh, KEY_FILES.demoKey.file), `clapi_${ids.bytes(48).toString('base64url')}\n`);
	await writeDurably(join(fresh, KEY_FILES.masterKey.file), `${ids.bytes(32).toString('base64')}\n`);
	const sealingKeys = [{ id: 1, key: ids.bytes(SEALING_KEY_BYTES) }];
	await writeDurably(join(fresh, KEY_FILES.sealingKeys.file), formatSealingKeys(sealingKeys));
	await syncFolder(fresh);
	await rename(fresh, keysFolder);
	await syncFolder(path);
	return true;
}

async function readKeys(keysFolder: string): Promise<Keys> {
	return {
		relayToken: await readKey(keysFolder, KEY_FILES.relayToken),
		demoKey: await readKey(keysFolder, KEY_FILES.demoKey),
		masterKey: Buffer.from(await readKey(keysFolder, KEY_FILES.masterKey), 'base64'),
		sealingKeys: await readSealingKeys(keysFolder),
	};
}

async function readSealingKeys(keysFolder: string): Promise<SealingKey[]> {
	const keys = parseSealingKeys(await readKey(keysFolder, KEY_FILES.sealingKeys));
	if (!keys) throw damaged(join(keysFolder, KEY_FILES.sealingKeys.file));
	return keys;
}

/**
 * Replaces the sealing keys of a data folder, durably: afterwards the file holds these keys or, should the power fail
 * meanwhile, the ones before, whole either way.
 */
export async function replaceSealingKeys(
	{ keysFolder }: Pick<DataFolder, 'keysFolder'>,
	keys: readonly SealingKey[],
): Promise<void> {
	const file = join(keysFolder, KEY_FILES.sealingKeys.file);
	await usable(keysFolder, async () => {
		await rm(`${file}.new`, { force: true });
		// Run by root for a service, this must not leave a file that the service's user can't read.
		const owner = process.getuid?.() === 0 ? await stat(file) : undefined;
		await writeDurably(`${file}.new`, formatSealingKeys(keys), owner);
		await rename(`${file}.new`, file);
		await syncFolder(keysFolder);
	});
}

async function readKey(keysFolder: string, key: { file: string; form: RegExp }): Promise<string> {
	const file = join(keysFolder, key.file);
	const { mode } = await usable(keysFolder, async () => stat(file)).catch((error: unknown) => {
		if (errorCode((error as Error).cause) !== 'ENOENT') throw error;
		throw new DataFolderError(`The key file ${file} is missing: ${RESTORE}.`);
	});
	if (HAS_MODES && (mode & 0o077) !== 0) {
		throw new DataFolderError(
			`Other users of this machine can read the key file ${file}: run chmod 600 ${file}`,
		);
	}
	const text = (await usable(keysFolder, async () => readFile(file, 'utf8'))).trim();
	if (!key.form.test(text)) throw damaged(file);
	return text;
}

const RESTORE = 'put it back from a backup';
const damaged = (file: string) => new DataFolderError(`The key file ${file} is damaged: ${RESTORE}.`);

/** Runs one step on the folder and puts its failure into a sentence. */
async function usable<T>(path: string, step: () => Promise<T>): Promise<T> {
	try {
		return await step();
	} catch (error) {
		if (error instanceof DataFolderError) throw error;
		throw new DataFolderError(
			`The data folder ${path} can't be used (${fileFailure(error)}): make it writable for this user, or set RELAY_DATA to another folder.`,
			{ cause: error },
		);
	}
}

const REASONS: Record<string, string> = {
	EACCES: 'permission denied',
	EPERM: 'permission denied',
	EROFS: 'the file system is read-only',
	ENOSPC: 'the disk is full',
	EDQUOT: 'the disk quota is used up',
	ENOTDIR: 'part of the path is a file, not a folder',
	EEXIST: 'it is a file, not a folder',
	ENAMETOOLONG: 'the path is too long',
	ENOENT: 'part of the path does not exist',
};

/** Why the system would not do something with a file, in a few words. */
export function fileFailure(error: unknown): string {
	return REASONS[errorCode(error) ?? ''] ?? (error as Error).message;
}

const errorCode = (error: unknown) => (error as NodeJS.ErrnoException | undefined)?.code;
