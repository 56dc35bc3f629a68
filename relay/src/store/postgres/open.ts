import { Client } from 'pg';
import { connectionOptions } from './database.ts';
import type { DatabaseAddress } from './address.ts';
import { DatabaseError, inspect, toDatabaseError } from './inspect.ts';
import { migrate } from './migrate.ts';
import type { Migrated } from './migrate.ts';
import { SCHEMA } from './database.ts';

const FINGERPRINT = 'master key';

/**
 * Makes a database ready to be used: sees that it is safe, brings it to this program's version, and that it belongs
 * to the same relays.
 *
 * @param fingerprint of the master key: the first one is kept, and no other is let in
 * @throws DatabaseError with a sentence that says what to do
 */
export async function prepareDatabase(
	address: DatabaseAddress,
	fingerprint: Buffer | null,
): Promise<Migrated> {
	try {
		return await onOneConnection(address, async (client) => {
			await inspect(client, address);
			const migrated = await migrate(client);
			if (fingerprint) await checkFingerprint(client, fingerprint, address);
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

/** Two relays with different keys on one database could not read each other's secrets, nor take the same webhooks. */
async function checkFingerprint(client: Client, mine: Buffer, { described }: DatabaseAddress): Promise<void> {
	const { rows } = await client.query<{ value: Buffer }>(
		`WITH first AS (
			INSERT INTO ${SCHEMA}.properties (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING value)
		SELECT value FROM first UNION ALL SELECT value FROM ${SCHEMA}.properties WHERE name = $1`,
		[FINGERPRINT, mine],
	);
	if (rows[0]?.value.equals(mine)) return;
	throw new DatabaseError(
		`The database ${described} was first used with another master key: give this relay the same RELAY_MASTER_KEY, or the file keys/master-key, as the others.`,
	);
}
