import type { DatabaseSync } from 'node:sqlite';
import { first } from '../query.ts';

/** The first entry of an index. Early where claim has still to find that the subscription is at its limits. */
export function prepareNextDueAt(db: DatabaseSync): () => number | null {
	const next = db.prepare(`
		SELECT max(first_due_at, held_until) AS at FROM subscriptions INDEXED BY subscriptions_claimable
		WHERE first_due_at IS NOT NULL ORDER BY max(first_due_at, held_until) LIMIT 1`);
	return () => first<{ at: number }>(next)?.at ?? null;
}
