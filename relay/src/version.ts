import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
	version: string;
};

/** The relay's version, from its package.json, which lies above both `src` and `dist`. */
export const VERSION = manifest.version;
