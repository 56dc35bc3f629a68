import { Client } from 'pg';
import type { DatabaseAddress } from './address.ts';
import { connectionOptions } from './database.ts';
import { checkFingerprints } from './fingerprints.ts';
import type { KeyFingerprints } from './fingerprints.ts';
import { inspect, toDatabaseError } from './inspect.ts';
import { migrate } from './migrate.ts';
import type { Migrated } from './migrate.ts';

/**
 * Makes a database ready to be used: sees that it is safe, brings it to this program's version, and that it belongs
 * to the same relays.
 *
 * @param fingerprints of this relay's keys, which must be those of the others; null: not compared
 * @throws DatabaseError with a sentence that says what to do
 */
export async function prepareDatabase(
	address: DatabaseAddress,
	fingerprints: KeyFingerprints | null,
): Promise<Migrated> {
	try {
		return await onOneConnection(address, async (client) => {
			await inspect(client, address);
			const migrated = await migrate(client);
			if (fingerprints) {
				// Undone by the end of the connection, when this relay is refused.
				await client.query('BEGIN');
				await checkFingerprints(client, fingerprints, address);
				await client.query('COMMIT');
			}
			return migrated;
		});
	} catch (error) {
		throw toDatabaseError(error, address);
	}
}

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
		return await work(client);
	} finally {
		await client.end();
	}
}
