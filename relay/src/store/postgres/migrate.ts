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
	await client.query('BEGIN');
	try {
		await client.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
		await client.query(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA}`);
		await client.query(`SET LOCAL search_path TO ${SCHEMA}`);
		await client.query('CREATE TABLE IF NOT EXISTS migrations (version integer PRIMARY KEY)');
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

async function versionIn(client: Client): Promise<number> {
	const { rows } = await client.query<{ version: number }>(
		'SELECT coalesce(max(version), 0) AS version FROM migrations',
	);
	return rows[0]?.version ?? 0;
}
