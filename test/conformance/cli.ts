import { parseArgs } from 'node:util';
import { allCases } from './cases.ts';
import { PREFIXES } from './contract.ts';
import type { Effect } from './contract.ts';
import { remoteTarget } from './remote-target.ts';
import { reportOf } from './report.ts';
import type { Result } from './report.ts';
import { run } from './run.ts';
import { World } from './world.ts';

const HELP = `Usage: npm run conformance -- --base-url https://api.cleanlist.ai [--key clapi_…]

Compares an API with the contract, case by case, and prints what differs. Reads only, unless told otherwise.
A difference is something to look into, never a failure: the exit code is 0.

  --base-url URL    scheme and host of the API, without a prefix (or CONFORMANCE_BASE_URL)
  --key KEY         the API key; better in the environment, as CLEANLIST_API_KEY. It is never printed
  --allow-writes    also make and change lists (those it made are deleted at the end)
  --allow-paid      also enrich, which spends credits: some hundreds
  --operation NAME  only this operation, by its name in the contract; may be repeated
  --pause MS        between two requests, to stay below the rate limit [2100]
  --verbose         list what could not be run, too
`;

process.exitCode = await main(process.argv.slice(2));

/** @returns the exit code: 1 only when it was called wrongly */
async function main(args: string[]): Promise<number> {
	const options = parse(args);
	if (!options) return 1;
	const baseUrl = options['base-url'] ?? process.env.CONFORMANCE_BASE_URL;
	const key = options.key ?? process.env.CLEANLIST_API_KEY;
	if (options.help || !baseUrl || !key || !URL.canParse(baseUrl)) {
		process.stdout.write(HELP);
		return options.help ? 0 : 1;
	}
	const allowed = new Set<Effect>([
		...(options['allow-writes'] || options['allow-paid'] ? (['write'] as const) : []),
		...(options['allow-paid'] ? (['paid'] as const) : []),
	]);
	const target = remoteTarget({
		baseUrl: new URL(baseUrl).origin,
		key,
		allowed,
		pauseMs: Number(options.pause ?? 2_100),
	});
	const worlds = new Map(PREFIXES.map((prefix) => [prefix, new World(target, prefix)]));
	const results: Result[] = [];
	try {
		for (const one of allCases()) {
			if (options.operation && !options.operation.includes(one.endpoint.name)) continue;
			results.push({ case: one, outcome: await run(one, worlds.get(one.prefix)!) });
			if (process.stderr.isTTY) process.stderr.write(`\r${results.length} cases `);
		}
	} catch (error) {
		process.stderr.write(`\nEnded early, for the API can't be reached: ${scrub(messageOf(error), key)}\n`);
	} finally {
		for (const world of worlds.values()) await world.cleanUp().catch(() => undefined);
	}
	process.stdout.write(scrub(reportOf(results, { verbose: options.verbose ?? false }), key));
	return 0;
}

function parse(args: string[]) {
	try {
		return parseArgs({
			args,
			options: {
				'base-url': { type: 'string' },
				key: { type: 'string' },
				'allow-writes': { type: 'boolean' },
				'allow-paid': { type: 'boolean' },
				operation: { type: 'string', multiple: true },
				pause: { type: 'string' },
				verbose: { type: 'boolean' },
				help: { type: 'boolean', short: 'h' },
			},
		}).values;
	} catch (error) {
		process.stderr.write(`${messageOf(error)}\n\n${HELP}`);
		return null;
	}
}

function messageOf(error: unknown): string {
	const { message, cause } = error as Error;
	return cause instanceof Error ? `${message} (${cause.message})` : message;
}

/** An answer that echoes the key must not bring it to the screen. */
function scrub(text: string, key: string): string {
	return text.replaceAll(key, 'clapi_…');
}
