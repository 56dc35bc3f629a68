import { openSqlite } from '../../sqlite/open.ts';
import type { Store } from '../port.ts';
import { prepareAccess } from './access.ts';
import { prepareDeliveries } from './deliveries.ts';
import { toStoreError } from './errors.ts';
import { prepareEvents } from './events.ts';
import { createGroupCommit } from './group-commit.ts';
import { prepareIngest } from './ingest.ts';
import { MIGRATIONS } from './schema.ts';
import { prepareSubscriptions } from './subscriptions.ts';

/**
 * The store on embedded SQLite: one file, one process, one writer. Every write goes through group commit, so a
 * promise of this store resolves only when what it wrote is on disk.
 *
 * @param options.path a file, or `:memory:`
 * @param options.endLeasesAt ends every lease at this time. For a process that knows that it is the only one: the
 *   leases it finds are those of its predecessor, which is gone, and need not be waited for
 * @throws StoreError when the file can't be opened, or was written by a later version
 */
export async function openSqliteStore(options: { path: string; endLeasesAt?: number }): Promise<Store> {
	const db = open(options.path);
	const commits = createGroupCommit(db);
	const write = <T>(work: () => T): Promise<T> => commits.write(work);
	const access = prepareAccess(db);
	const events = prepareEvents(db);
	const subscriptions = prepareSubscriptions(db);
	const deliveries = prepareDeliveries(db, (id) => subscriptions.end(id));
	const ingest = prepareIngest(db);
	const { endLeasesAt } = options;
	if (endLeasesAt !== undefined) await commits.write(() => deliveries.endLeases(endLeasesAt));

	const read = async <T>(work: () => T): Promise<T> => {
		try {
			return work();
		} catch (error) {
			throw toStoreError(error);
		}
	};

	return {
		putSource: (source) => write(() => access.putSource(source)),
		findSourceByTokenHash: (hash) => read(() => access.findSource(hash)),
		listSources: () => read(() => access.listSources()),
		putToken: (token) => write(() => access.putToken(token)),
		findTokenByHash: (hash) => read(() => access.findToken(hash)),

		ingest: (event) => write(() => ingest(event)),

		createSubscription: (subscription) => write(() => subscriptions.create(subscription)),
		updateSubscription: (subscription) => write(() => subscriptions.update(subscription)),
		getSubscription: (id) => read(() => subscriptions.get(id)),
		listSubscriptions: (query) => read(() => subscriptions.list(query?.url)),
		deleteSubscription: (id) => write(() => subscriptions.remove(id)),

		claim: (claim) => write(() => deliveries.claim(claim)),
		settle: (settlement) => write(() => deliveries.settle(settlement)),
		release: (claims, now) => write(() => deliveries.release(claims, now)),
		nextDueAt: () => read(() => deliveries.nextDueAt()),

		getEvent: (id) => read(() => events.get(id)),
		listEvents: (query) => read(() => events.list(query)),
		listDeliveries: (eventId) => read(() => deliveries.ofEvent(eventId)),

		// An empty transaction still needs the write lock, so it fails where a write would.
		ping: () => write(() => undefined),
		async close() {
			if (!db.isOpen) return;
			commits.flush();
			db.close();
		},
	};
}

function open(path: string) {
	try {
		return openSqlite(path, MIGRATIONS);
	} catch (error) {
		throw toStoreError(error);
	}
}
