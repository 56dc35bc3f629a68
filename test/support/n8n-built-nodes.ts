import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { ICredentialType, INodeType } from 'n8n-workflow';
import { n8n } from './n8n-core.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const SOURCES = ['package.json', 'tsconfig.json', 'index.ts', '{nodes,credentials}/**/*.{ts,json,svg}'];
/** Holds what `dist` was built from. Outside the folders that are published. */
const STAMP = join(ROOT, 'dist/.built-from');

/**
 * Builds the n8n package into `dist`, unless what is there was built from the very sources of now. Takes some
 * seconds, or milliseconds when there is nothing to do.
 *
 * @throws with the compiler's output when the build fails
 */
export async function buildNodes(): Promise<void> {
	const sources = fingerprint();
	if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === sources) return;
	const build = spawn('npm', ['run', '--silent', 'build:nodes'], {
		cwd: ROOT,
		stdio: ['ignore', 'pipe', 'pipe'],
		// npm is a script on Windows, which only a shell can start.
		shell: process.platform === 'win32',
	});
	let output = '';
	for (const stream of [build.stdout, build.stderr]) {
		stream.setEncoding('utf8').on('data', (text: string) => (output += text));
	}
	const [code] = (await once(build, 'close')) as [number | null];
	if (code !== 0) throw new Error(`The nodes could not be built.\n${output}`);
	writeFileSync(STAMP, sources);
}

export interface BuiltPackage {
	/** By full type, e.g. `n8n-nodes-cleanlist.cleanlist`. */
	nodes: Record<string, INodeType>;
	credentialTypes: ICredentialType[];
}

/** Loads what package.json names for n8n, the way n8n does: the class is called like its file. */
export function loadBuiltNodes(): BuiltPackage {
	const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
		name: string;
		n8n: { nodes: string[]; credentials: string[] };
	};
	const load = <T>(file: string): T => {
		const [className] = basename(file).split('.') as [string];
		const exported = n8n().require(join(ROOT, file)) as Record<string, new () => T>;
		return new exported[className]!();
	};
	const nodes = manifest.n8n.nodes.map((file) => load<INodeType>(file));
	return {
		nodes: Object.fromEntries(nodes.map((node) => [`${manifest.name}.${node.description.name}`, node])),
		credentialTypes: manifest.n8n.credentials.map((file) => load<ICredentialType>(file)),
	};
}

function fingerprint(): string {
	const hash = createHash('sha256');
	for (const file of globSync(SOURCES, { cwd: ROOT }).sort()) {
		hash
			.update(`${file}\0`)
			.update(readFileSync(join(ROOT, file)))
			.update('\0');
	}
	return hash.digest('hex');
}
