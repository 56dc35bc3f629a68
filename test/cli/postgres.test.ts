import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backupCommand } from '../../relay/src/cli/backup.ts';
import { doctorCommand } from '../../relay/src/cli/doctor.ts';
import { rekeyCommand } from '../../relay/src/cli/rekey.ts';
import { readConfig } from '../../relay/src/config.ts';
import { openDataFolder } from '../../relay/src/data-folder.ts';
import type { Finding } from '../../relay/src/doctor/index.ts';
import { systemIds } from '../../relay/src/ids.ts';
import { readDatabaseUrl } from '../../relay/src/store/postgres/address.ts';
import { forgetKeysOlderThan } from '../../relay/src/store/postgres/fingerprints.ts';
import { onOneConnection } from '../../relay/src/store/postgres/open.ts';
import { startReceiver, startTestRelay, webhook } from '../relay/harness.ts';
import { startPostgres } from '../support/postgres.ts';
import type { TestPostgres } from '../support/postgres.ts';

let server: TestPostgres;
let folder: string;
let settings: Record<string, string>;
beforeAll(async () => void (server = await startPostgres()));
afterAll(() => server.dispose());
beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'cli-postgres-'));
	settings = {
		DATABASE_URL: await server.createDatabase(),
		RELAY_MASTER_KEY: randomBytes(32).toString('base64'),
		RELAY_SEALING_KEYS: OLD,
		RELAY_TOKEN: `crt_${'a'.repeat(43)}`,
		RELAY_ENCRYPT_BODIES: 'on',
		RELAY_DATA: folder,
		RELAY_PORT: '2',
	};
});
afterEach(() => rmSync(folder, { recursive: true }));

const keyLine = (id: number, byte: number) => `${id} ${Buffer.alloc(32, byte).toString('base64')}`;
const OLD = keyLine(1, 1);
const NEW = keyLine(2, 2);
const BOTH = `${OLD},${NEW}`;

const rekey = async (env: Record<string, string> = {}) => {
	let text = '';
	await rekeyCommand(
		[],
		() => readConfig({ ...settings, ...env }),
		(more) => (text += more),
	);
	return text;
};
const doctor = async (env: Record<string, string> = {}) => {
	let text = '';
	const config = () => readConfig({ ...settings, ...env });
	const code = await doctorCommand(['--json'], { config, env: {} }, (more) => (text += more));
	const { findings } = JSON.parse(text) as { findings: Finding[] };
	return { code, findings, about: (what: string) => findings.filter((one) => one.about === what) };
};
const start = (env: Record<string, string> = {}) =>
	startTestRelay({ env: { ...settings, RELAY_PORT: '0', ...env } });

it('seals everything with the new key while a relay runs, which delivers before and after', async () => {
	const receiver = await startReceiver();
	const first = await start();
	const created = await first.call('POST', '/relay/v1/subscriptions', { body: { url: receiver.url } });
	expect(created.status).toBe(201);
	await first.ingest(webhook('w_1'));
	await receiver.waitFor(1);
	await first.close();

	expect(await rekey()).toMatch(
		/^Sealing key 1 is in use: .* 0 bodies too\.\nTo have a new key, add the line "2 /,
	);
	const second = await start({ RELAY_SEALING_KEYS: BOTH });
	try {
		await second.ingest(webhook('w_2'));
		expect(await rekey({ RELAY_SEALING_KEYS: BOTH })).toMatch(
			/^Sealing key 2 is in use: the secrets of 1 subscriptions .* 1 bodies too\.\nThe other sealing keys can go now/,
		);
		await second.ingest(webhook('w_3'));
		await receiver.waitFor(3);
	} finally {
		await second.close();
	}
	// The old key is needed no more: an event from before is delivered again.
	const third = await start({ RELAY_SEALING_KEYS: NEW });
	try {
		const [{ id }] = (await (await third.call('GET', '/relay/v1/events?workflow_id=w_1')).json()).events;
		const event = await (await third.call('GET', `/relay/v1/events/${id}`)).json();
		const replay = `/relay/v1/deliveries/${event.deliveries[0].id}/replay`;
		expect((await third.call('POST', replay)).status).toBeLessThan(300);
		await receiver.waitFor(4);
		expect(receiver.received[3]!.body).toBe(webhook('w_1'));
	} finally {
		await third.close();
		await receiver.close();
	}
});

it('refuses to seal with a key that the relays do not have, or with another one of the same number', async () => {
	await (await start({ RELAY_SEALING_KEYS: BOTH })).close();
	await expect(rekey()).rejects.toThrow(/is used with sealing key 2, which this relay does not have/);
	await expect(rekey({ RELAY_SEALING_KEYS: `${OLD},${NEW.replace('2 Ag', '2 Aw')}` })).rejects.toThrow(
		/^The rekey stopped: .* is used with another sealing key 2/,
	);
});

