import type { DatabaseSync } from 'node:sqlite';
import type { Client } from 'pg';
import { sha256 } from '../../crypto.ts';
import { SCHEMA } from '../postgres/database.ts';
import { fromText, toText } from '../postgres/text.ts';
import { createDigest } from './digest.ts';
import { TABLES } from './tables.ts';
import type { Kind, Table } from './tables.ts';

/** A batch is sent when it has this many rows, or bodies of this size. */
const BATCH_ROWS = 500;
const BATCH_BYTES = 4 * 1024 * 1024;

/** What was moved: rows of each table. */
export type Moved = Record<string, number>;

/** The move can't be done, or did not verify. The message is one sentence. */
export class MoveError extends Error {
	override readonly name = 'MoveError';
}

/**
 * Copies everything from SQLite to an empty PostgreSQL, and reads it back: counts, and a digest over every value of
 * every row, bodies included. One transaction: what fails leaves the target as empty as it was, and nobody sees half of
 * it. Memory is bounded by a batch.
 *
 * @param first done before anything is copied, in the same transaction
 * @throws MoveError when the target holds something, or did not get what was sent; what `first` throws
 */
export async function move(source: DatabaseSync, target: Client, first: () => Promise<void>): Promise<Moved> {
	await target.query(`BEGIN; SET LOCAL search_path TO ${SCHEMA}`);
	try {
		await first();
		const names = TABLES.map(({ name }) => name);
		// A relay that starts meanwhile waits, or fails, until it is decided.
		await target.query(`LOCK TABLE ${names.join(', ')} IN ACCESS EXCLUSIVE MODE`);
		for (const name of names) {
			const { rowCount } = await target.query(`SELECT 1 FROM ${name} LIMIT 1`);
			if (rowCount !== 0) {
				throw new MoveError(
					`The target holds ${name} already: give a database that no relay has used, or drop its schema ${SCHEMA} first.`,
				);
			}
		}
		const moved: Moved = {};
		for (const table of TABLES) moved[table.name] = await moveTable(source, target, table);
		await target.query('COMMIT');
		return moved;
	} catch (error) {
		// When the connection is gone, so is the transaction.
		await target.query('ROLLBACK').catch(() => undefined);
		throw error;
	}
}

async function moveTable(source: DatabaseSync, target: Client, table: Table): Promise<number> {
	const sent = createDigest();
	const send = sender(target, table);
	const { columns, from, sqliteOrder } = table;
	const names = Object.keys(columns);
	const rows = source.prepare(`SELECT ${names.join(', ')} FROM ${from} ORDER BY ${sqliteOrder}`).iterate();
	for (const row of rows as Iterable<Record<string, unknown>>) {
		const values = Object.entries(columns).map(([name, kind]) => fromSqlite(row[name], kind));
		sent.add(values.map((value, i) => (columns[names[i] as string] === 'body' ? digestOf(value) : value)));
		await send.add(values);
	}
	await send.finish();
	await goOnNumbering(source, target, table);

	const expected = sent.finish();
	const found = await readBack(target, table);
	if (expected.rows !== found.rows || expected.sha256 !== found.sha256) {
		throw new MoveError(
			`The table ${table.name} did not arrive as it was sent (${expected.rows} rows sent, ${found.rows} found): nothing was kept; try again, and check the server's disk if it happens again.`,
		);
	}
	return expected.rows;
}

/** Sends rows in batches, each one statement. */
function sender(target: Client, { name, columns }: Table) {
	const kinds = Object.values(columns);
	const insert = insertion(name, columns);
	let batch: unknown[][] = [];
	let bytes = 0;

	async function flush(): Promise<void> {
		if (batch.length === 0) return;
		const rows = batch;
		batch = [];
		bytes = 0;
		await target.query(
			insert,
			kinds.flatMap((kind, i) =>
				parameters(
					kind,
					rows.map((row) => row[i]),
				),
			),
		);
	}

	return {
		async add(values: unknown[]): Promise<void> {
			batch.push(values);
			for (const value of values) if (value instanceof Uint8Array) bytes += value.length;
			if (batch.length >= BATCH_ROWS || bytes >= BATCH_BYTES) await flush();
		},
		finish: flush,
	};
}

