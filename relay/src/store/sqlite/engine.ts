import type { DatabaseSync } from 'node:sqlite';
import { openSqlite } from '../../sqlite/open.ts';
import type { Store } from '../port.ts';
import { toStoreError } from './errors.ts';
import { prepareAcceptQuarantined } from './operations/accept-quarantined.ts';
import { prepareCancel } from './operations/cancel.ts';
import { prepareChangeSubscription } from './operations/change-subscription.ts';
import { prepareClaim } from './operations/claim.ts';
import { prepareCreateSubscription } from './operations/create-subscription.ts';
import { prepareGetDeliveries } from './operations/get-deliveries.ts';
import { prepareGetEvents } from './operations/get-events.ts';
import { prepareGetSubscriptions } from './operations/get-subscriptions.ts';
import { prepareGiveUp } from './operations/give-up.ts';
import { prepareIngest } from './operations/ingest.ts';
import { prepareMakeDeliveries } from './operations/make-deliveries.ts';
import { prepareNextDueAt } from './operations/next-due-at.ts';
import { prepareRedrive } from './operations/redrive.ts';
import { prepareRekey } from './operations/rekey.ts';
import { prepareRelease } from './operations/release.ts';
import { prepareReplay } from './operations/replay.ts';
import { prepareSecrets } from './operations/secrets.ts';
import { prepareSettle } from './operations/settle.ts';
import { prepareSources } from './operations/sources.ts';
import { prepareStats } from './operations/stats.ts';
import { prepareStopSubscription } from './operations/stop-subscription.ts';
import { prepareSweep } from './operations/sweep.ts';
import { prepareTokens } from './operations/tokens.ts';
import { prepareVariants } from './operations/variants.ts';
import { createDedupeKeys } from './dedupe-keys.ts';
import { createEventNumbers } from './event-numbers.ts';
import type { EventNumbers } from './event-numbers.ts';
import { createFirstDue } from './first-due.ts';
import type { FirstDue } from './first-due.ts';
import type { DedupeKeys } from './dedupe-keys.ts';
import { MIGRATIONS } from './schema.ts';
import { createTargets } from './targets.ts';
import type { Targets } from './targets.ts';

/** What the port asks of a database and how, less what is not the database's: waiting for the disk, and waking. */
type Asked = Omit<Store, 'onDue' | 'ping' | 'close'>;

/** The operations of the port, each at once: no promises, and no transaction of its own. */
export type Operations = {
	[Name in keyof Asked]: (...args: Parameters<Asked[Name]>) => Awaited<ReturnType<Asked[Name]>>;
} & {
	/** Ends every lease: for a process that knows that it is the only one (see openSqliteStore). */
	endLeases: (at: number) => void;
};

/**
 * What an operation does. One that writes belongs into a transaction, and is answered when that is on disk. `progress` is
 * a write that a power cut may take back, because nothing is lost by it: a delivery is made again, under the same id. It
 * is on disk with the next write, and SYNC_WITHIN_MS later at the latest.
 */
export const OPERATIONS = {
	putSource: 'write',
	findSourceByTokenHash: 'read',
	listSources: 'read',
	putToken: 'write',
	findTokenByHash: 'read',
	listTokens: 'read',
	rotateToken: 'write',
	deleteToken: 'write',
	touchToken: 'write',
	ingest: 'write',
	createSubscription: 'write',
	changeSubscription: 'write',
	rotateSecret: 'write',
	getSubscription: 'read',
	listSubscriptions: 'read',
	deleteSubscription: 'write',
	cancelStopped: 'write',
	claim: 'progress',
	settle: 'progress',
	release: 'progress',
	endLeases: 'write',
	nextDueAt: 'read',
	replay: 'write',
	cancel: 'write',
	redrive: 'write',
	getEvent: 'read',
	listEvents: 'read',
	getBody: 'read',
	recordVariant: 'write',
	listVariants: 'read',
	acceptQuarantined: 'write',
	getDelivery: 'read',
	listDeliveries: 'read',
	stats: 'read',
	giveUp: 'write',
	sweep: 'write',
	bodiesNotUnder: 'read',
	replaceBodies: 'write',
	resealSecrets: 'write',
} as const satisfies Record<keyof Operations, 'read' | 'write' | 'progress'>;

/**
 * Bodies are most of what is written, and appended. In pages four times SQLite's usual size a webhook costs the thread a
 * quarter less time (32 in a batch, 2 KiB each: 35 µs instead of 46), and one of 120 KiB a third less.
 */
const PAGE_BYTES = 16 * 1024;

/** A SQLite file with its operations. Synchronous: whoever holds it decides when to commit (batch.ts). */
export interface Engine {
	db: DatabaseSync;
	operations: Operations;
	/** What it remembers beside the database; batch.ts tells it of every transaction. */
	keys: DedupeKeys;
	numbers: EventNumbers;
	targets: Targets;
	firstDue: FirstDue;
}

/**
 * @param path a file, or `:memory:`
 * @throws StoreError when the file can't be opened, or was written by a later version
 */
export function openEngine(path: string): Engine {
	try {
		const db = openSqlite(path, MIGRATIONS, 'CLrl', PAGE_BYTES);
		// A statement that writes in several steps, by a trigger say, keeps the pages as they were in case a later step fails:
		// here five of them, more than SQLite keeps in memory of its own accord, and so each such statement made a file.
		db.exec('PRAGMA temp_store = MEMORY');
		return { db, ...prepareOperations(db) };
	} catch (error) {
		throw toStoreError(error);
	}
}

/** Prepares every statement the store ever runs, so that a schema that does not fit fails at the start. */
export function prepareOperations(db: DatabaseSync): Omit<Engine, 'db'> {
	const subscriptions = prepareStopSubscription(db);
	const keys = createDedupeKeys(db);
	const numbers = createEventNumbers(db);
	const targets = createTargets(db);
	const firstDue = createFirstDue(db);
	const makeDeliveries = prepareMakeDeliveries(db);
	const operations: Operations = {
		...prepareSources(db),
		...prepareTokens(db),
		ingest: prepareIngest(db, { keys, numbers, targets, makeDeliveries }),
		createSubscription: prepareCreateSubscription(db),
		changeSubscription: prepareChangeSubscription(db),
		...prepareSecrets(db),
		...prepareGetSubscriptions(db),
		deleteSubscription: (id) => subscriptions.deleteSubscription(id),
		cancelStopped: (limit) => subscriptions.cancelStopped(limit),
		claim: prepareClaim(db),
		settle: prepareSettle(db, { firstDue }),
		...prepareRelease(db),
		nextDueAt: prepareNextDueAt(db),
		replay: prepareReplay(db),
		cancel: prepareCancel(db),
		redrive: prepareRedrive(db),
		...prepareGetEvents(db),
		...prepareVariants(db),
		acceptQuarantined: prepareAcceptQuarantined(db, { keys, targets, makeDeliveries }),
		...prepareGetDeliveries(db),
		stats: prepareStats(db),
		giveUp: prepareGiveUp(db),
		sweep: prepareSweep(db),
		...prepareRekey(db),
	};
	return { operations, keys, numbers, targets, firstDue };
}
