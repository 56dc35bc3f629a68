import type { Store } from '../port.ts';
import { OPERATIONS } from './engine.ts';
import { startEngineThread } from './thread.ts';

/**
 * The store on embedded SQLite: one file, one process, one writer, in a thread of its own. Every write goes through
 * group commit, so a promise of this store resolves only when what it wrote is on disk.
 *
 * @param options.path a file, or `:memory:`
 * @param options.endLeasesAt ends every lease at this time. For a process that knows that it is the only one: the
 *   leases it finds are those of its predecessor, which is gone, and need not be waited for
 * @param options.onLost called when the store's thread has died: nothing can be stored until the process is restarted
 * @throws StoreError when the file can't be opened, or was written by a later version
 */
export async function openSqliteStore(options: {
	path: string;
	endLeasesAt?: number;
	onLost?: (error: Error) => void;
}): Promise<Store> {
	const { path, endLeasesAt, onLost = () => undefined } = options;
	const engine = await startEngineThread(path, onLost);
	if (endLeasesAt !== undefined) await engine.call('endLeases', [endLeasesAt]);

	const operations = Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[];
	const calls = operations.map((name) => [name, (...args: unknown[]) => engine.call(name, args)] as const);
	return {
		...(Object.fromEntries(calls) as Omit<Store, 'onDue' | 'ping' | 'close'>),
		// One process: whatever makes something due here is known here.
		onDue: () => () => undefined,
		// An empty transaction still needs the write lock, so it fails where a write would.
		async ping() {
			await engine.call('ping', []);
		},
		close: () => engine.close(),
	};
}
