import type { Client } from 'pg';
import type { DatabaseAddress } from './address.ts';
import { SCHEMA } from './database.ts';
import { DatabaseError } from './inspect.ts';

/** Fingerprints of keys by the names that people know them under: "master key", "sealing key 1". */
export type KeyFingerprints = ReadonlyMap<string, Buffer>;

/**
 * Relays with different keys on one database could not open each other's secrets, nor take the same webhooks. The
 * fingerprint of each key is kept by the first relay that has it; one that lacks the newest sealing key is refused too,
 * because the others seal with that.
 *
 * @param client in a transaction, which must not be committed when this throws
 * @throws DatabaseError with a sentence that says what to do
 */
export async function checkFingerprints(
	client: Client,
	mine: KeyFingerprints,
	{ described }: DatabaseAddress,
): Promise<void> {
	const names = [...mine.keys()];
	const values = [...mine.values()];
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
}

/** Whether the one names a sealing key of a higher number, or the other is none. */
function newerSealingKey(one: string, other: string): boolean {
	const [a, b] = [one, other].map((name) => Number(/^sealing key (\d+)$/.exec(name)?.[1] ?? 0)) as [
		number,
		number,
	];
	return a > b;
}
