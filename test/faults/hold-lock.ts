/** Holds the write lock of a SQLite file until it is killed: `node hold-lock.ts <file>`. */
import { DatabaseSync } from 'node:sqlite';

const db = new DatabaseSync(process.argv[2] ?? '');
db.exec('BEGIN IMMEDIATE');
process.on('disconnect', () => db.close());
process.send?.('locked');
