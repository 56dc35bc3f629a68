import type { DatabaseSync } from 'node:sqlite';
import type { EventFilter, NewEvent } from '../port.ts';
import { all } from './query.ts';

/**
 * Who wants which events: the active subscriptions, read and parsed once for all the events of a batch. To be forgotten
 * when a batch begins, and whenever subscriptions may have changed since, a rollback included.
 */
export interface Targets {
	/** Ids of the subscriptions that want the event. */
	of(event: Pick<NewEvent, 'state' | 'type' | 'attributes'>): string[];
	forget(): void;
}

interface Target {
	id: string;
	events: readonly string[];
	filter: [field: string, value: string][];
}

export function createTargets(db: DatabaseSync): Targets {
	// The partial unique index holds the active ones only; there are few.
	const active = db.prepare("SELECT id, events, filter FROM subscriptions WHERE status = 'active'");
	const read = (): Target[] =>
		all<{ id: string; events: string; filter: string }>(active).map(({ id, events, filter }) => ({
			id,
			events: JSON.parse(events) as string[],
			filter: Object.entries(JSON.parse(filter) as Record<string, string>),
		}));
	let targets: Target[] | null = null;

	return {
		of({ state, type, attributes }) {
			if (state !== 'accepted' || type === null) return [];
			const wants = ({ events, filter }: Target) =>
				events.includes(type) &&
				filter.every(([field, value]) => attributes[field as keyof EventFilter] === value);
			return (targets ??= read()).filter(wants).map(({ id }) => id);
		},
		forget() {
			targets = null;
		},
	};
}
