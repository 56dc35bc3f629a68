import { execFileSync } from 'node:child_process';
import {
	chmodSync,
	chownSync,
	mkdirSync,
	mkdtempSync,
	rmSync,
	statfsSync,
	statSync,
	truncateSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unprivilegedAccount } from '../support/postgres.ts';

export const MEBIBYTE = 1024 * 1024;
/** The smallest piece that can make a difference. */
const SECTOR = 512;

/** A small real file system of its own: ext4 in a file, or tmpfs where no such file may be mounted. */
export interface SmallDisk {
	path: string;
	kind: 'ext4' | 'tmpfs';
	/** Makes a folder on it that a PostgreSQL of these tests may write to. */
	folderForPostgres(): string;
	/** Takes up this many bytes of it. */
	use(bytes: number): void;
	/** Writes until no byte more fits, then gives back this many. */
	fill(butFor?: number): void;
	/** Gives back what was used and filled. */
	free(): void;
	freeBytes(): number;
	dispose(): void;
}

/** @throws Error with the reason when nothing can be mounted here */
export function mountSmallDisk(mebibytes: number): SmallDisk {
	const folder = mkdtempSync(join(tmpdir(), 'relay-disk-'));
	const path = join(folder, 'mounted');
	mkdirSync(path);
	const kind = mountAny(folder, path, mebibytes);
	const ballast = join(path, 'ballast');
	return {
		path,
		kind,
		folderForPostgres() {
			const made = mkdtempSync(join(path, 'postgres-'));
			const account = unprivilegedAccount();
			if (account) {
				chownSync(made, account.uid, account.gid);
				chmodSync(folder, 0o711);
			}
			return made;
		},
		use: (bytes) => writeFileSync(ballast, Buffer.alloc(bytes, 1), { flag: 'a', flush: true }),
		fill(butFor = 0) {
			// In ever smaller pieces, until not one is left.
			for (let bytes = MEBIBYTE; bytes >= SECTOR;) {
				try {
					this.use(bytes);
				} catch (error) {
					if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
					bytes /= 2;
				}
			}
			truncateSync(ballast, statSync(ballast).size - butFor);
		},
		free: () => rmSync(ballast, { force: true }),
		freeBytes() {
			const { bavail, bsize } = statfsSync(path);
			return bavail * bsize;
		},
		dispose() {
			execFileSync('umount', [path]);
			rmSync(folder, { recursive: true });
		},
	};
}

function mountAny(folder: string, path: string, mebibytes: number): SmallDisk['kind'] {
	try {
		const image = join(folder, 'image');
		writeFileSync(image, '');
		truncateSync(image, mebibytes * MEBIBYTE);
		// No blocks kept for root, who would find the disk less full than anyone else.
		execFileSync('mkfs.ext4', ['-q', '-m', '0', image], { stdio: 'pipe' });
		execFileSync('mount', ['-o', 'loop', image, path], { stdio: 'pipe' });
		return 'ext4';
	} catch {
		execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'none', path], { stdio: 'pipe' });
		return 'tmpfs';
	}
}
