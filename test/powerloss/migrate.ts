/**
 * What the relay's next version will do to a database of this one: a migration that makes a table and fills it from
 * another, on top of the real ones. Run under the shim: `node migrate.ts <database>`.
 */
import { openSqlite } from '../../relay/src/sqlite/open.ts';
import { MIGRATIONS } from '../../relay/src/store/sqlite/schema.ts';

/** Writes and rewrites a row for each event, in a way that shows how often it was done. */
export const NEXT_MIGRATION = `
CREATE TABLE sizes (event_id TEXT PRIMARY KEY, bytes INTEGER NOT NULL, padding BLOB NOT NULL) STRICT;
INSERT INTO sizes SELECT id, bytes, zeroblob(2000) FROM events;
UPDATE events SET duplicates = duplicates + 1000;
`;

export const NEXT_MIGRATIONS = [...MIGRATIONS, NEXT_MIGRATION];

if (import.meta.main) openSqlite(process.argv[2] ?? '', NEXT_MIGRATIONS, 'CLrl').close();
