import { Client } from 'pg';
import { createRelay } from '../../relay/src/app.ts';
import { readConfig } from '../../relay/src/config.ts';
import { SourcesResponse, SubscriptionWithSecret } from '../../relay/src/contract/relay-api.ts';
import { sha256 } from '../../relay/src/crypto.ts';
import { systemIds } from '../../relay/src/ids.ts';
import { createLogger } from '../../relay/src/log.ts';
import { mintManagementToken } from '../../relay/src/management-token.ts';
import { postgresDatabase } from '../support/postgres-database.ts';
import { TEST_PASSWORD } from '../support/postgres.ts';
import { spawnRelay, startRelay } from '../support/relay-process.ts';
import type { RelayOptions, RelayProcess } from '../support/relay-process.ts';
import { until } from '../support/until.ts';
import { startReceiver, startTestRelay, webhook } from './harness.ts';

/** The real process on a real PostgreSQL: what an operator meets. */

const db = postgresDatabase();
const relays: { dispose(): Promise<void> }[] = [];
afterEach(async () => {
	for (const relay of relays.splice(0)) await relay.dispose();
});

const KEYS = {
	RELAY_TOKEN: `crt_${'a'.repeat(43)}`,
	RELAY_MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
	RELAY_SEALING_KEYS: `1 ${Buffer.alloc(32, 2).toString('base64')}`,
};
const onDatabase = (env: RelayOptions['env'] = {}): RelayOptions => ({
	env: { DATABASE_URL: db.url, RELAY_REFERENCE: 'off', ...KEYS, ...env },
});
const start = async (env: RelayOptions['env'] = {}): Promise<RelayProcess> => {
	const relay = await startRelay(onDatabase(env));
	relays.push(relay);
	return relay;
};
/** What it says when it does not start. */
const refusal = async (env: RelayOptions['env']): Promise<string> => {
	const relay = spawnRelay(onDatabase(env));
	relays.push(relay);
	expect(await relay.exited).toEqual({ code: 1, signal: null });
	const { stdout, stderr } = relay.output();
	for (const password of [TEST_PASSWORD, encodeURIComponent(TEST_PASSWORD), 'wrong-password']) {
		expect(stdout + stderr).not.toContain(password);
	}
	expect(stderr.trim().split('\n')).toHaveLength(1);
	return stderr.trim();
};
const call = (relay: RelayProcess, path: string, init: RequestInit = {}) =>
	fetch(`${relay.url}/relay/v1${path}`, {
		...init,
		headers: { authorization: `Bearer ${relay.token}`, 'content-type': 'application/json' },
	});
const ingestPath = async (relay: RelayProcess) => {
	const { sources } = SourcesResponse.parse(await (await call(relay, '/sources')).json());
	return new URL(sources[0]?.ingest_url ?? '').pathname;
};

test('what one relay takes in, another delivers when the first is gone, and the first after a restart', async () => {
	const one = await start();
	const receiver = await startReceiver();
	try {
		const created = await call(one, '/subscriptions', {
			method: 'POST',
			body: JSON.stringify({ url: receiver.url }),
		});
		SubscriptionWithSecret.parse(await created.json());
		const path = await ingestPath(one);
		const first = await fetch(`${one.url}${path}`, { method: 'POST', body: webhook('wf-1') });
		expect(first.status).toBe(200);
		await receiver.waitFor(1);

		// The same keys make the same ingest URL, whichever relay is asked.
		const two = await start();
		expect(await ingestPath(two)).toBe(path);
		await one.kill();
		const second = await fetch(`${two.url}${path}`, { method: 'POST', body: webhook('wf-2') });
		expect(second.status).toBe(200);
		await receiver.waitFor(2);
		const again = await fetch(`${two.url}${path}`, { method: 'POST', body: webhook('wf-1') });
		expect(await again.json()).toMatchObject({ status: 'duplicate' });
	} finally {
		await receiver.close();
	}
});

test('relays that start at the same time on a new database all come up', async () => {
	const all = await Promise.all([start(), start(), start()]);
	for (const relay of all) expect((await fetch(`${relay.url}/readyz`)).status).toBe(200);
});

