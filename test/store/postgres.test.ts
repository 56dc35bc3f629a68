import { systemClock } from '../../relay/src/clock.ts';
import { systemIds } from '../../relay/src/ids.ts';
import { openPostgresStore } from '../../relay/src/store/postgres/index.ts';
import type { Store } from '../../relay/src/store/port.ts';
import { startPostgres } from '../support/postgres.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { storeConformance } from './conformance.ts';
import type { Engine } from './conformance.ts';
import { storeModel } from './model.ts';

let server: TestPostgres;
let url: string;
beforeAll(async () => {
	server = await startPostgres();
	url = await server.createDatabase();
});
afterAll(() => server.dispose());

const openStore = () => openPostgresStore({ url, clock: systemClock, ids: systemIds });

const postgres: Engine = {
	name: 'PostgreSQL',
	async open() {
		const opened: Store[] = [];
		const open = async () => {
			const store = await openStore();
			opened.push(store);
			return store;
		};
		let store = await open();
		return {
			store,
			another: open,
			async reopen() {
				await store.close();
				store = await open();
				return store;
			},
			async remove() {
				for (const each of opened) await each.close();
				// Emptied instead of made anew: a quarter of the time.
				await server.query(
					`SET search_path TO cleanlist_relay;
					DELETE FROM events; DELETE FROM dedupe_keys; DELETE FROM subscriptions; DELETE FROM tokens; DELETE FROM stopped_subscriptions;
					DELETE FROM sources`,
					url,
				);
			},
		};
	},
};

storeConformance(postgres);
storeModel(postgres, { runs: 15, timeoutMs: 120_000 });
