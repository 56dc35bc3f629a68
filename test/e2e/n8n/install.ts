import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
	copyFileSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';

const SOURCE = import.meta.dirname;
const FILES = ['package.json', 'package-lock.json', '.npmrc'];
/** Written as the last act: a folder without it is not used. */
const FINISHED = 'finished';

/**
 * Installs the real n8n that package-lock.json names, unless the cache has it, and returns its folder. Takes three
 * to five minutes and 2.1 GB the first time, and nothing after that.
 *
 * The cache is `$XDG_CACHE_HOME/n8n-nodes-cleanlist` (`~/.cache/…` if unset), one folder for each lockfile and kind
 * of Node; deleting it is always safe. Two installations at the same time wait for each other.
 *
 * For another n8n: change its version in package.json, then `npm install --package-lock-only` in this folder.
 */
export async function installN8n(say: (line: string) => void): Promise<string> {
	const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'n8n-nodes-cleanlist');
	const folder = join(cache, `n8n-${wantedVersion()}-${fingerprint()}`);
	if (existsSync(join(folder, FINISHED))) return folder;

	mkdirSync(cache, { recursive: true });
	const unlock = await lock(join(cache, 'lock'), () => say('Another run is installing n8n; waiting for it.'));
	try {
		if (existsSync(join(folder, FINISHED))) return folder;
		say('Installing n8n for the end to end tests: 2.1 GB, three to five minutes, once.');
		const abandoned = readdirSync(cache).filter((name) => name.endsWith('.partial'));
		for (const name of abandoned) rmSync(join(cache, name), { recursive: true });
		rmSync(folder, { recursive: true, force: true });
		const partial = `${folder}.partial`;
		mkdirSync(partial);
		for (const file of FILES) copyFileSync(join(SOURCE, file), join(partial, file));
		await install(partial);
		writeFileSync(join(partial, FINISHED), '');
		renameSync(partial, folder);
		return folder;
	} finally {
		unlock();
	}
}

async function install(folder: string): Promise<void> {
	await npm(folder, ['ci', '--ignore-scripts', '--omit=optional', '--prefer-offline', '--no-progress']);
	// The one native part that n8n can't do without. Its prebuilt binary would come from another host than the
	// registry, so it is compiled; one compiled for another Node's headers crashes n8n.
	const headers = nodeHeaders();
	await npm(folder, ['rebuild', 'sqlite3'], {
		npm_config_build_from_source: 'true',
		// Compilers at the same time: as many as there are cores.
		JOBS: 'max',
		...(headers && { npm_config_nodedir: headers }),
	});
}

/** Runs npm on the Node that runs this. @throws Error with all of its output when it fails */
async function npm(folder: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
	const path = [dirname(process.execPath), process.env.PATH].join(delimiter);
	const child = spawn('npm', args, {
		cwd: folder,
		env: { ...process.env, ...env, PATH: path },
		stdio: ['ignore', 'pipe', 'pipe'],
		shell: process.platform === 'win32',
	});
	let output = '';
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding('utf8').on('data', (text: string) => (output += text));
	}
	const code = await new Promise<number | null>((resolve, reject) => {
		child.once('error', reject).once('close', resolve);
	});
	if (code !== 0) throw new Error(`npm ${args.join(' ')} failed (${code}) in ${folder}:\n${output}`);
}

/**
 * Where this Node's own headers are: beside the binary in Node's own archives, in the platform's package for a
 * Node from npm. Null when there are none; node-gyp then downloads them.
 */
function nodeHeaders(): string | null {
	const home = dirname(dirname(process.execPath));
	const { platform, arch } = process;
	return (
		[
			home,
			join(home, 'node_modules', `node-${platform}-${arch}`),
			join(home, '..', `node-${platform}-${arch}`),
		]
			// A Linux distribution keeps its own Node's headers under /usr; hence the look at the version.
			.find((folder) => headersVersion(folder) === process.version) ?? null
	);
}

function headersVersion(folder: string): string | null {
	const file = join(folder, 'include', 'node', 'node_version.h');
	if (!existsSync(file)) return null;
	const text = readFileSync(file, 'utf8');
	const part = (name: string) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(text)?.[1];
	return `v${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}`;
}

function wantedVersion(): string {
	const { dependencies } = JSON.parse(readFileSync(join(SOURCE, 'package.json'), 'utf8')) as {
		dependencies: { n8n: string };
	};
	return dependencies.n8n;
}

/** Changes whenever an installation made before can't be used any more. */
function fingerprint(): string {
	return createHash('sha256')
		.update(readFileSync(join(SOURCE, 'package-lock.json')))
		.update([process.platform, process.arch, process.versions.modules].join('-'))
		.digest('hex')
		.slice(0, 16);
}

/**
 * Waits for an exclusive SQLite transaction on the file: the operating system ends it with the process, however
 * that ends, so a killed installation leaves no stale lock.
 */
async function lock(file: string, onWait: () => void): Promise<() => void> {
	const db = new DatabaseSync(file, { timeout: 0 });
	for (let waits = 0; ; waits++) {
		try {
			db.exec('BEGIN EXCLUSIVE');
			return () => db.close();
		} catch (error) {
			const { errcode } = error as { errcode?: number };
			if (errcode !== 5 /* SQLITE_BUSY */) {
				db.close();
				throw error;
			}
		}
		if (waits === 0) onWait();
		await pause(500);
	}
}

// Not awaited: Jest loads this file as CommonJS, which has no await here. A rejection ends the process with code 1.
if (process.argv[1] === import.meta.filename) {
	void installN8n((line) => process.stderr.write(`${line}\n`)).then((folder) =>
		process.stdout.write(`${folder}\n`),
	);
}