test('can be stopped while it waits to start, for the migration of another one here', async () => {
	const other = new Client({ connectionString: db.url });
	await other.connect();
	try {
		// As in migrate.ts.
		await other.query(`BEGIN; SELECT pg_advisory_xact_lock(${0xc1e1a4})`);
		const relay = spawnRelay(onDatabase());
		relays.push(relay);
		const waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory'";
		await until('it waits', async () => (await db.server.query(waiting, db.url)).length === 1);
		relay.signal('SIGTERM');
		expect(await relay.exited).toEqual({ code: 0, signal: null });
		expect(relay.output().stdout).toContain('stopped while starting');
	} finally {
		await other.end();
	}
});

test('another master key, another sealing key and a missing newer one are refused', async () => {
	const keys = `${KEYS.RELAY_SEALING_KEYS},2 ${Buffer.alloc(32, 3).toString('base64')}`;
	await (await start({ RELAY_SEALING_KEYS: keys })).stop();
	expect(
		await refusal({ RELAY_SEALING_KEYS: keys, RELAY_MASTER_KEY: Buffer.alloc(32, 9).toString('base64') }),
	).toMatch(/is used with another master key: give this relay the keys that the others have/);
	expect(await refusal({ RELAY_SEALING_KEYS: `2 ${Buffer.alloc(32, 9).toString('base64')}` })).toMatch(
		/is used with another sealing key 2/,
	);
	expect(await refusal({})).toMatch(/is used with sealing key 2, which this relay does not have/);
	// An old key may be dropped, and a new one added.
	const newer = `2 ${Buffer.alloc(32, 3).toString('base64')},3 ${Buffer.alloc(32, 4).toString('base64')}`;
	await start({ RELAY_SEALING_KEYS: newer });
});

test('a relay with another first token does not take it from the others', async () => {
	const one = await start({ RELAY_TOKEN: undefined });
	expect(await refusal({ RELAY_TOKEN: undefined })).toMatch(
		/has another first management token than this relay's keys\/relay-token: set RELAY_TOKEN to that of the others/,
	);
	expect((await call(one, '/tokens')).status).toBe(200);
	await start({ RELAY_TOKEN: one.token });
	await one.stop();
	const again = onDatabase({ RELAY_TOKEN: undefined });
	relays.push(await startRelay({ ...again, dataFolder: one.dataFolder }));
	// Whoever names one means it.
	const changed = await start();
	expect((await call(changed, '/tokens')).status).toBe(200);
});

test('of two with other first tokens that start at the same moment on a new database one comes up, the other is refused', async () => {
	const start = (database: string) => {
		const { RELAY_MASTER_KEY, RELAY_SEALING_KEYS } = KEYS;
		const config = readConfig({
			...{ DATABASE_URL: database, RELAY_REFERENCE: 'off', RELAY_MASTER_KEY, RELAY_SEALING_KEYS },
		});
		const relayToken = mintManagementToken(systemIds);
		// Not those that count: the configuration has the others.
		const keys = { relayToken, demoKey: '', masterKey: Buffer.alloc(32), sealingKeys: [] };
		const log = createLogger({ level: 'silent', format: 'json', output: { write: () => undefined } });
		return createRelay({ config, keys, log }).then((relay) => ({ relay, relayToken }));
	};
	for (let round = 0; round < 20; round++) {
		const database = await db.server.createDatabase();
		const outcomes = await Promise.allSettled([start(database), start(database)]);
		const up = outcomes.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value);
		try {
			expect(outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))).toEqual([
				expect.objectContaining({
					name: 'DatabaseError',
					message: expect.stringMatching(/^The database has another first management token than this/),
				}),
			]);
			const [winner] = up;
			expect(await winner?.relay.store.listTokens()).toMatchObject([
				{ id: 'first', hash: sha256(winner?.relayToken ?? ''), scopes: ['admin'] },
			]);
		} finally {
			for (const { relay } of up) await relay.close();
		}
	}
});

