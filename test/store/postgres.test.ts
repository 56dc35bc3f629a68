import { systemClock } from '../../relay/src/clock.ts';
import { systemIds } from '../../relay/src/ids.ts';
import { openPostgresStore } from '../../relay/src/store/postgres/index.ts';
import { startPostgres } from '../support/postgres.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { storeConformance } from './conformance.ts';
import { engineOn } from './engine-on.ts';
import { storeModel } from './model.ts';

let server: TestPostgres;
let url: string;
beforeAll(async () => {
	server = await startPostgres();
	url = await server.createDatabase();
});
afterAll(() => server.dispose());

const postgres = engineOn('PostgreSQL', async () => ({
	openStore: () => openPostgresStore({ url, clock: systemClock, ids: systemIds }),
	// Emptied instead of made anew: a quarter of the time.
	clear: () =>
		server.query(
			`SET search_path TO cleanlist_relay;
			DELETE FROM events; DELETE FROM bodies; DELETE FROM dedupe_keys; DELETE FROM subscriptions; DELETE FROM tokens; DELETE FROM stopped_subscriptions;
			DELETE FROM sources`,
			url,
		),
}));

storeConformance(postgres);
storeModel(postgres, { runs: 15, timeoutMs: 120_000 });
