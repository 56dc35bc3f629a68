import type { DatabaseSync } from 'node:sqlite';

/** Makes a delivery of an event, due now, for each of the subscriptions. */
export type MakeDeliveries = (eventSeq: number, subscriptionIds: readonly string[], now: number) => void;

export function prepareMakeDeliveries(db: DatabaseSync): MakeDeliveries {
	const insert = db.prepare(`
		INSERT INTO deliveries (event_seq, subscription_id, state, due_at, created_at) VALUES (?1, ?2, 'ready', ?3, ?3)`);
	// Writes nothing while something is due already: not behind a backlog, not under load.
	const noteDue = db.prepare(
		'UPDATE subscriptions SET first_due_at = ?1 WHERE id = ?2 AND (first_due_at IS NULL OR first_due_at > ?1)',
	);
	return (eventSeq, subscriptionIds, now) => {
		for (const id of subscriptionIds) {
			insert.run(eventSeq, id, now);
			noteDue.run(now, id);
		}
	};
}
