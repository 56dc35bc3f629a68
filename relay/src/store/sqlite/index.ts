import type { Store } from '../port.ts';
import { openEngine, OPERATIONS } from './engine.ts';
import type { Operations } from './engine.ts';
import { toStoreError } from './errors.ts';
import { createGroupCommit } from './group-commit.ts';

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
	const { db, operations } = openEngine(options.path);
	const commits = createGroupCommit(db);
	const { endLeasesAt } = options;
	if (endLeasesAt !== undefined) await commits.write(() => operations.endLeases(endLeasesAt));

	const read = async <T>(work: () => T): Promise<T> => {
		try {
			return work();
		} catch (error) {
			throw toStoreError(error);
		}
	};

	return {
		...answering(operations, { read, write: (work) => commits.write(work) }),
		// One process: whatever makes something due here is known here.
		onDue: () => () => undefined,
		// An empty transaction still needs the write lock, so it fails where a write would.
		ping: () => commits.write(() => undefined),
		async close() {
			if (!db.isOpen) return;
			commits.flush();
			db.close();
		},
	};
}

type Asked = Omit<Store, 'onDue' | 'ping' | 'close'>;
type Run = <T>(work: () => T) => Promise<T>;

/** The operations as the port has them: each read at once, each write through group commit. */
function answering(operations: Operations, run: { read: Run; write: Run }): Asked {
	const entries = Object.entries(OPERATIONS).map(([name, kind]) => {
		const operation = operations[name as keyof Operations] as (...args: unknown[]) => unknown;
		return [name, (...args: unknown[]) => run[kind](() => operation(...args))];
	});
	return Object.fromEntries(entries) as Asked;
}
