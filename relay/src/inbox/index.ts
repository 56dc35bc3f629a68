import type { Logger } from 'pino';
import type { Bodies } from '../bodies.ts';
import type { Clock } from '../clock.ts';
import { orderedUuid } from '../ids.ts';
import type { Ids } from '../ids.ts';
import type { IngestOutcome, Source, Store } from '../store/port.ts';
import { classify, dedupeKey } from './classify.ts';
import { createReread } from './reread.ts';
import type { Reread } from './reread.ts';
import { createVariants } from './variants.ts';

/** Takes webhooks in. */
export interface Inbox {
	/**
	 * Stores a webhook, whatever its content, and resolves when it is on disk together with everything needed to
	 * deliver it.
	 *
	 * @throws StoreError when it could not be stored; nothing of it was kept then
	 */
	receive(source: Source, request: { body: Buffer; contentType: string }): Promise<IngestOutcome>;
	/** Reads an event in quarantine anew, as this version understands it, and delivers it. */
	reread(eventId: string): Promise<Reread>;
}

export function createInbox(options: {
	store: Store;
	bodies: Bodies;
	clock: Clock;
	ids: Ids;
	log: Logger;
	/** Called when there is something new to deliver. */
	onStored: () => void;
}): Inbox {
	const { store, bodies, clock, ids, log, onStored } = options;
	const recordVariant = createVariants({ store, bodies, log });
	return {
		reread: createReread(options),
		async receive(source, { body, contentType }) {
			const receivedAt = clock.now();
			const read = classify(body);
			const stored = bodies.toStored(body);
			const outcome = await store.ingest({
				id: `evt_${orderedUuid(ids, receivedAt)}`,
				sourceId: source.id,
				origin: 'webhook',
				dedupeKey: dedupeKey(read, body),
				...read,
				body: stored.body,
				bodyKeyId: stored.keyId,
				bytes: body.length,
				contentType,
				receivedAt,
			});
			const facts = {
				event_id: outcome.eventId,
				workflow_id: read.workflowId,
				received_at: receivedAt,
				stored_at: clock.now(),
			};
			if (outcome.kind === 'duplicate') {
				const variant = await recordVariant(outcome.eventId, { body, contentType, receivedAt });
				log.info({ ...facts, variant }, 'duplicate event counted');
			} else if (read.state === 'quarantined') {
				log.warn({ ...facts, reason: read.quarantineReason }, 'event quarantined');
			} else log.info({ ...facts, deliveries: outcome.deliveries }, 'event stored');
			if (outcome.kind !== 'duplicate' && outcome.deliveries > 0) onStored();
			return outcome;
		},
	};
}
