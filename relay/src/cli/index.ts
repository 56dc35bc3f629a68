import { closest } from '../closest.ts';
import { readConfig } from '../config.ts';
import { UsageError } from './usage-error.ts';

/** What `cleanlist-relay` can do besides being the relay. */
export const COMMANDS = {
	backup: "Copy the relay's database, running or not, and verify the copy",
	doctor: 'Look at everything the relay depends on, and say what to do',
	migrate: 'Bring the PostgreSQL of DATABASE_URL to the version of this program',
	move: 'Move everything from SQLite to PostgreSQL, and verify it',
	rekey: 'Seal secrets and encrypted bodies with a new key',
	reference: 'Run the reference API alone, in memory or on a file',
	seed: 'Print the keys of the people that a seed makes',
	steer: 'Steer a running reference API: reset, clock, faults, …',
} as const;

/** An end of the process that was asked for twice does not wait. */
const IMPATIENT = 130;

/**
 * Runs a command. Returns once it is done, or is running.
 *
 * @throws UsageError for a command that there is not, or options that it does not have; CommandError and
 *   DataFolderError when it can't be done
 */
export async function runCommand(name: string, args: string[]): Promise<void> {
	const print = (text: string) => void process.stdout.write(text);
	const config = () => readConfig(process.env);
	// What a command makes is for this user alone, as what the relay makes.
	process.umask(0o077);
	// Each is loaded only when it is run: the relay itself needs none, and what they import takes memory.
	switch (name) {
		case 'backup':
			return (await import('./backup.ts')).backupCommand(args, config, print);
		case 'doctor':
			process.exitCode = await (
				await import('./doctor.ts')
			).doctorCommand(args, { config, env: process.env }, print);
			return;
		case 'migrate':
			return (await import('./migrate.ts')).migrateCommand(args, config, print);
		case 'move':
			return (await import('./move.ts')).moveCommand(args, process.env, print);
		case 'rekey':
			return (await import('./rekey.ts')).rekeyCommand(args, config, print);
		case 'reference': {
			const running = await (
				await import('./reference.ts')
			).referenceCommand(args, { out: process.stdout, err: process.stderr });
			if (running) closeOnSignals(running.close);
			return;
		}
		case 'seed':
			return (await import('./seed.ts')).seedCommand(args, print);
		case 'steer':
			return (await import('./steer.ts')).steerCommand(args, print);
		default: {
			const meant = closest(name, Object.keys(COMMANDS));
			throw new UsageError(
				`There is no command ${JSON.stringify(name)}; ${meant ? `did you mean ${meant}?` : `there are ${new Intl.ListFormat('en-GB').format(Object.keys(COMMANDS))}.`}`,
			);
		}
	}
}

function closeOnSignals(close: () => Promise<void>): void {
	let asked = false;
	const onSignal = () => {
		if (asked) process.exit(IMPATIENT);
		asked = true;
		void close().finally(() => process.exit(0));
	};
	process.on('SIGINT', onSignal);
	process.on('SIGTERM', onSignal);
}
