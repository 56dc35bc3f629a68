import { Client } from 'pg';
import type { DatabaseAddress } from './address.ts';
import { connectionOptions, SCHEMA } from './database.ts';
import { DatabaseError, inspect, toDatabaseError } from './inspect.ts';
import { migrate } from './migrate.ts';
import type { Migrated } from './migrate.ts';

/** Fingerprints of keys by the names that people know them under: "master key", "sealing key 1". */
export type KeyFingerprints = ReadonlyMap<string, Buffer>;

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
			if (fingerprints) await checkFingerprints(client, fingerprints, address);
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

/**
 * Relays with different keys on one database could not open each other's secrets, nor take the same webhooks. The
 * fingerprint of each key is kept by the first relay that has it; one that lacks the newest sealing key is refused too,
 * because the others seal with that.
 */
async function checkFingerprints(
	client: Client,
	mine: KeyFingerprints,
	{ described }: DatabaseAddress,
): Promise<void> {
	const names = [...mine.keys()];
	const values = [...mine.values()];
	// Undone by the end of the connection, when this relay is refused.
	await client.query('BEGIN');
	await client.query(
		`INSERT INTO ${SCHEMA}.properties (name, value) SELECT * FROM unnest($1::text[], $2::bytea[])
		ON CONFLICT (name) DO NOTHING`,
		[names, values],
	);
	const { rows } = await client.query<{ name: string; value: Buffer }>(
		`SELECT name, value FROM ${SCHEMA}.properties ORDER BY name`,
	);
	for (const { name, value } of rows) {
		const known = mine.get(name);
		if (known?.equals(value)) continue;
		if (known) {
			throw new DatabaseError(
				`The database ${described} is used with another ${name}: give this relay the keys that the others have, by RELAY_MASTER_KEY and RELAY_SEALING_KEYS or by the same folder "keys".`,
			);
		}
		if (names.every((other) => newerSealingKey(name, other))) {
			throw new DatabaseError(
				`The database ${described} is used with ${name}, which this relay does not have: add it to RELAY_SEALING_KEYS, or to the file keys/sealing-keys.`,
			);
		}
	}
	await client.query('COMMIT');
}

/** Whether the one names a sealing key of a higher number, or the other is none. */
function newerSealingKey(one: string, other: string): boolean {
	const [a, b] = [one, other].map((name) => Number(/^sealing key (\d+)$/.exec(name)?.[1] ?? 0)) as [
		number,
		number,
	];
	return a > b;
}
