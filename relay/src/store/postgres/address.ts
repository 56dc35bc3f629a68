import type { PoolConfig } from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';

/** `DATABASE_URL` can't be used. The message is one sentence that says what to do, and holds no password. */
export class DatabaseUrlError extends Error {
	override readonly name = 'DatabaseUrlError';
}

/** Where the database is, as `pg` takes it, and how to name it to people: without the password. */
export interface DatabaseAddress {
	connection: PoolConfig;
	/** `database` on `host:port`, as `user`. */
	described: string;
}

/** Its host has no dot: with one it would be taken for an e-mail address, and out of the sentence. */
const EXAMPLE = 'postgres://relay:password@localhost:5432/relay';

/**
 * Reads a URL as libpq writes it, with its parameters for TLS (`sslmode`, `sslrootcert`, …).
 *
 * @throws DatabaseUrlError when it is none, or names no host, user or database
 */
export function readDatabaseUrl(url: string): DatabaseAddress {
	if (!/^postgres(ql)?:\/\//.test(url)) {
		throw new DatabaseUrlError(`DATABASE_URL must begin with postgres://, as in ${EXAMPLE}.`);
	}
	const connection = parsed(url);
	const { host, port = 5432, user, database } = connection;
	if (!host) throw new DatabaseUrlError(`DATABASE_URL names no host; give one, as in ${EXAMPLE}.`);
	if (!user) throw new DatabaseUrlError(`DATABASE_URL names no user; give one, as in ${EXAMPLE}.`);
	if (!database) {
		throw new DatabaseUrlError(
			`DATABASE_URL names no database; put its name after the host, as in ${EXAMPLE}.`,
		);
	}
	const place = host.startsWith('/') ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`;
	return { connection, described: `"${database}" on ${place} as "${user}"` };
}

function parsed(url: string): PoolConfig {
	try {
		return parseIntoClientConfig(url);
	} catch (error) {
		// A file named by sslrootcert and the like; every other message could quote the URL, password included.
		const { code, path } = error as NodeJS.ErrnoException;
		if (code && path)
			throw new DatabaseUrlError(`The file ${path} that DATABASE_URL names can't be read (${code}).`);
		throw new DatabaseUrlError(
			`DATABASE_URL is no URL; write it as ${EXAMPLE}, with other characters than letters and digits in the password escaped, as in %40 for @.`,
		);
	}
}