it('counts key ids up to 255 and begins again, with a key 1 that is another than the first', async () => {
	const keys = [1, 120, 240, 255, 1, 2].map((id, n) => keyLine(id, 10 + n));
	let used = keys[0]!;
	await (await start({ RELAY_SEALING_KEYS: used })).close();
	for (const key of keys.slice(1)) {
		const both = `${used},${key}`;
		await (await start({ RELAY_SEALING_KEYS: both })).close();
		expect(await rekey({ RELAY_SEALING_KEYS: both })).toMatch(`Sealing key ${key.split(' ')[0]} is in use`);
		// The old one has done its part. Who has no other is refused as ever.
		await expect(rekey({ RELAY_SEALING_KEYS: used })).rejects.toThrow(/which this relay does not have/);
		await (await start({ RELAY_SEALING_KEYS: key })).close();
		used = key;
	}
});

it('forgets fingerprints of older sealing keys only: another relay may just have brought a newer one', async () => {
	const keys = [253, 254, 255, 1, 2].map((id) => keyLine(id, id)).join();
	await (await start({ RELAY_SEALING_KEYS: keys })).close();
	const url = settings.DATABASE_URL!;
	await onOneConnection(readDatabaseUrl(url), (client) => forgetKeysOlderThan(client, 255));
	const rows = await server.query<{ name: string }>(
		'SELECT name FROM cleanlist_relay.properties ORDER BY name',
		url,
	);
	expect(rows.map(({ name }) => name)).toEqual([
		'master key',
		'sealing key 1',
		'sealing key 2',
		'sealing key 255',
	]);
});

it('has a doctor that looks and changes nothing, before the first relay and after', async () => {
	const before = await doctor();
	expect(before.about('database')).toMatchObject(
		[{ level: 'note', says: /version 0; the next start/ }].map(matching),
	);
	const [row] = await server.query(
		"SELECT to_regnamespace('cleanlist_relay') AS made",
		settings.DATABASE_URL,
	);
	expect(row).toEqual({ made: null });

	const relay = await start();
	await relay.call('POST', '/relay/v1/subscriptions', { body: { url: 'http://127.0.0.1:2/x' } });
	await relay.close();
	const after = await doctor();
	expect(after.about('database')).toMatchObject([{ level: 'ok' }]);
	expect(after.about('keys')).toMatchObject([{ level: 'ok' }]);
	expect(after.about('clock')).toMatchObject([{ level: 'ok' }]);
	const wrongKey = await doctor({ RELAY_SEALING_KEYS: NEW.replace('2 ', '1 ') });
	expect(wrongKey.about('keys')).toMatchObject([{ level: 'problem' }]);
});

it('has a doctor that says what the next start would be refused for: another first token, another key', async () => {
	const { RELAY_MASTER_KEY = '', RELAY_SEALING_KEYS = '', DATABASE_URL = '' } = settings;
	const first = await startTestRelay({ env: { RELAY_MASTER_KEY, RELAY_SEALING_KEYS, DATABASE_URL } });
	try {
		const of = { RELAY_DATA: first.folder, RELAY_TOKEN: '' };
		expect((await doctor(of)).about('database')).toMatchObject([{ level: 'ok' }]);

		const folder = await openDataFolder(settings.RELAY_DATA ?? '', systemIds);
		folder.close();
		expect((await doctor({ RELAY_TOKEN: '' })).about('database')).toEqual([
			{
				level: 'problem',
				about: 'database',
				says: "The database has another first management token than this relay's keys/relay-token.",
				remedy: 'Set RELAY_TOKEN to that of the others, or to a new one for all of them.',
			},
		]);
		// Set, it would replace the first token.
		expect((await doctor()).about('database')).toMatchObject([{ level: 'ok' }]);
		expect((await doctor({ RELAY_MASTER_KEY: '' })).about('database')).toMatchObject(
			[{ level: 'problem', says: /is used with another master key\.$/ }].map(matching),
		);
		expect(await server.query('SELECT id FROM cleanlist_relay.tokens', DATABASE_URL)).toEqual([
			{ id: 'first' },
		]);
	} finally {
		await first.close();
	}
});

it('has a doctor that says why the database can not be used, without the password', async () => {
	const url = new URL(settings.DATABASE_URL!);
	url.password = 'wrong-pass-word';
	const { code, about, findings } = await doctor({ DATABASE_URL: url.href });
	expect(code).toBe(1);
	expect(about('database')).toMatchObject([{ level: 'problem', remedy: 'Check both in DATABASE_URL.' }]);
	expect(JSON.stringify(findings)).not.toContain('wrong-pass-word');
});

it('leaves backups to the database', async () => {
	await expect(
		backupCommand(
			['--to', folder],
			() => readConfig(settings),
			() => {},
		),
	).rejects.toThrow(/are in PostgreSQL \(DATABASE_URL\): back them up with pg_dump/);
});

/** A finding with a pattern for what it says. */
const matching = ({ level, says }: { level: string; says: RegExp }) => ({
	level,
	says: expect.stringMatching(says) as string,
});
