import type { DatabaseSync } from 'node:sqlite';
import type { Store, SweepResult } from '../../port.ts';

/** How many keys that are not old enough yet are looked at, at most, in search of old ones behind them. */
const YOUNG_KEYS = 1_000;

/** Retention: deletes what is old, a small batch at a time. Deliveries, attempts and bodies go with their event. */
export function prepareSweep(db: DatabaseSync): (options: Parameters<Store['sweep']>[0]) => SweepResult {
	// Events with something pending are not in the index: however old and many, they are not even passed over.
	const events = db.prepare(`
		DELETE FROM events WHERE seq IN (
			SELECT seq FROM events INDEXED BY events_at_rest
			WHERE at_rest = ? AND received_at < ? ORDER BY received_at LIMIT ?)`);
	// By the order they came in. Where the clock was set back meanwhile, some go a little later.
	const keys = db.prepare(`
		DELETE FROM dedupe_keys WHERE seq IN (
			SELECT seq FROM (SELECT seq, received_at FROM dedupe_keys ORDER BY seq LIMIT ?3)
			WHERE received_at < ?1 LIMIT ?2)`);

	return ({ deliveredBefore, deadBefore, keysBefore, limit }) => {
		const done = Number(events.run('done', deliveredBefore, limit).changes);
		const kept = Number(events.run('kept', deadBefore, limit - done).changes);
		const dedupeKeys = Number(keys.run(keysBefore, limit, limit + YOUNG_KEYS).changes);
		return { events: done + kept, dedupeKeys, more: done + kept === limit || dedupeKeys === limit };
	};
}
