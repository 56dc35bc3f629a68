import type { Logger } from 'pino';
import type { Bodies } from '../bodies.ts';
import type { Clock } from '../clock.ts';
import type { Store } from '../store/port.ts';
import { classify, dedupeKey } from './classify.ts';

/** What came of reading an event anew. */
export type Reread =
	| { kind: 'accepted'; deliveries: number }
	/** It still can't be read, for this reason. */
	| { kind: 'unreadable'; reason: string }
	/** Another event, this one, came for the same workflow meanwhile. */
	| { kind: 'duplicate'; eventId: string }
	| { kind: 'not quarantined' }
	| { kind: 'unknown' };

/** Gives quarantined events a second chance, after the relay has learned to read what it could not. */
export function createReread(options: {
	store: Store;
	bodies: Bodies;
	clock: Clock;
	log: Logger;
	onStored: () => void;
}): (eventId: string) => Promise<Reread> {
	const { store, bodies, clock, log, onStored } = options;
	return async (eventId) => {
		const [event, stored] = await Promise.all([store.getEvent(eventId), store.getBody(eventId)]);
		if (!event || !stored) return { kind: 'unknown' };
		if (event.state !== 'quarantined') return { kind: 'not quarantined' };
		const body = bodies.toRaw(stored);
		const read = classify(body);
		if (read.state === 'quarantined') return { kind: 'unreadable', reason: read.quarantineReason ?? '' };

		const outcome = await store.acceptQuarantined(
			eventId,
			{ ...read, dedupeKey: dedupeKey(read, body) },
			clock.now(),
		);
		if (!outcome) return { kind: 'not quarantined' };
		if (outcome.kind === 'duplicate') return outcome;
		const { deliveries } = outcome;
		log.info(
			{ event_id: eventId, workflow_id: read.workflowId, deliveries },
			'event taken out of quarantine',
		);
		if (deliveries > 0) onStored();
		return { kind: 'accepted', deliveries };
	};
}
