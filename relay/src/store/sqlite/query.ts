import type { SQLInputValue, StatementSync } from 'node:sqlite';

/** The first row of a query, typed by the caller, who wrote the SQL. */
export const first = <Row>(statement: StatementSync, ...values: SQLInputValue[]): Row | undefined =>
	statement.get(...values) as Row | undefined;

/** All rows of a query, typed by the caller, who wrote the SQL. */
export const all = <Row>(statement: StatementSync, ...values: SQLInputValue[]): Row[] =>
	statement.all(...values) as Row[];
