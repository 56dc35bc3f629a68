import type { DatabaseSync } from 'node:sqlite';
import type { EventFilter, NewEvent } from '../../port.ts';
import { all } from '../query.ts';

/** A subscription as far as it decides whom to make a delivery for. */
interface Target {
	id: string;
	events: readonly string[];
	filter: [field: string, value: string][];
}

/** Makes the deliveries of an event: one for each active subscription that wants it. Returns how many. */
export type MakeDeliveries = (
	event: Pick<NewEvent, 'type' | 'attributes'> & { seq: number },
	now: number,
	except?: ReadonlySet<string>,
) => number;

/**
 * Active subscriptions are read and parsed once for all the events of a batch. `forgetTargets` is to be called before the
 * first of them, and whenever subscriptions may have changed since.
 */
export function prepareMakeDeliveries(db: DatabaseSync): {
	makeDeliveries: MakeDeliveries;
	forgetTargets: () => void;
} {
	// The partial unique index holds the active ones only; there are few.
	const active = db.prepare("SELECT id, events, filter FROM subscriptions WHERE status = 'active'");
	const insert = db.prepare(`
		INSERT INTO deliveries (event_seq, subscription_id, state, due_at, created_at) VALUES (?1, ?2, 'ready', ?3, ?3)`);
	// Writes nothing while something is due already: not behind a backlog, not under load.
	const noteDue = db.prepare(
		'UPDATE subscriptions SET first_due_at = ?1 WHERE id = ?2 AND (first_due_at IS NULL OR first_due_at > ?1)',
	);

	let targets: Target[] | null = null;
	const readTargets = (): Target[] =>
		all<{ id: string; events: string; filter: string }>(active).map(({ id, events, filter }) => ({
			id,
			events: JSON.parse(events) as string[],
			filter: Object.entries(JSON.parse(filter) as Record<string, string>),
		}));

	return {
		makeDeliveries(event, now, except) {
			let deliveries = 0;
			for (const target of (targets ??= readTargets())) {
				if (except?.has(target.id) || !wants(target, event)) continue;
				insert.run(event.seq, target.id, now);
				noteDue.run(now, target.id);
				deliveries++;
			}
			return deliveries;
		},
		forgetTargets() {
			targets = null;
		},
	};
}

function wants({ events, filter }: Target, event: Pick<NewEvent, 'type' | 'attributes'>): boolean {
	const { type, attributes } = event;
	if (type === null || !events.includes(type)) return false;
	return filter.every(([field, value]) => attributes[field as keyof EventFilter] === value);
}
