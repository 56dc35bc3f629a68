import { StoreError } from '../../port.ts';
import type { Database, Statement } from '../database.ts';

/**
 * Creates or replaces a row by its id, in a table where something else is unique too. Relays that start at the same moment put
 * the same: one of them may find the other column's value there, and the id the moment after. Where the value is another
 * row's, it still is.
 *
 * @throws StoreError `conflict` in the latter case
 */
export async function put(db: Database, statement: Statement, values: unknown[]): Promise<void> {
	const once = () => db.repeatable(statement, values);
	await once().catch((error: unknown) => {
		if (error instanceof StoreError && error.code === 'conflict') return once();
		throw error;
	});
}
