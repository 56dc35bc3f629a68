import type { Client } from 'pg';
import { SCHEMA } from './database.ts';
import { MIGRATIONS } from './schema.ts';

/** Which versions a database went from and to; the same when there was nothing to do. */
export interface Migrated {
	from: number;
	to: number;
}

/** Any number will do, as long as no other program locks the same one. */
const LOCK = 0xc1e1a4;

/**
 * Brings the database to this program's version, one migration a transaction, each under a lock that the other
 * relays starting now wait for.
 *
 * @throws Error when the database was written by a later version (it is left untouched), or a statement fails
 */
export async function migrate(client: Client, migrations: readonly string[] = MIGRATIONS): Promise<Migrated> {
	let from: number | null = null;
	for (;;) {
		const version = await step(client, migrations);
		from ??= version;
		if (version === migrations.length) return { from, to: version };
	}
}

/** Applies the next migration, if there is one. Returns the version before. */
async function step(client: Client, migrations: readonly string[]): Promise<number> {
	// What comes after the lock has to see what the one before it did.
	await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
	try {
		await client.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
		await makeRoom(client);
		await client.query(`SET LOCAL search_path TO ${SCHEMA}`);
		const version = await versionIn(client);
		if (version > migrations.length) {
			throw new Error(
				`The database is at version ${version}, newer than this program's ${migrations.length}. Run the newer program, or restore a backup made before the upgrade.`,
			);
		}
		const next = migrations[version];
		if (next !== undefined) {
			await client.query(next);
			await client.query('INSERT INTO migrations (version) VALUES ($1)', [version + 1]);
		}
		await client.query('COMMIT');
		return version;
	} catch (error) {
		// When the connection is gone, so is the transaction.
		await client.query('ROLLBACK').catch(() => undefined);
		throw error;
	}
}

/** Not by IF NOT EXISTS, which asks for the right to make what is there already. */
async function makeRoom(client: Client): Promise<void> {
	const { rows } = await client.query<{ schema: boolean; migrations: boolean }>(
		'SELECT to_regnamespace($1) IS NOT NULL AS schema, to_regclass($2) IS NOT NULL AS migrations',
		[SCHEMA, `${SCHEMA}.migrations`],
	);
	if (!rows[0]?.schema) await client.query(`CREATE SCHEMA ${SCHEMA}`);
	if (!rows[0]?.migrations) {
		await client.query(`CREATE TABLE ${SCHEMA}.migrations (version integer PRIMARY KEY)`);
	}
}

async function versionIn(client: Client): Promise<number> {
	const { rows } = await client.query<{ version: number }>(
		'SELECT coalesce(max(version), 0) AS version FROM migrations',
	);
	return rows[0]?.version ?? 0;
}
