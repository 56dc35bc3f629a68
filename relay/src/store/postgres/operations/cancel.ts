import { deliveryRow } from '../../delivery-id.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';

const CANCEL = statement(
	'cancel delivery',
	"UPDATE deliveries SET state = 'cancelled' WHERE id = $1 AND state IN ('ready', 'leased') RETURNING id",
);
const EXISTS = statement('delivery exists', 'SELECT id FROM deliveries WHERE id = $1');

/** Ends a delivery that is not final. An attempt under way is fenced off: it is leased no more. */
export const cancel = (db: Database) => ({
	async cancel(id: string): Promise<'cancelled' | 'final' | null> {
		const row = deliveryRow(id);
		if ((await db.query(CANCEL, [row])).length > 0) return 'cancelled';
		return (await db.query(EXISTS, [row])).length > 0 ? 'final' : null;
	},
});
