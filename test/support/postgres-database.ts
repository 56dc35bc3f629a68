import { startPostgres } from './postgres.ts';
import type { TestPostgres } from './postgres.ts';

/** A PostgreSQL server for the tests of a file, and a new database on it for each of them. */
export function postgresDatabase(): { readonly server: TestPostgres; readonly url: string } {
	let server: TestPostgres;
	let url: string;
	beforeAll(async () => {
		server = await startPostgres();
	});
	afterAll(() => server.dispose());
	beforeEach(async () => {
		url = await server.createDatabase();
	});
	return {
		get server() {
			return server;
		},
		get url() {
			return url;
		},
	};
}
