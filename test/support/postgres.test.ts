import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { startPostgres } from './postgres.ts';
import type { TestPostgres } from './postgres.ts';
import { until } from './until.ts';

/** The server that other tests rely on: is it real, durable, and gone afterwards? */

let server: TestPostgres;
beforeAll(async () => {
	server = await startPostgres();
});
afterAll(() => server.dispose());

it('is durable: what makes a PostgreSQL safe is on', async () => {
	const rows = await server.query<{ name: string; setting: string }>(
		"SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')",
	);
	expect(rows).toHaveLength(3);
	for (const { name, setting } of rows) expect([name, setting]).toEqual([name, 'on']);
});

it('gives each caller a database of its own', async () => {
	const [one, two] = [await server.createDatabase(), await server.createDatabase()];
	await server.query('CREATE TABLE t (n int)', one);
	await expect(server.query('SELECT * FROM t', two)).rejects.toMatchObject({ code: '42P01' });
});

it.each([
	['shut down', () => server.stop()],
	['stopped at once', () => server.stop('immediate')],
	['killed', () => server.kill()],
])('has what was committed after it was %s and started again, on the same port', async (_, end) => {
	const url = await server.createDatabase();
	await server.query('CREATE TABLE t AS SELECT 42 AS n', url);
	const { port } = server;
	await end();
	await expect(server.query('SELECT 1', url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
	await server.start();
	expect(server.port).toBe(port);
	expect(await server.query('SELECT n FROM t', url)).toEqual([{ n: 42 }]);
});

it('rejects the query that it dies under, and does not fail whoever else runs in this process', async () => {
	const waiting = server.query('SELECT pg_sleep(60)');
	const outcome = expect(waiting).rejects.toThrow(/terminated|ECONNRESET/);
	await until('the query runs', async () => {
		const running = await server.query(
			"SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'",
		);
		return running.length > 0;
	});
	await server.kill();
	await outcome;
	await server.start();
});

it('leaves no folder behind', async () => {
	const before = new Set(readdirSync(tmpdir()));
	const other = await startPostgres();
	const made = readdirSync(tmpdir()).filter(
		(name) => name.startsWith('relay-postgres-') && !before.has(name),
	);
	expect(made.length).toBeGreaterThan(0);
	await other.dispose();
	// Other test files may run a server beside this one.
	expect(made.some((name) => !existsSync(`${tmpdir()}/${name}`))).toBe(true);
	await expect(other.query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
