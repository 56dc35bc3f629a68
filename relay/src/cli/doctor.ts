import { systemClock } from '../clock.ts';
import { ConfigError } from '../config.ts';
import type { Config } from '../config.ts';
import { diagnose } from '../doctor/index.ts';
import type { Finding } from '../doctor/index.ts';
import { createProbe } from '../doctor/probe.ts';
import { problem } from '../doctor/finding.ts';
import { systemIds } from '../ids.ts';
import { describeOptions, readOptions } from './options.ts';

const OPTIONS = {
	json: { type: 'boolean', about: 'Print JSON' },
	help: { type: 'boolean', about: 'Print this' },
} as const;

const HELP = `Looks at everything the relay depends on, changes nothing, and says of each finding what to do about it.
It reads the same environment variables as the relay, and CLEANLIST_API_KEY to check a key and its scopes.
Ends with 1 when there is a problem.

Usage: cleanlist-relay doctor [options]

${describeOptions(OPTIONS)}`;

const CLEANLIST = 'https://api.cleanlist.ai';

/**
 * `cleanlist-relay doctor`.
 *
 * @returns the exit code: 1 when there is a problem
 */
export async function doctorCommand(
	args: string[],
	{ config, env }: { config: () => Config; env: NodeJS.ProcessEnv },
	print: (text: string) => void,
): Promise<0 | 1> {
	const { json, help } = readOptions('doctor', args, OPTIONS);
	if (help) {
		print(HELP);
		return 0;
	}
	const findings = await examine(config, env);
	print(json ? `${JSON.stringify({ findings }, null, '\t')}\n` : describe(findings));
	return findings.some(({ level }) => level === 'problem') ? 1 : 0;
}

async function examine(config: () => Config, env: NodeJS.ProcessEnv): Promise<Finding[]> {
	let settings: Config;
	try {
		settings = config();
	} catch (error) {
		if (!(error instanceof ConfigError)) throw error;
		return error.message
			.split('\n')
			.map((says) => problem('settings', says, 'Correct this setting and look again.'));
	}
	return diagnose({
		config: settings,
		cleanlist: {
			key: env.CLEANLIST_API_KEY?.trim() || null,
			baseUrl: (env.CLEANLIST_BASE_URL?.trim() || CLEANLIST).replace(/\/+$/, ''),
		},
		probe: createProbe(systemClock),
		clock: systemClock,
		ids: systemIds,
	});
}

function describe(findings: readonly Finding[]): string {
	const width = Math.max(...findings.map(({ about }) => about.length)) + 2;
	const lines = findings.map(
		({ level, about, says, remedy }) =>
			`${level.padEnd(9)}${about.padEnd(width)}${says}\n${remedy === null ? '' : `${' '.repeat(9 + width)}→ ${remedy}\n`}`,
	);
	const count = (level: Finding['level']) => findings.filter((one) => one.level === level).length;
	return `${lines.join('')}\n${count('problem')} problems, ${count('warning')} warnings.\n`;
}
