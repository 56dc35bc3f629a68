import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');

/** Builds the package and packs it into `folder`, as publishing would; returns the tarball's path. */
export function packPackage(folder: string): string {
	npm(['run', '--silent', 'build:nodes']);
	const packed = JSON.parse(npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder])) as [
		{ filename: string },
	];
	return resolve(folder, packed[0].filename);
}

function npm(args: string[]): string {
	return execFileSync('npm', args, {
		cwd: ROOT,
		encoding: 'utf8',
		stdio: ['ignore', 'pipe', 'inherit'],
		shell: process.platform === 'win32',
	});
}
