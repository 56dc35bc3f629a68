import type { Logger } from 'pino';
import type { Bodies } from '../bodies.ts';
import { sha256 } from '../crypto.ts';
import type { Store } from '../store/port.ts';

/**
 * Looks at the body of a duplicate. The first body of an event is the one that is kept and delivered; one that differs
 * from it is recorded beside it, before the sender has its 2xx. Answers whether it did differ.
 */
export function createVariants(options: { store: Store; bodies: Bodies; log: Logger }) {
	const { store, bodies, log } = options;

	async function isKept(eventId: string, body: Buffer): Promise<boolean> {
		const kept = await store.getBody(eventId);
		// Retention has taken the event: there is nothing to record it with.
		if (!kept) return true;
		try {
			return bodies.toRaw(kept).equals(body);
		} catch (error) {
			// What can't be told apart is recorded: too much of it is no loss.
			log.error({ err: error, event_id: eventId }, "a body can't be opened to compare another with it");
			return false;
		}
	}

	return async (
		eventId: string,
		{ body, contentType, receivedAt }: { body: Buffer; contentType: string; receivedAt: number },
	): Promise<boolean> => {
		if (await isKept(eventId, body)) return false;
		const atRest = bodies.toStored(body);
		await store.recordVariant(eventId, {
			...atRest,
			contentType,
			hash: sha256(body),
			bytes: body.length,
			receivedAt,
		});
		return true;
	};
}
