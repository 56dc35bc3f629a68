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
 * @param tool the npm script that makes the section
 * @returns the file's path
 */
export async function writeSection(tool: string, section: string): Promise<string> {
	const page = existsSync(FILE) ? readFileSync(FILE, 'utf8') : INTRODUCTION;
	const options = await resolveConfig(FILE);
	writeFileSync(FILE, await format(withSection(page, tool, section), { ...options, parser: 'markdown' }));
	return FILE;
}

function withSection(page: string, tool: string, section: string): string {
	const begin = `<!-- made by "npm run ${tool}" -->`;
	const end = `<!-- end of "npm run ${tool}" -->`;
	const whole = `${begin}\n\n${section.trim()}\n\n${end}`;
	const from = page.indexOf(begin);
	const to = page.indexOf(end);
	if (from < 0 || to < from) return `${page.trimEnd()}\n\n${whole}\n`;
	return page.slice(0, from) + whole + page.slice(to + end.length);
}
