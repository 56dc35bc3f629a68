import type { DatabaseSync } from 'node:sqlite';
import type { Store, SweepResult } from '../../port.ts';

/** Retention: deletes what is old, a small batch at a time. Deliveries, attempts and bodies go with their event. */
export function prepareSweep(db: DatabaseSync): (options: Parameters<Store['sweep']>[0]) => SweepResult {
	const done = db.prepare(`
		DELETE FROM events WHERE seq IN (
			SELECT seq FROM events INDEXED BY events_retention
			WHERE done = 1 AND received_at < ? ORDER BY received_at LIMIT ?)`);
	// Quarantined, with a dead delivery, without any; or with a pending one, which stays.
	const notDone = db.prepare(`
		DELETE FROM events WHERE seq IN (
			SELECT seq FROM events e INDEXED BY events_retention
			WHERE done = 0 AND received_at < ? AND NOT EXISTS (
				SELECT 1 FROM deliveries INDEXED BY deliveries_event
				WHERE event_seq = e.seq AND state IN ('ready', 'leased'))
			ORDER BY received_at LIMIT ?)`);
	const keys = db.prepare(`
		DELETE FROM dedupe_keys WHERE seq IN (
			SELECT seq FROM dedupe_keys INDEXED BY dedupe_keys_retention
			WHERE received_at < ? ORDER BY received_at LIMIT ?)`);

	return ({ deliveredBefore, deadBefore, keysBefore, limit }) => {
		const first = Number(done.run(deliveredBefore, limit).changes);
		const second = Number(notDone.run(deadBefore, limit - first).changes);
		return { events: first + second, dedupeKeys: Number(keys.run(keysBefore, limit).changes) };
	};
}
