import type { Client } from 'pg';
import { isNewerKey } from '../../sealing.ts';
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
	address: DatabaseAddress,
): Promise<void> {
	await client.query(
		`INSERT INTO ${SCHEMA}.properties (name, value) SELECT * FROM unnest($1::text[], $2::bytea[])
		ON CONFLICT (name) DO NOTHING`,
		[[...mine.keys()], [...mine.values()]],
	);
	await compareFingerprints(client, mine, address);
}

/**
 * The same without leaving any there.
 *
 * @throws DatabaseError with a sentence that says what to do
 */
export async function compareFingerprints(
	client: Client,
	mine: KeyFingerprints,
	{ described }: DatabaseAddress,
): Promise<void> {
	const names = [...mine.keys()];
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

/**
 * Forgets the sealing keys made before the one of this id, once nothing is sealed with them. Their ids are given to other
 * keys one day. Newer ones stay: another relay may just have brought one.
 */
export async function forgetKeysOlderThan(client: Client, id: number): Promise<void> {
	const { rows } = await client.query<{ name: string }>(`SELECT name FROM ${SCHEMA}.properties`);
	const older = rows.filter(({ name }) => {
		const its = sealingKeyId(name);
		return its !== null && isNewerKey(id, its);
	});
	await client.query(`DELETE FROM ${SCHEMA}.properties WHERE name = ANY ($1)`, [
		older.map(({ name }) => name),
	]);
}

/** Whether the one names a sealing key, and the other an older one or none. */
function newerSealingKey(one: string, other: string): boolean {
	const [a, b] = [sealingKeyId(one), sealingKeyId(other)];
	return a !== null && (b === null || isNewerKey(a, b));
}

function sealingKeyId(name: string): number | null {
	const [, id] = /^sealing key (\d+)$/.exec(name) ?? [];
	return id === undefined ? null : Number(id);
}
