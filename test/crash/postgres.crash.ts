import { startPostgres } from '../support/postgres.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { POSTGRES_POINTS, testCrashPoints } from './crash-points.ts';

/** Killed at every point of its work on a real PostgreSQL, where another relay could still hold the leases. */

let postgres: TestPostgres;
let url: string;
beforeAll(async () => {
	postgres = await startPostgres();
	url = await postgres.createDatabase();
});
afterAll(() => postgres.dispose());

testCrashPoints({ points: POSTGRES_POINTS, env: () => ({ DATABASE_URL: url }), leasesRunOut: true });
