import type { Config } from '../config.ts';
import { readDatabaseUrl } from '../store/postgres/address.ts';
import { prepareDatabase } from '../store/postgres/open.ts';
import { describeOptions, readOptions } from './options.ts';
import { UsageError } from './usage-error.ts';

const OPTIONS = { help: { type: 'boolean', about: 'Print this' } } as const;

const HELP = `Brings the database of DATABASE_URL to the version that this program needs. A relay does the same when it starts;
by itself it is for those who do it before, with another user. It may be run at any time, and again.

Usage: cleanlist-relay migrate

${describeOptions(OPTIONS)}`;

/**
 * `cleanlist-relay migrate`.
 *
 * @throws UsageError when DATABASE_URL is not set; DatabaseError when it can't be done
 */
export async function migrateCommand(
	args: string[],
	config: () => Config,
	print: (text: string) => void,
): Promise<void> {
	if (readOptions('migrate', args, OPTIONS).help) return print(HELP);
	const { databaseUrl } = config();
	if (databaseUrl === null) {
		throw new UsageError(
			'migrate is for PostgreSQL: set DATABASE_URL. The SQLite of a data folder is migrated when a relay starts on it.',
		);
	}
	const address = readDatabaseUrl(databaseUrl);
	const { from, to } = await prepareDatabase(address);
	print(
		from === to
			? `The database ${address.described} is at version ${to} already.\n`
			: `The database ${address.described} went from version ${from} to version ${to}.\n`,
	);
}
