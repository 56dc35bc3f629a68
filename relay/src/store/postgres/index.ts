import type { Clock } from '../../clock.ts';
import type { Ids } from '../../ids.ts';
import { StoreError } from '../port.ts';
import type { IngestOutcome, NewEvent, Settlement, Store } from '../port.ts';
import { readDatabaseUrl } from './address.ts';
import { createBatches } from './batches.ts';
import { connectionOptions, openDatabase, statement } from './database.ts';
import type { Database } from './database.ts';
import { isLost, tookTooLong } from './errors.ts';
import { openBell } from './listen.ts';
import { prepareDatabase } from './open.ts';
import type { Shared } from './open.ts';
import { acceptQuarantined } from './operations/accept-quarantined.ts';
import { cancel } from './operations/cancel.ts';
import { changeSubscription } from './operations/change-subscription.ts';
import { claim } from './operations/claim.ts';
import { createSubscription } from './operations/create-subscription.ts';
import { giveUp } from './operations/give-up.ts';
import { getDeliveries } from './operations/get-deliveries.ts';
import { getEvents } from './operations/get-events.ts';
import { getSubscriptions } from './operations/get-subscriptions.ts';
import { ingest } from './operations/ingest.ts';
import { nextDueAt } from './operations/next-due-at.ts';
import { redrive } from './operations/redrive.ts';
import { rekey } from './operations/rekey.ts';
import { release } from './operations/release.ts';
import { replay } from './operations/replay.ts';
import { secrets } from './operations/secrets.ts';
import { settle } from './operations/settle.ts';
import { sources } from './operations/sources.ts';
import { stats } from './operations/stats.ts';
import { stopSubscription } from './operations/stop-subscription.ts';
import { sweep } from './operations/sweep.ts';
import { tokens } from './operations/tokens.ts';
import { variants } from './operations/variants.ts';

const MEBIBYTE = 1024 * 1024;

// It has to be there, and to take writes: a lock in a table does not work on a standby.
const PING = statement('ping', 'SELECT id FROM sources LIMIT 1 FOR KEY SHARE');

/**
 * The store on PostgreSQL, which any number of identical relays may share. Nothing is held across a delivery but its
 * lease; whatever a relay had in hand when it died comes back when that runs out.
 *
 * A database used with another key or first token than those given is refused.
 *
 * @param options.url as in `DATABASE_URL`
 * @throws DatabaseUrlError, DatabaseError with a sentence that says what to do
 */
export async function openPostgresStore(
	options: { url: string; clock: Clock; ids: Ids } & Shared,
): Promise<Store> {
	const { url, clock, ids, ...shared } = options;
	const address = readDatabaseUrl(url);
	await prepareDatabase(address, shared);
	const db = openDatabase(address.connection, clock);
	const progress = openDatabase(address.connection, clock, 'progress');
	const bell = openBell({ connection: connectionOptions(address.connection), db, clock, ids });
	const events = ingestBatches(db);
	const settlements = settleBatches(progress);
	let closing: Promise<void> | null = null;

	const making = { ...acceptQuarantined(db), ...redrive(db), ...release(progress), ...replay(db) };
	/** What was made due here may be done by a relay that has its hands free. */
	async function ringing<T>(work: Promise<T>): Promise<T> {
		const result = await work;
		bell.ring();
		return result;
	}

	async function close(): Promise<void> {
		await Promise.all([events.drained(), settlements.drained()]);
		await bell.close();
		await Promise.all([progress.close(), db.close()]);
	}
	const open = <T>(work: () => Promise<T>): Promise<T> =>
		closing ? Promise.reject(new StoreError('failed', 'The store is closed.')) : work();

	return {
		...sources(db),
		...tokens(db),
		...getSubscriptions(db),
		...createSubscription(db),
		...changeSubscription(db),
		...secrets(db),
		...stopSubscription(db),
		...getEvents(db),
		...variants(db),
		...getDeliveries(db),
		...claim(progress),
		...cancel(db),
		...nextDueAt(progress),
		...stats(db),
		...giveUp(db),
		...sweep(db),
		...rekey(db),
		acceptQuarantined: (...args) => ringing(making.acceptQuarantined(...args)),
		redrive: (...args) => ringing(making.redrive(...args)),
		release: (...args) => ringing(making.release(...args)),
		replay: (...args) => ringing(making.replay(...args)),
		async ingest(event) {
			const outcome = await open(() => events.add(event));
			if (outcome.kind !== 'duplicate' && outcome.deliveries > 0) bell.ring();
			return outcome;
		},
		settle: (settlement) => open(() => settlements.add(settlement)),
		onDue: (listener) => bell.onRing(listener),
		async ping() {
			await db.query(PING);
		},
		close: () => (closing ??= close()),
	};
}

/** A failure that says nothing of the items themselves would be the same for each half of a batch. */
const blamesAnItem = (error: unknown) => error instanceof StoreError && error.code === 'failed';

const BATCHES = {
	splits: blamesAnItem,
	tooLong: tookTooLong,
	maxItems: 200,
	maxBytes: 4 * MEBIBYTE,
	maxQueuedBytes: 64 * MEBIBYTE,
	lanes: 2,
};

function ingestBatches(db: Database) {
	const store = ingest(db);
	return createBatches<NewEvent, IngestOutcome>({
		...BATCHES,
		// Three relays with 64 connections each take in 2 to 10 % more than with 1, one with 192 up to 4 %.
		besides: 64,
		// The same again is safe: an event that is there already under its own id was stored by the first try.
		run: (batch) => db.retrying(() => store(batch)),
		bytes: ({ body }) => body.length,
		conflict: ({ sourceId, dedupeKey }) => `${sourceId} ${dedupeKey}`,
	});
}

function settleBatches(db: Database) {
	const operation = settle(db);
	/** What may have been written, its answer lost with the connection; also when it is tried again by whoever wants it settled. */
	const tried = new WeakSet<Settlement>();
	return createBatches<Settlement, 'settled' | 'fenced'>({
		...BATCHES,
		besides: 1,
		run: (batch) =>
			db.retrying(async () => {
				try {
					return await operation.settle(
						batch,
						batch.filter((one) => tried.has(one)),
					);
				} catch (error) {
					if (isLost(error)) for (const one of batch) tried.add(one);
					throw error;
				}
			}),
		bytes: ({ response }) => response?.length ?? 0,
		conflict: ({ deliveryId }) => deliveryId,
	});
}
