import type { Clock } from '../../clock.ts';

/** What the live feed tells of. */
export type Topic =
	'request' | 'webhook' | 'workflow' | 'clock' | 'faults' | 'behaviours' | 'completion' | 'state';

export type Tell = (topic: Topic, data: object) => void;

export interface FeedEvent {
	/** Counts up from 1 and never starts over while the process lives. */
	id: number;
	topic: Topic;
	/** Ms since the epoch, on the reference's clock. */
	at: number;
	data: unknown;
}

/** Events kept for readers that come late or come back. */
const KEPT = 500;

/** What happens in the reference API, as it happens: in memory, bounded, for whoever watches. */
export function createFeed(clock: Pick<Clock, 'now'>) {
	const kept: FeedEvent[] = [];
	const listeners = new Set<(event: FeedEvent) => void>();
	let lastId = 0;

	return {
		publish(topic: Topic, data: unknown): void {
			const event = { id: ++lastId, topic, at: clock.now(), data };
			kept.push(event);
			if (kept.length > KEPT) kept.shift();
			for (const listener of listeners) listener(event);
		},

		/** What is kept of the events after that id, and how many of them are gone. */
		since(id: number): { events: FeedEvent[]; missed: number } {
			const events = kept.filter((event) => event.id > id);
			// An id from before a restart of the process is beyond the last: all that is kept is new to that reader.
			if (id > lastId) return { events: [...kept], missed: 0 };
			return { events, missed: lastId - id - events.length };
		},

		get lastId(): number {
			return lastId;
		},

		/** @returns how to stop listening */
		subscribe(listener: (event: FeedEvent) => void): () => void {
			listeners.add(listener);
			return () => void listeners.delete(listener);
		},

		get listeners(): number {
			return listeners.size;
		},
	};
}

export type Feed = ReturnType<typeof createFeed>;
