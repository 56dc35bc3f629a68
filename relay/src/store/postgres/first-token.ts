import type { Client } from 'pg';
import { FIRST_TOKEN } from '../../management-token.ts';
import type { Token } from '../port.ts';
import { SCHEMA } from './database.ts';
import { DatabaseError } from './inspect.ts';

const OTHER_TOKEN =
	"The database has another first management token than this relay's keys/relay-token: set RELAY_TOKEN to that of the others, or to a new one for all of them.";

/**
 * Relays whose key files hold different first tokens would take it from one another at every start. The first one on the
 * database decides; the unique id lets only one of those that start at once be it.
 *
 * @param client in a transaction, which must not be committed when this throws
 * @throws DatabaseError with a sentence that says what to do
 */
export async function checkFirstToken(client: Client, token: Token): Promise<void> {
	await client.query(
		`INSERT INTO ${SCHEMA}.tokens (id, name, hash, scopes, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		[token.id, token.name, token.hash, token.scopes, token.createdAt, token.expiresAt],
	);
	await compareFirstToken(client, token);
}

/**
 * The same without becoming the first.
 *
 * @throws DatabaseError when the database has a first token, and another one than this
 */
export async function compareFirstToken(client: Client, { hash }: Pick<Token, 'hash'>): Promise<void> {
	const { rows } = await client.query<{ mine: boolean }>(
		`SELECT hash = $1 AS mine FROM ${SCHEMA}.tokens WHERE id = $2 OR hash = $1`,
		[hash, FIRST_TOKEN],
	);
	if (rows.length > 0 && !rows.some(({ mine }) => mine)) throw new DatabaseError(OTHER_TOKEN);
}