/** One INSERT for any number of rows: a column is an array, but bodies are one value that the server cuts apart. */
function insertion(name: string, columns: Record<string, Kind>): string {
	let parameter = 0;
	const arrays: string[] = [];
	const fields: string[] = [];
	let bodies = '';
	const expressions = Object.entries(columns).map(([column, kind]) => {
		if (kind === 'body') {
			bodies = `$${++parameter}::bytea`;
			arrays.push(`$${++parameter}::integer[]`, `$${++parameter}::integer[]`);
			fields.push('body_from', 'body_length');
			return `substr(${bodies}, body_from, body_length)`;
		}
		arrays.push(`$${++parameter}::${ARRAYS[kind]}`);
		fields.push(column);
		if (kind === 'json') return `${column}::jsonb`;
		if (kind === 'list') return `ARRAY(SELECT jsonb_array_elements_text(${column}::jsonb))`;
		return column;
	});
	return `INSERT INTO ${name} (${Object.keys(columns).join(', ')}) OVERRIDING SYSTEM VALUE
		SELECT ${expressions.join(', ')} FROM unnest(${arrays.join(', ')})
		WITH ORDINALITY AS input (${fields.join(', ')}, n) ORDER BY n`;
}

const ARRAYS: Record<Exclude<Kind, 'body'>, string> = {
	text: 'text[]',
	integer: 'bigint[]',
	real: 'float8[]',
	bytes: 'bytea[]',
	list: 'text[]',
	json: 'text[]',
};

function parameters(kind: Kind, values: unknown[]): unknown[] {
	if (kind === 'body') {
		const bodies = values as Buffer[];
		let end = 1; // SQL counts from 1.
		const starts = bodies.map(({ length }) => (end += length) - length);
		return [Buffer.concat(bodies), starts, bodies.map(({ length }) => length)];
	}
	if (kind === 'text') return [values.map((value) => (value === null ? null : toText(value as string)))];
	if (kind === 'list' || kind === 'json')
		return [values.map((value) => JSON.stringify(mapText(value, toText)))];
	return [values];
}

/** Numbers are never given out twice: settlements are fenced by them. */
async function goOnNumbering(source: DatabaseSync, target: Client, { name, numbered }: Table): Promise<void> {
	if (numbered === undefined) return;
	const given = source.prepare(numbered.last).get() as { last: number } | undefined;
	if (!given || given.last === 0) return;
	await target.query('SELECT setval(pg_get_serial_sequence($1, $2), $3)', [
		`${SCHEMA}.${name}`,
		numbered.column,
		given.last,
	]);
}

/** What is there now, a portion at a time. */
async function readBack(target: Client, { name, columns, postgresOrder }: Table) {
	const found = createDigest();
	const expressions = Object.entries(columns).map(([column, kind]) =>
		kind === 'body' ? `sha256(${column}) AS ${column}` : column,
	);
	await target.query(
		`DECLARE moved NO SCROLL CURSOR FOR SELECT ${expressions.join(', ')} FROM ${name} ORDER BY ${postgresOrder}`,
	);
	for (;;) {
		const { rows } = await target.query<Record<string, unknown>>(`FETCH ${BATCH_ROWS} FROM moved`);
		if (rows.length === 0) break;
		for (const row of rows) {
			found.add(Object.entries(columns).map(([column, kind]) => fromPostgres(row[column], kind)));
		}
	}
	await target.query('CLOSE moved');
	return found.finish();
}

function fromSqlite(value: unknown, kind: Kind): unknown {
	if (value === null || value === undefined) return null;
	if (kind === 'list' || kind === 'json') return JSON.parse(value as string);
	return value instanceof Uint8Array ? Buffer.from(value) : value;
}

function fromPostgres(value: unknown, kind: Kind): unknown {
	if (value === null || value === undefined) return null;
	return kind === 'text' || kind === 'list' || kind === 'json' ? mapText(value, fromText) : value;
}

const digestOf = (value: unknown): unknown => (value instanceof Uint8Array ? sha256(value) : value);

/** The same value with every text in it mapped. */
function mapText(value: unknown, map: (text: string) => string): unknown {
	if (typeof value === 'string') return map(value);
	if (Array.isArray(value)) return value.map((one) => mapText(one, map));
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, mapText(one, map)]));
}
