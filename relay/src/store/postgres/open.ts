import { Client } from 'pg';
import type { Token } from '../port.ts';
import type { DatabaseAddress } from './address.ts';
import { connectionOptions } from './database.ts';
import { checkFingerprints } from './fingerprints.ts';
import type { KeyFingerprints } from './fingerprints.ts';
import { checkFirstToken } from './first-token.ts';
import { inspect, refuseSharedSession, toDatabaseError } from './inspect.ts';
import { migrate } from './migrate.ts';
import type { Migrated } from './migrate.ts';

/** What must be the same for all relays of a database; what is left out is not compared. */
export interface Shared {
	/** Of this relay's keys. */
	fingerprints?: KeyFingerprints;
	/** The first management token, where only a key file says that this is the one. */
	firstToken?: Token;
}

/**
 * Makes a database ready to be used: sees that it is safe, brings it to this program's version, and that it belongs
 * to the same relays.
 *
 * @throws DatabaseError with a sentence that says what to do
 */
export async function prepareDatabase(
	address: DatabaseAddress,
	{ fingerprints, firstToken }: Shared = {},
): Promise<Migrated> {
	try {
		return await onSafeConnection(address, async (client) => {
			const migrated = await migrate(client);
			// Undone by the end of the connection, when this relay is refused. Each statement has to see what one waited for.
			await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
			if (fingerprints) await checkFingerprints(client, fingerprints, address);
			if (firstToken) await checkFirstToken(client, firstToken);
			await client.query('COMMIT');
			return migrated;
		});
	} catch (error) {
		throw toDatabaseError(error, address);
	}
}

/**
 * Does something on a connection of its own once the server, and the way to it, were seen to be safe.
 *
 * @throws DatabaseError when they are not
 */
export const onSafeConnection = <T>(
	address: DatabaseAddress,
	work: (client: Client) => Promise<T>,
): Promise<T> =>
	onOneConnection(address, async (client) => {
		await inspect(client, address);
		await onOneConnection(address, (other) => refuseSharedSession(client, other, address));
		return work(client);
	});

/** The server may set limits of time for the user, as hosted ones do, which a migration or a move may exceed. */
const NO_LIMITS = `
	SET statement_timeout TO 0;
	SET lock_timeout TO 0;
	SET idle_in_transaction_session_timeout TO 0;`;

/** Does something on a connection of its own, without the limits of time that statements of the relay have. */
export async function onOneConnection<T>(
	{ connection }: DatabaseAddress,
	work: (client: Client) => Promise<T>,
): Promise<T> {
	const client = new Client({ ...connectionOptions(connection), query_timeout: undefined });
	// What breaks it reaches whoever waits for an answer.
	client.on('error', () => undefined);
	await client.connect();
	try {
		await client.query(NO_LIMITS);
		return await work(client);
	} finally {
		await client.end();
	}
}
