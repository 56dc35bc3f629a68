import type { DatabaseSync } from 'node:sqlite';
import type { EventFilter, NewEvent } from '../../port.ts';
import { all } from '../query.ts';

/** A subscription as far as it decides whom to make a delivery for. */
interface Target {
	id: string;
	events: string;
	filter: string;
}

/** Makes the deliveries of an event: one for each active subscription that wants it. Returns how many. */
export function prepareMakeDeliveries(db: DatabaseSync) {
	// The partial unique index holds the active ones only; there are few.
	const active = db.prepare("SELECT id, events, filter FROM subscriptions WHERE status = 'active'");
	const insert = db.prepare(`
		INSERT INTO deliveries (event_seq, subscription_id, state, due_at, created_at) VALUES (?1, ?2, 'ready', ?3, ?3)`);
	// Writes nothing while something is due already: not behind a backlog, not under load.
	const noteDue = db.prepare(
		'UPDATE subscriptions SET first_due_at = ?1 WHERE id = ?2 AND (first_due_at IS NULL OR first_due_at > ?1)',
	);

	return (
		event: Pick<NewEvent, 'type' | 'attributes'> & { seq: number },
		now: number,
		except: ReadonlySet<string> = new Set(),
	): number => {
		let deliveries = 0;
		for (const target of all<Target>(active)) {
			if (except.has(target.id) || !wants(target, event)) continue;
			insert.run(event.seq, target.id, now);
			noteDue.run(now, target.id);
			deliveries++;
		}
		return deliveries;
	};
}

function wants(target: Target, { type, attributes }: Pick<NewEvent, 'type' | 'attributes'>): boolean {
	if (type === null || !(JSON.parse(target.events) as string[]).includes(type)) return false;
	const filter = JSON.parse(target.filter) as EventFilter;
	return Object.entries(filter).every(([field, value]) => attributes[field as keyof EventFilter] === value);
}
