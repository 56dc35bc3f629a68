import { pino } from 'pino';
import { systemClock } from '../clock.ts';
import { systemIds } from '../ids.ts';
import { accountsView } from '../reference/control/routes.ts';
import { openReference } from '../reference/index.ts';
import { describeOptions, readOptions } from './options.ts';
import { describePeople } from './people.ts';
import { SEED_OPTIONS, seedStart } from './seed-start.ts';

const OPTIONS = {
	...SEED_OPTIONS,
	json: { type: 'boolean', about: 'Print JSON' },
	help: { type: 'boolean', about: 'Print this' },
} as const;

const HELP = `Prints the people that a seed makes, with their keys, which are the same every time.

Usage: cleanlist-relay seed [options]

${describeOptions(OPTIONS)}`;

/** `cleanlist-relay seed`: nothing is written anywhere but to the screen. */
export async function seedCommand(args: string[], print: (text: string) => void): Promise<void> {
	const { json, help, ...seed } = readOptions('seed', args, OPTIONS);
	if (help) return print(HELP);
	const start = await seedStart(seed);
	const reference = await openReference({
		path: ':memory:',
		clock: systemClock,
		ids: systemIds,
		log: pino({ level: 'silent' }),
	});
	try {
		const { accounts } = await reference.control.seed(start);
		print(
			json
				? `${JSON.stringify({ seed: start.seed, accounts: accountsView(accounts) }, null, '\t')}\n`
				: `Seed ${start.seed}\n\n${describePeople(accounts)}`,
		);
	} finally {
		await reference.stop();
	}
}
