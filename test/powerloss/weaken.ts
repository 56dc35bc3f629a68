/**
 * Preloaded into the relay's process for the controls: has SQLite sync less than the relay asks it to. A model of
 * power loss that can't see the difference is worth nothing.
 */
import { DatabaseSync } from 'node:sqlite';

const { POWERLOSS_SYNCHRONOUS: level = '' } = process.env;
const original = Object.getOwnPropertyDescriptor(DatabaseSync.prototype, 'exec')?.value as (
	this: DatabaseSync,
	sql: string,
) => void;

DatabaseSync.prototype.exec = function (sql) {
	original.call(this, sql.replace(/synchronous\s*=\s*FULL/i, `synchronous = ${level}`));
};
