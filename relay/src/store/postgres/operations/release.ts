import { deliveryRow } from '../../delivery-id.ts';
import { statement } from '../database.ts';
import type { Database } from '../database.ts';

const RELEASE = statement(
	'release',
	`UPDATE deliveries d SET state = 'ready', due_at = $3
	FROM unnest($1::bigint[], $2::integer[]) AS claim (id, attempt)
	WHERE d.id = claim.id AND d.state = 'leased' AND d.attempt = claim.attempt`,
);

/** Hands claims back. @param db for 'progress' */
export const release = (db: Database) => ({
	async release(claims: { deliveryId: string; attempt: number }[], now: number): Promise<void> {
		const ids = claims.map(({ deliveryId }) => deliveryRow(deliveryId));
		await db.repeatable(RELEASE, [ids, claims.map(({ attempt }) => attempt), now]);
	},
});
