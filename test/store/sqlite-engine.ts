import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBatchRunner } from '../../relay/src/store/sqlite/batch.ts';
import { openEngine, OPERATIONS } from '../../relay/src/store/sqlite/engine.ts';
import type { Operations } from '../../relay/src/store/sqlite/engine.ts';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import { StoreError } from '../../relay/src/store/port.ts';
import type { Store } from '../../relay/src/store/port.ts';
import type { Engine } from './conformance/fixtures.ts';
import { engineOn } from './engine-on.ts';

export const temporaryFile = async () => {
	const folder = await mkdtemp(join(tmpdir(), 'store-'));
	return { path: join(folder, 'relay.sqlite'), remove: () => rm(folder, { recursive: true, force: true }) };
};

/** SQLite as the relay has it, a file of its own for each test. */
export const sqlite = onFiles('SQLite', (path) => openSqliteStore({ path }));

/** The same operations in the same transactions, but in this thread and without a sync: for many tests of what they do. */
export const sqliteHere = onFiles('SQLite in this thread', async (path): Promise<Store> => {
	const engine = openEngine(path);
	engine.db.exec('PRAGMA synchronous = OFF');
	const run = createBatchRunner(engine);
	const call = async (name: keyof Operations | 'ping', args: unknown[]): Promise<unknown> => {
		const [outcome] = run([{ name, args }]);
		if (outcome && 'value' in outcome) return outcome.value;
		throw new StoreError(outcome?.error.code ?? 'failed', outcome?.error.message ?? 'no outcome');
	};
	const calls = Object.keys(OPERATIONS).map((name) => [
		name,
		(...args: unknown[]) => call(name as keyof Operations, args),
	]);
	return {
		...(Object.fromEntries(calls) as Omit<Store, 'onDue' | 'ping' | 'close'>),
		onDue: () => () => undefined,
		ping: async () => void (await call('ping', [])),
		async close() {
			if (engine.db.isOpen) engine.db.close();
		},
	};
});

function onFiles(name: string, openStore: (path: string) => Promise<Store>): Engine {
	return engineOn(name, async () => {
		const { path, remove } = await temporaryFile();
		return { openStore: () => openStore(path), clear: remove };
	});
}
