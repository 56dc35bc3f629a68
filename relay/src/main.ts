#!/usr/bin/env node
import { createRelay, ListenError } from './app.ts';
import type { Relay } from './app.ts';
import { CommandError } from './cli/command-error.ts';
import { COMMANDS, runCommand } from './cli/index.ts';
import { UsageError } from './cli/usage-error.ts';
import { systemClock } from './clock.ts';
import { closest } from './closest.ts';
import { ConfigError, readConfig, SETTINGS } from './config.ts';
import type { Config } from './config.ts';
import { DataFolderError, openDataFolder } from './data-folder.ts';
import type { DataFolder } from './data-folder.ts';
import { systemIds } from './ids.ts';
import { chooseFormat, createLogger, scrub, stdoutLog } from './log.ts';
import type { Logger } from './log.ts';
import { collectYoungAlone, giveBackStartupMemoryWhenIdle } from './memory.ts';
import { DatabaseError } from './store/postgres/inspect.ts';
import { VERSION } from './version.ts';
import { welcome } from './welcome.ts';

/**
 * Two signals within this time count as one: after a single Ctrl-C the terminal signals every process of the
 * group, and `npm start`, being one of them, passes the signal on once more.
 */
const SAME_PRESS_MS = 500;

const HELP = `cleanlist-relay ${VERSION}

Takes Cleanlist's webhooks in, loses none, and gets them to n8n.

Usage: cleanlist-relay [--help | --version]
       cleanlist-relay <command> [options]

Commands, each with its own --help:
${Object.entries(COMMANDS)
	.map(([name, about]) => `  ${name.padEnd(31)}${about}`)
	.join('\n')}

Settings are environment variables (default in brackets):
${SETTINGS.map(({ name, about, usually }) => `  ${name.padEnd(31)}${about} [${usually}]`).join('\n')}
`;

/** An argument nobody knows. */
class ArgumentError extends Error {}

await main(process.argv.slice(2));

async function main(args: string[]): Promise<void> {
	try {
		const [first = '', ...rest] = args;
		// Whatever is no option is a command.
		if (/^[^-]/.test(first)) await runCommand(first, rest);
		else if (!answered(args)) await run(readConfig(process.env));
	} catch (error) {
		const expected = [
			ArgumentError,
			CommandError,
			ConfigError,
			DatabaseError,
			DataFolderError,
			ListenError,
			UsageError,
		].some((type) => error instanceof type);
		const message = error instanceof Error ? error.message : String(error);
		complain(expected ? message : `The relay could not start: ${message}`);
		process.exitCode = 1;
	}
}

/** Answers `--help` and `--version`. False when there is nothing to answer. */
function answered(args: string[]): boolean {
	const [argument] = args;
	if (argument === undefined) return false;
	if (argument === '--help' || argument === '-h') process.stdout.write(HELP);
	else if (argument === '--version' || argument === '-v') process.stdout.write(`${VERSION}\n`);
	else {
		const meant = closest(argument, ['--help', '--version']);
		throw new ArgumentError(
			`There is no argument ${JSON.stringify(argument)}${meant ? `; did you mean ${meant}?` : ': settings are environment variables, listed by --help.'}`,
		);
	}
	return true;
}

/** How long the end waits for the last log lines to be taken, in ms. */
const LAST_LINES_MS = 1_000;

async function run(config: Config): Promise<void> {
	collectYoungAlone();
	// Everything made from here on, databases included, is for this user alone.
	process.umask(0o077);
	const folder = await openDataFolder(config.dataFolder, systemIds);
	const output = stdoutLog();
	const log = createLogger({
		level: config.log.level,
		format: chooseFormat(config.log.format, process.stdout.isTTY),
		output,
	});
	const exit = (code: number) => {
		const leave = () => process.exit(code);
		output.flush(leave);
		// A reader that does not read must not keep the process.
		systemClock.schedule(LAST_LINES_MS, leave);
	};
	process.on('uncaughtException', (error) => {
		log.fatal({ err: error }, 'stopped by a defect');
		exit(1);
	});

	const started: { relay: Relay | null } = { relay: null };
	// From here on: the first process of a container ignores signals that it does not handle.
	stopOnSignals({ started, folder, log, exit });
	const relay = await createRelay({ config, keys: folder.keys, log });
	giveBackStartupMemoryWhenIdle();
	const url = await relay.listen().catch(async (error: unknown) => {
		await relay.close();
		throw error;
	});
	started.relay = relay;

	const referenceUrl = relay.hasReference ? url : null;
	process.stderr.write(
		welcome({ folder, url, referenceUrl, hasOwnToken: config.token !== null, showKeys: config.showKeys }),
	);
	log.info({ url, reference_url: referenceUrl, data_folder: folder.path, version: VERSION }, 'ready');
}

/**
 * The first SIGINT or SIGTERM finishes what is under way, then exits 0; a second one exits at once. While it starts nothing is
 * under way that would not survive its end.
 */
function stopOnSignals(options: {
	started: { readonly relay: Relay | null };
	folder: DataFolder;
	log: Logger;
	exit: (code: number) => void;
}): void {
	const { started, folder, log, exit } = options;
	let firstAt: number | null = null;

	const onSignal = (signal: NodeJS.Signals) => {
		const now = systemClock.monotonic();
		if (firstAt !== null) {
			if (now - firstAt < SAME_PRESS_MS) return;
			log.warn({ signal }, 'stopped without finishing');
			exit(signal === 'SIGINT' ? 130 : 143);
		}
		firstAt = now;
		if (started.relay === null) {
			log.info({ signal }, 'stopped while starting');
			return exit(0);
		}
		log.info({ signal }, 'stopping');
		started.relay
			.close()
			.then(() => {
				folder.close();
				log.info('stopped');
				exit(0);
			})
			.catch((error: unknown) => {
				log.fatal({ err: error }, 'could not stop cleanly');
				exit(1);
			});
	};
	process.on('SIGINT', onSignal);
	process.on('SIGTERM', onSignal);
}

/** Tells a person what went wrong: to the screen, a sentence a line, and nothing else. */
function complain(message: string): void {
	process.stderr.write(
		`${message
			.split('\n')
			.map((line) => `cleanlist-relay: ${scrub(line)}`)
			.join('\n')}\n`,
	);
}
