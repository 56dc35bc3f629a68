import { closest } from '../closest.ts';
import { CONTROL_PREFIX } from '../reference/prefixes.ts';
import { describeOptions, readArguments } from './options.ts';
import { SEED_OPTIONS } from './seed-start.ts';
import { FAULT_OPTIONS, VERBS } from './steer-verbs.ts';
import type { Request } from './steer-verbs.ts';
import { UsageError } from './usage-error.ts';

const DEFAULT_URL = 'http://127.0.0.1:8718';

const COMMON = {
	url: {
		type: 'string',
		value: 'URL',
		about: `Where it runs [${DEFAULT_URL}]; a relay's own: http://127.0.0.1:8717`,
	},
	help: { type: 'boolean', about: 'Print this' },
} as const;

const HELP = `Steers a running reference API, as requests to ${CONTROL_PREFIX} do, and prints its answer in JSON.

Usage: cleanlist-relay steer <what> [arguments] [options]

${Object.entries(VERBS)
	.map(([name, { args, about }]) => `  ${`${name} ${args ?? ''}`.padEnd(34)}${about}\n`)
	.join('')}
${describeOptions(COMMON)}
Of seed:
${describeOptions(SEED_OPTIONS)}
Of fault:
${describeOptions(FAULT_OPTIONS)}`;

/**
 * `cleanlist-relay steer`.
 *
 * @throws UsageError for what can't be understood, what the reference API refuses, and when nothing answers
 */
export async function steerCommand(args: string[], print: (text: string) => void): Promise<void> {
	const [name = '--help', ...rest] = args;
	if (name === '--help') return print(HELP);
	const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
	if (!verb) {
		const meant = closest(name, Object.keys(VERBS));
		throw new UsageError(
			`steer has no ${JSON.stringify(name)}; ${meant ? `did you mean ${meant}?` : `it has ${Object.keys(VERBS).join(', ')}.`}`,
		);
	}
	const command = `steer ${name}`;
	const most = verb.most ?? (verb.args ? verb.args.split(' ').length : 0);
	const { values, positionals } = readArguments(command, rest, { ...verb.options, ...COMMON }, most);
	if (values.help) return print(HELP);
	// What stands in brackets may be left out.
	if (positionals.length === 0 && verb.args && !verb.args.startsWith('[')) {
		throw new UsageError(`${command} needs an argument: ${command} ${verb.args}.`);
	}
	const answer = await send(values.url ?? DEFAULT_URL, await verb.request(positionals, values));
	print(`${JSON.stringify(answer, null, '\t')}\n`);
}

/** @throws UsageError with what the reference API says when it refuses, or when it does not answer */
async function send(base: string, { method, path, body }: Request): Promise<unknown> {
	if (!/^https?:$/.test(URL.parse(base)?.protocol ?? '')) {
		throw new UsageError(`--url is ${JSON.stringify(base)}, but must be a URL, as in ${DEFAULT_URL}.`);
	}
	const url = base.replace(/\/+$/, '') + CONTROL_PREFIX + path;
	const response = await fetch(url, {
		method,
		...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
	}).catch(() => {
		throw new UsageError(
			`Nothing answers at ${base}. Start it with "cleanlist-relay reference", or say with --url where it runs.`,
		);
	});
	const answer = (await response.json().catch(() => null)) as {
		error?: { problem?: string; fix?: string | null };
	} | null;
	if (response.ok && answer) return answer;
	const { problem, fix } = answer?.error ?? {};
	throw new UsageError(
		problem
			? `${problem} ${fix ?? ''}`.trim()
			: `What runs at ${base} is no reference API, or is not to be steered: ${response.status}.`,
	);
}
