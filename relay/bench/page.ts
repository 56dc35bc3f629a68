import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';

const FILE = join(import.meta.dirname, '../../docs/benchmarks.md');
const INTRODUCTION = `# Benchmarks

Machines are noisy: read the ratios, which compare two things measured in turn in the same run, not the absolute figures.
`;

/**
 * Puts a section into docs/benchmarks.md, in place of the one that the same tool wrote before; the others stay.
 *
 * @param command what makes the section, e.g. `npm run bench:nodes`
 * @returns the file's path
 */
export async function writeSection(command: string, section: string): Promise<string> {
	const page = existsSync(FILE) ? readFileSync(FILE, 'utf8') : INTRODUCTION;
	const options = await resolveConfig(FILE);
	writeFileSync(FILE, await format(withSection(page, command, section), { ...options, parser: 'markdown' }));
	return FILE;
}

function withSection(page: string, command: string, section: string): string {
	const begin = `<!-- made by "${command}" -->`;
	const end = `<!-- end of "${command}" -->`;
	const whole = `${begin}\n\n${section.trim()}\n\n${end}`;
	const from = page.indexOf(begin);
	const to = page.indexOf(end);
	if (from < 0 || to < from) return `${page.trimEnd()}\n\n${whole}\n`;
	return page.slice(0, from) + whole + page.slice(to + end.length);
}
