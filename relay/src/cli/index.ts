import { closest } from '../closest.ts';
import { referenceCommand } from './reference.ts';
import { seedCommand } from './seed.ts';
import { UsageError } from './usage-error.ts';

/** What `cleanlist-relay` can do besides being the relay. */
export const COMMANDS = {
	reference: 'Run the reference API alone, in memory or on a file',
	seed: 'Print the keys of the people that a seed makes',
} as const;

/** An end of the process that was asked for twice does not wait. */
const IMPATIENT = 130;

/**
 * Runs a command. Returns once it is done, or is running.
 *
 * @throws UsageError for a command that there is not, or options that it does not have
 */
export async function runCommand(name: string, args: string[]): Promise<void> {
	switch (name) {
		case 'reference': {
			const running = await referenceCommand(args, { out: process.stdout, err: process.stderr });
			if (running) closeOnSignals(running.close);
			return;
		}
		case 'seed':
			return seedCommand(args, (text) => void process.stdout.write(text));
		default: {
			const meant = closest(name, Object.keys(COMMANDS));
			throw new UsageError(
				`There is no command ${JSON.stringify(name)}; ${meant ? `did you mean ${meant}?` : `there are ${Object.keys(COMMANDS).join(' and ')}.`}`,
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
