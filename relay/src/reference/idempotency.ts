import { CSV_REPLAY_HOURS } from '../contract/list-leads.ts';
import type { Clock } from '../clock.ts';
import { sha256 } from '../crypto.ts';
import type { Database } from './db/index.ts';

const REPLAY_MS = CSV_REPLAY_HOURS * 60 * 60 * 1000;
/** Each answer remembered forgets at most this many old ones. */
const PRUNE_BATCH = 20;

/**
 * Does `work` once per key: within 24 h the same key of the same organization and operation gets the first
 * answer again, whoever sends it and whatever else the request says. Work that throws is not remembered. One
 * transaction, so that no work is ever done unremembered.
 *
 * @param key none means that every call is a new one
 */
export function once<T>(
	{ db, clock }: { db: Database; clock: Clock },
	request: { organizationId: string; operation: string; key: string | null | undefined },
	work: () => T,
): { answer: T; replayed: boolean } {
	return db.transaction(() => {
		if (!request.key) return { answer: work(), replayed: false };
		const now = clock.now();
		// Its hash has one length, whatever was sent.
		const key = { ...request, key: sha256(request.key).toString('base64url') };
		const known = db.idempotency.answer(key, now - REPLAY_MS);
		if (known !== undefined) return { answer: JSON.parse(known) as T, replayed: true };
		const answer = work();
		db.idempotency.prune(now - REPLAY_MS, PRUNE_BATCH);
		db.idempotency.remember({ ...key, answer: JSON.stringify(answer), createdAt: now });
		return { answer, replayed: false };
	});
}
