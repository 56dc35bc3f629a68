import { open } from 'node:fs/promises';

/**
 * Makes a file that only this user can read, or `owner`, with this text on disk when it resolves.
 *
 * @throws Error when it exists
 */
export async function writeDurably(
	file: string,
	text: string,
	owner?: { uid: number; gid: number },
): Promise<void> {
	const handle = await open(file, 'wx', 0o600);
	try {
		if (owner) await handle.chown(owner.uid, owner.gid);
		await handle.writeFile(text);
		await handle.sync();
	} finally {
		await handle.close();
	}
}

/** Makes what others wrote to a file survive a power cut. */
export async function syncFile(file: string): Promise<void> {
	// To be written: Windows syncs no other.
	const handle = await open(file, 'r+');
	try {
		await handle.sync();
	} finally {
		await handle.close();
	}
}

/**
 * Makes what was created or renamed in the folder survive a power cut. Windows can't open a folder; and one that may
 * be written but not read can't be synced.
 */
export async function syncFolder(path: string): Promise<void> {
	if (process.platform === 'win32') return;
	const handle = await open(path, 'r').catch((error: unknown) => {
		if ((error as NodeJS.ErrnoException).code === 'EACCES') return null;
		throw error;
	});
	if (handle === null) return;
	try {
		await handle.sync();
	} finally {
		await handle.close();
	}
}
