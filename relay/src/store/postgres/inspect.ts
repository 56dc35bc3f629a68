import type { Client } from 'pg';
import { sqlStateOf } from './errors.ts';
import type { DatabaseAddress } from './address.ts';

/** The database can't be used. The message is one sentence that says what to do, and holds no password. */
export class DatabaseError extends Error {
	override readonly name = 'DatabaseError';
}

const OLDEST_VERSION = 14;

interface Settings {
	version: number;
	fsync: string;
	full_page_writes: string;
	synchronous_commit: string;
	server_encoding: string;
	read_only: boolean;
}

/** What of a server would make it lose what it said was stored. */
const MUST_BE_ON = ['fsync', 'full_page_writes', 'synchronous_commit'] as const;

/** @throws DatabaseError unless the server keeps what it says it keeps, and is one this program knows */
export async function inspect(client: Client, { described }: DatabaseAddress): Promise<void> {
	const { rows } = await client.query<Settings>(`
		SELECT current_setting('server_version_num')::integer AS version, current_setting('fsync') AS fsync,
			current_setting('full_page_writes') AS full_page_writes,
			current_setting('synchronous_commit') AS synchronous_commit,
			current_setting('server_encoding') AS server_encoding,
			current_setting('transaction_read_only')::boolean AS read_only`);
	const settings = rows[0] as Settings;
	const major = Math.floor(settings.version / 10_000);
	if (major < OLDEST_VERSION) {
		throw new DatabaseError(
			`The database ${described} is PostgreSQL ${major}; the relay needs ${OLDEST_VERSION} or newer.`,
		);
	}
	for (const name of MUST_BE_ON) {
		if (settings[name] !== 'off') continue;
		throw new DatabaseError(
			`The database ${described} has ${name} off, so it can lose what the relay has answered for: set ${name} to on.`,
		);
	}
	if (settings.server_encoding !== 'UTF8') {
		throw new DatabaseError(
			`The database ${described} has the encoding ${settings.server_encoding}; make one with ENCODING 'UTF8'.`,
		);
	}
	if (settings.read_only) {
		throw new DatabaseError(
			`The database ${described} can only be read: DATABASE_URL must lead to the primary, not to a standby.`,
		);
	}
}

/**
 * Two connections that share a session are none of their own: what one sets, the other has. So webhooks would be answered
 * without waiting for the disk, because claims and results of deliveries don't wait (database.ts).
 *
 * @throws DatabaseError when the two are to one session in turn, as behind a pooler in transaction mode
 */
export async function refuseSharedSession(
	one: Client,
	other: Client,
	{ described }: DatabaseAddress,
): Promise<void> {
	const sessionOf = async (client: Client) =>
		(await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
	const before = await sessionOf(one);
	await other.query('BEGIN');
	const others = await sessionOf(other);
	const after = await sessionOf(one);
	await other.query('COMMIT');
	if (before === after && before !== others) return;
	throw new DatabaseError(
		`The database ${described} is reached through a pooler in transaction mode, by which the relay could lose what it has answered for: connect directly, or through a pooler in session mode.`,
	);
}

/** Why there is no connection, or no schema, as a sentence that says what to do. */
export function toDatabaseError(error: unknown, { described }: DatabaseAddress): DatabaseError {
	if (error instanceof DatabaseError) return error;
	const { message = String(error) } = error as Partial<Error>;
	return new DatabaseError(sentence(error, message, described), { cause: error });
}

function sentence(error: unknown, message: string, described: string): string {
	switch (sqlStateOf(error) ?? (error as NodeJS.ErrnoException).code) {
		case '28P01':
			return `The database ${described} does not take this user and password: check both in DATABASE_URL.`;
		case '28000':
			return `The database ${described} lets this user not in from here (${message}): check DATABASE_URL and the server's pg_hba.conf.`;
		case '3D000':
			return `There is no database ${described}: create it, or check the name in DATABASE_URL.`;
		case '42501':
			return `The user of the database ${described} may not do that (${message}): let it create the schema cleanlist_relay, or, where another user migrates, grant it USAGE of that schema and SELECT, INSERT, UPDATE, DELETE on all tables in it.`;
		case '53300':
			return `The database ${described} has no connection left (${message}): raise max_connections, or run fewer relays.`;
		case '57P03':
			return `The database ${described} is not ready (${message}): start the relay again when it is.`;
		case 'ECONNREFUSED':
		case 'ENOENT':
			return `The database ${described} can't be reached (connection refused): is it running, and are host and port in DATABASE_URL right?`;
		case 'ENOTFOUND':
		case 'EAI_AGAIN':
			return `The database ${described} can't be reached (no such host): check the host in DATABASE_URL.`;
		case 'ETIMEDOUT':
		case 'EHOSTUNREACH':
		case 'ENETUNREACH':
			return `The database ${described} can't be reached (no answer): check host and port in DATABASE_URL, and the firewall.`;
		default:
			if (/timeout|terminated/i.test(message)) {
				return `The database ${described} can't be reached (${message}): check host and port in DATABASE_URL, and the firewall.`;
			}
			return `The database ${described} can't be used: ${message.replace(/\.$/, '')}.`;
	}
}
