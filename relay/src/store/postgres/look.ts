import type { Client } from 'pg';
import type { Clock } from '../../clock.ts';
import type { Ids } from '../../ids.ts';
import type { StoreStats, Subscription } from '../port.ts';
import { readDatabaseUrl } from './address.ts';
import type { DatabaseAddress } from './address.ts';
import { SCHEMA } from './database.ts';
import { compareFingerprints } from './fingerprints.ts';
import { compareFirstToken } from './first-token.ts';
import { DatabaseError, toDatabaseError } from './inspect.ts';
import { openPostgresStore } from './index.ts';
import { onSafeConnection } from './open.ts';
import type { Shared } from './open.ts';
import { MIGRATIONS } from './schema.ts';

/** What can be seen of a database without changing anything in it. */
export interface Look {
	/** Which database, for people: without the password. */
	described: string;
	/** Migrations applied, 0 for a database no relay has used, and those this program has. */
	version: number;
	newest: number;
	/** How far this machine's clock is ahead of the database's, in ms. */
	skewMs: number;
	/** Why a relay with these secrets would be refused, null when it would not. */
	refusal: DatabaseError | null;
	/** Null while the schema is not of this program's version. */
	content: { stats: StoreStats; subscriptions: Subscription[] } | null;
}

/**
 * Looks into a database while relays may be working on it.
 *
 * @throws DatabaseUrlError, DatabaseError when it can't be used, with a sentence that says what to do
 */
export async function lookInto(options: { url: string; clock: Clock; ids: Ids } & Shared): Promise<Look> {
	const { url, clock, ids, ...shared } = options;
	const address = readDatabaseUrl(url);
	const newest = MIGRATIONS.length;
	const seen = await onSafeConnection(address, async (client) => {
		const { rows: tables } = await client.query<{ there: boolean }>(
			'SELECT to_regclass($1) IS NOT NULL AS there',
			[`${SCHEMA}.migrations`],
		);
		const asked = clock.now();
		const { rows } = await client.query<{ version: number; now: number }>(
			`SELECT ${tables[0]?.there ? `(SELECT coalesce(max(version), 0) FROM ${SCHEMA}.migrations)` : '0'} AS version,
				extract(epoch FROM clock_timestamp())::double precision * 1000 AS now`,
		);
		const middle = (asked + clock.now()) / 2;
		const { version = 0, now = middle } = rows[0] ?? {};
		const refusal = version === newest ? await refusalOf(client, shared, address) : null;
		return { version, skewMs: Math.round(middle - now), refusal };
	}).catch((error: unknown) => {
		throw toDatabaseError(error, address);
	});
	return {
		described: address.described,
		newest,
		...seen,
		content: seen.version === newest ? await readContent({ url, clock, ids }) : null,
	};
}

async function refusalOf(
	client: Client,
	{ fingerprints, firstToken }: Shared,
	address: DatabaseAddress,
): Promise<DatabaseError | null> {
	try {
		if (fingerprints) await compareFingerprints(client, fingerprints, address);
		if (firstToken) await compareFirstToken(client, firstToken);
		return null;
	} catch (error) {
		if (error instanceof DatabaseError) return error;
		throw error;
	}
}

/** Nothing is left to migrate, so opening the store changes nothing. */
async function readContent(options: { url: string; clock: Clock; ids: Ids }): Promise<Look['content']> {
	const store = await openPostgresStore(options);
	try {
		return { stats: await store.stats(), subscriptions: await store.listSubscriptions() };
	} finally {
		await store.close();
	}
}