test('a relay that is refused for its first token leaves no key behind that the others would need', async () => {
	const one = await start({ RELAY_TOKEN: undefined });
	const keys = `${KEYS.RELAY_SEALING_KEYS},2 ${Buffer.alloc(32, 3).toString('base64')}`;
	expect(await refusal({ RELAY_TOKEN: undefined, RELAY_SEALING_KEYS: keys })).toMatch(
		/has another first management token/,
	);
	await start({ RELAY_TOKEN: one.token });
});

test.each([
	[
		'a wrong password',
		() => db.url.replace(encodeURIComponent(TEST_PASSWORD), 'wrong-password'),
		/does not take this user and password/,
	],
	[
		'a database that is not there',
		() => db.server.url('no_such'),
		/There is no database "no_such" on 127\.0\.0\.1/,
	],
	[
		'a port nobody listens on',
		() => db.url.replace(`:${db.server.port}`, ':2'),
		/can't be reached \(connection refused\)/,
	],
	[
		'a host that is not there',
		() => db.url.replace('127.0.0.1', 'nowhere.invalid'),
		/can't be reached \(no such host\)/,
	],
	['a server without TLS', () => `${db.url}?sslmode=verify-full`, /does not support SSL/],
])('says in a sentence what is wrong with %s', async (_, wrong, sentence) => {
	expect(await refusal({ DATABASE_URL: wrong() })).toMatch(sentence);
});

test.each([
	['synchronous_commit', 'off', /has synchronous_commit off, so it can lose/],
	['default_transaction_read_only', 'on', /can only be read: DATABASE_URL must lead to the primary/],
])('refuses a database with %s %s', async (setting, value, sentence) => {
	await db.server.query(`ALTER DATABASE ${new URL(db.url).pathname.slice(1)} SET ${setting} TO ${value}`);
	expect(await refusal({})).toMatch(sentence);
});

test.each(['fsync', 'full_page_writes'])('refuses a server with %s off', async (setting) => {
	await db.server.stop();
	await db.server.start({ [setting]: 'off' });
	try {
		expect(await refusal({})).toMatch(new RegExp(`has ${setting} off, so it can lose`));
	} finally {
		await db.server.stop();
		await db.server.start();
	}
});

test('refuses a database of a later version, and leaves it as it is', async () => {
	await (await start()).stop();
	await db.server.query('INSERT INTO cleanlist_relay.migrations VALUES (999)', db.url);
	expect(await refusal({})).toMatch(/version 999, newer than this program's \d+/);
	expect(await db.server.query('SELECT max(version) AS v FROM cleanlist_relay.migrations', db.url)).toEqual([
		{ v: 999 },
	]);
});

test('a full disk of the data folder, where no event goes, is no reason to refuse one', async () => {
	const relay = await startTestRelay({ env: { DATABASE_URL: db.url, ...KEYS }, free: () => 0 });
	try {
		expect((await fetch(`${relay.url}/readyz`)).status).toBe(200);
		expect((await relay.ingest(webhook('wf-1'))).status).toBe(200);
	} finally {
		await relay.close();
	}
});

test('logs nothing secret while the database is gone, answers 503, and goes on when it is back', async () => {
	const relay = await start({ RELAY_LOG_LEVEL: 'trace' });
	const path = await ingestPath(relay);
	await db.server.stop('immediate');
	const refused = await fetch(`${relay.url}${path}`, { method: 'POST', body: webhook('wf-1') });
	expect(refused.status).toBe(503);
	expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
	expect((await fetch(`${relay.url}/readyz`)).status).toBe(503);
	await db.server.start();
	const taken = await fetch(`${relay.url}${path}`, { method: 'POST', body: webhook('wf-1') });
	expect(await taken.json()).toMatchObject({ status: 'stored' });
	const printed = relay.output();
	for (const secret of [TEST_PASSWORD, encodeURIComponent(TEST_PASSWORD), relay.token, path]) {
		expect(printed.stdout).not.toContain(secret);
	}
});
