import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { doctorCommand } from '../../relay/src/cli/doctor.ts';
import { readConfig } from '../../relay/src/config.ts';
import { openDataFolder, STORE_FILE } from '../../relay/src/data-folder.ts';
import type { Finding } from '../../relay/src/doctor/index.ts';
import { checkClock, checkDisk } from '../../relay/src/doctor/machine.ts';
import { checkSettings } from '../../relay/src/doctor/settings.ts';
import { checkContent } from '../../relay/src/doctor/store.ts';
import { systemIds } from '../../relay/src/ids.ts';
import { createReferenceApi } from '../../relay/src/reference/testing.ts';
import { createSealer } from '../../relay/src/sealing.ts';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import { startReceiver, startTestRelay } from '../relay/harness.ts';
import type { TestRelay } from '../relay/harness.ts';
import { aSubscription } from '../store/conformance.ts';

const MIB = 1024 * 1024;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const close of closing.splice(0).reverse()) await close();
});

/** What `doctor --json` says of the relay, with its exit code. */
async function doctor(relay: Pick<TestRelay, 'folder' | 'port'>, env: Record<string, string> = {}) {
	const settings = {
		RELAY_DATA: relay.folder,
		RELAY_PORT: String(relay.port),
		RELAY_REFERENCE: 'off',
		...env,
	};
	let text = '';
	const code = await doctorCommand(
		['--json'],
		{ config: () => readConfig(settings), env: settings },
		(more) => (text += more),
	);
	return { code, findings: (JSON.parse(text) as { findings: Finding[] }).findings };
}
const about = (findings: Finding[], what: string) => findings.filter((one) => one.about === what);

async function aRelay(env: Record<string, string> = {}) {
	const relay = await startTestRelay({ env });
	closing.push(() => relay.close());
	return relay;
}
async function aReceiver() {
	const receiver = await startReceiver();
	closing.push(() => receiver.close());
	return receiver;
}
const subscribe = async (relay: TestRelay, url: string) =>
	expect((await relay.call('POST', '/relay/v1/subscriptions', { body: { url } })).status).toBe(201);
async function aServer(answer: Parameters<typeof createServer>[1]): Promise<string> {
	const server: Server = createServer(answer);
	await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
	closing.push(() => new Promise((closed) => server.close(closed)));
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it('finds nothing wrong with a relay that runs, whose receiver answers, and with a key that works', async () => {
	const relay = await aRelay();
	const receiver = await aReceiver();
	await subscribe(relay, receiver.url);
	const api = await createReferenceApi();
	closing.push(() => api.close());
	const { code, findings } = await doctor(relay, {
		RELAY_PUBLIC_URL: relay.url,
		CLEANLIST_API_KEY: api.key,
		CLEANLIST_BASE_URL: `${api.url}/`,
	});
	expect(findings.filter(({ level }) => level === 'problem' || level === 'warning')).toEqual([]);
	expect(code).toBe(0);
	for (const what of ['settings', 'data folder', 'disk', 'database', 'keys', 'deliveries', 'clock']) {
		expect(about(findings, what)[0]).toMatchObject({ level: 'ok', remedy: null });
	}
	expect(about(findings, 'relay')[0]!.says).toBe(`It runs on ${relay.url} and takes webhooks in.`);
	expect(about(findings, 'public URL')[0]!.says).toBe(`${relay.url} leads to a relay.`);
	expect(about(findings, 'n8n')[0]!.says).toMatch(/\(1 subscription\) can be reached\.$/);
	expect(about(findings, 'Cleanlist')[0]!.says).toMatch(/^The key works and has .*lists:read/);
	expect(receiver.received[0]!.headers['user-agent'] ?? '').not.toContain('cleanlist-relay/');
});

it('changes nothing: the database is byte for byte what it was', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
	const data = await openDataFolder(folder, systemIds);
	// Open, but without a relay around it: that writes by itself, 50 ms after it first looked for work.
	const store = await openSqliteStore({ path: join(folder, STORE_FILE) });
	closing.push(async () => {
		await store.close();
		data.close();
		rmSync(folder, { recursive: true });
	});
	await store.putSource({ id: 'default', name: 'Cleanlist', tokenHash: Buffer.alloc(32), createdAt: 0 });
	const read = () => [STORE_FILE, `${STORE_FILE}-wal`].map((name) => readFileSync(join(folder, name)));
	const before = read();
	const { findings } = await doctor({ folder, port: 2 });
	expect(about(findings, 'database')[0]).toMatchObject({ level: 'ok' });
	expect(read()).toEqual(before);
});

describe('what it says of what can be wrong', () => {
	it('a setting that is not valid', async () => {
		const { code, findings } = await doctor({ folder: '/nowhere', port: 1 }, { RELAY_LOG_LEVEL: 'loud' });
		expect(code).toBe(1);
		expect(findings).toEqual([
			expect.objectContaining({
				level: 'problem',
				says: expect.stringContaining('RELAY_LOG_LEVEL is "loud"'),
			}),
		]);
	});

	it('no data there', async () => {
		const { code, findings } = await doctor({ folder: '/nowhere/at/all', port: 1 });
		expect(code).toBe(1);
		expect(about(findings, 'data folder')).toEqual([
			{
				level: 'problem',
				about: 'data folder',
				says: "There is no relay's data in /nowhere/at/all.",
				remedy: 'Set RELAY_DATA to the folder of the relay that is meant.',
			},
		]);
	});

	it('a key file that others can read, and sealing keys that are not those of the secrets', async () => {
		const relay = await aRelay();
		await subscribe(relay, 'http://127.0.0.1:2/x');
		const file = join(relay.folder, 'keys', 'sealing-keys');
		chmodSync(file, 0o644);
		expect(about((await doctor(relay)).findings, 'data folder')[0]).toMatchObject({
			level: 'problem',
			remedy: `Run chmod 600 ${file}.`,
		});
		chmodSync(file, 0o600);
		writeFileSync(file, `1 ${Buffer.alloc(32, 1).toString('base64')}\n`);
		expect(about((await doctor(relay)).findings, 'keys')[0]).toMatchObject({
			level: 'problem',
			says: expect.stringMatching(/^The signing secrets of 1 of 1 subscriptions don't open/),
		});
	});

	it('a database that is none, and one that is damaged', async () => {
		const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
		closing.push(async () => rmSync(folder, { recursive: true }));
		writeFileSync(join(folder, 'relay.sqlite'), 'hello, I am a text, and a long one at that '.repeat(100));
		expect(about((await doctor({ folder, port: 1 })).findings, 'database')[0]).toMatchObject({
			level: 'problem',
			says: expect.stringContaining('file is not a database'),
			remedy: expect.stringMatching(/^Put it back from a backup/),
		});
	});

	it('a database that can not be opened, which a backup would not mend', async () => {
		const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
		closing.push(async () => rmSync(folder, { recursive: true }));
		mkdirSync(join(folder, 'relay.sqlite'));
		expect(about((await doctor({ folder, port: 1 })).findings, 'database')[0]).toMatchObject({
			level: 'problem',
			says: expect.stringMatching(/relay\.sqlite can't be read: /),
			remedy: expect.stringMatching(/^See that it is a file/),
		});
	});

	it('a clock that only the relay itself agrees with', async () => {
		const relay = await aRelay();
		await subscribe(relay, (await aReceiver()).url);
		const ahead = await aServer((_, response) => {
			response.setHeader('date', new Date(Date.now() + 600_000).toUTCString()).end();
		});
		const { findings } = await doctor(relay, {
			RELAY_PUBLIC_URL: relay.url,
			CLEANLIST_API_KEY: 'clapi_x',
			CLEANLIST_BASE_URL: ahead,
		});
		expect(about(findings, 'clock')[0]).toMatchObject({
			level: 'problem',
			says: expect.stringMatching(/^This machine's clock is \d+ s behind the servers asked/),
		});
	});

	it('events in quarantine, with a call that tells why', async () => {
		const relay = await aRelay();
		await relay.ingest('not JSON');
		const { remedy } = about((await doctor(relay)).findings, 'events')[0]!;
		const [, path] = /^GET (\S+) /.exec(remedy!)!;
		const answer = (await (await relay.call('GET', path!)).json()) as { events: object[] };
		expect(answer.events).toEqual([
			expect.objectContaining({ state: 'quarantined', quarantine_reason: 'The body is not JSON.' }),
		]);
	});

	it('a receiver that is down, one that is refused, and a proxy without an n8n', async () => {
		const relay = await aRelay({ RELAY_ALLOW: '127.0.0.0/8,10.0.0.0/8' });
		const proxy = await aServer((_, response) => response.writeHead(502).end());
		for (const url of ['http://127.0.0.1:2/x', 'http://10.1.2.3/x', 'http://10.1.2.3/y', `${proxy}/x`]) {
			await subscribe(relay, url);
		}
		const { code, findings } = await doctor(relay, { RELAY_ALLOW: '127.0.0.0/8' });
		expect(code).toBe(1);
		const says = about(findings, 'n8n').map((one) => `${one.level}: ${one.says}`);
		expect(says).toEqual([
			expect.stringMatching(/^problem: http:\/\/127\.0\.0\.1:2 \(1 subscription\) can't be reached \(/),
			expect.stringMatching(/^problem: Nothing is delivered to http:\/\/10\.1\.2\.3 \(2 subscriptions\): /),
			expect.stringMatching(/^warning: .* answers 502\.$/),
		]);
	});

	it('a public URL that leads nowhere, and one that leads to something else', async () => {
		const relay = await aRelay();
		const other = await aServer((_, response) => response.end('<h1>It works!</h1>'));
		const find = async (url: string) =>
			about((await doctor(relay, { RELAY_PUBLIC_URL: url })).findings, 'public URL')[0]!;
		expect((await find('http://127.0.0.1:2')).says).toMatch(/can't be reached from here \(/);
		expect((await find(other)).says).toBe(`${other}/in/ was answered with 200, but not by a relay.`);
	});

	it('a proxy that passes the path of the public URL on to the relay', async () => {
		const relay = await aRelay();
		const RELAY_PUBLIC_URL = `${relay.url}/hooks`;
		expect(about((await doctor(relay, { RELAY_PUBLIC_URL })).findings, 'public URL')).toEqual([
			{
				level: 'problem',
				about: 'public URL',
				says: `${RELAY_PUBLIC_URL}/in/ leads to a relay, but to another path there (not_found).`,
				remedy: expect.stringContaining('take /hooks away') as string,
			},
		]);
	});

	it('another program on the port', async () => {
		const relay = await aRelay();
		for (const status of [404, 200]) {
			const other = await aServer((_, response) => response.writeHead(status).end('<h1>Hello</h1>'));
			const { findings } = await doctor({ folder: relay.folder, port: Number(new URL(other).port) });
			expect(about(findings, 'relay')[0]!.says).toBe(`What answers on ${other} is not a relay.`);
		}
	});

	it('a Cleanlist key that is wrong, lacks scopes, or goes to something else', async () => {
		const relay = await aRelay();
		const api = await createReferenceApi();
		closing.push(() => api.close());
		const other = await aServer((_, response) => response.end('{"hello":"world"}'));
		const find = async (key: string, url = api.url) =>
			about(
				(await doctor(relay, { CLEANLIST_API_KEY: key, CLEANLIST_BASE_URL: url })).findings,
				'Cleanlist',
			)[0]!;
		expect((await find('clapi_wrong')).says).toBe('The key is not valid, has expired or was revoked.');
		const readOnly = await find(api.accounts.member!.key);
		expect([readOnly.level, readOnly.says]).toEqual([
			'warning',
			expect.stringMatching(/, not .*lists:write/),
		]);
		expect((await find('clapi_x', other)).says).toMatch(/is not the Cleanlist API\.$/);
		expect((await find('clapi_x', 'http://127.0.0.1:2')).says).toMatch(/can't be reached \(/);
	});
});

describe('settings that are not safe together', () => {
	it.each([
		[{ RELAY_ALLOW: '0.0.0.0/0' }, /RELAY_ALLOW has 0\.0\.0\.0\/0/],
		[{ RELAY_ALLOW: '::/0,10.0.0.0/8' }, /RELAY_ALLOW has ::\/0:/],
		[{ RELAY_HOST: '0.0.0.0', RELAY_REFERENCE: 'on' }, /a stand-in with a demo key, runs where others/],
		[{ RELAY_REFERENCE_CONTROL: 'anywhere' }, /can reset and steer/],
		[{ RELAY_PUBLIC_URL: 'http://relay.example.com' }, /is not https/],
	])('%j', (env, sentence) => {
		const warnings = checkSettings(readConfig(env)).filter(({ level }) => level === 'warning');
		expect(warnings.map(({ says }) => says)).toEqual([expect.stringMatching(sentence)]);
	});

	it.each([{}, { RELAY_PUBLIC_URL: 'https://relay.example.com', RELAY_ALLOW: '10.0.0.0/8' }])(
		'has nothing to say of %j',
		(env) => expect(checkSettings(readConfig(env)).filter(({ level }) => level === 'warning')).toEqual([]),
	);
});

describe('the disk', () => {
	const config = readConfig({ RELAY_DISK_RESERVE_MIB: '100' });
	it.each([
		[100, 'problem'],
		[101, 'warning'],
		[399, 'warning'],
		[400, 'ok'],
	])('with %i MiB free of a reserve of 100 is %s', (mib, level) =>
		expect(checkDisk(config, () => mib * MIB)[0]!.level).toBe(level),
	);
	it.each([
		[0, 'problem', /is full.*deliveries may stop/, /^Free space/],
		[1, 'warning', /once it is full.*deliveries may stop/, /^Free space/],
		[1_023, 'warning', /once it is full.*deliveries may stop/, /^Free space/],
	])(
		'with %i MiB free and no reserve is a %s that says what becomes of deliveries',
		(mib, level, says, remedy) =>
			expect(checkDisk(readConfig({ RELAY_DISK_RESERVE_MIB: '0' }), () => mib * MIB)).toEqual([
				{
					level,
					about: 'disk',
					says: expect.stringMatching(says),
					remedy: expect.stringMatching(remedy),
				},
			]),
	);
	it.each(['0', undefined])('warns as early with a reserve of %s', (reserve) => {
		const level = (mib: number) =>
			checkDisk(readConfig({ RELAY_DISK_RESERVE_MIB: reserve }), () => mib * MIB)[0]!.level;
		expect([level(1_023), level(1_024)]).toEqual(['warning', 'ok']);
	});
	it('is not judged where events go to PostgreSQL, and no webhook is refused for want of room on it', () => {
		const shared = readConfig({ RELAY_DISK_RESERVE_MIB: '100', DATABASE_URL: 'postgres://relay@db/relay' });
		expect(checkDisk(shared, () => 1)).toEqual([]);
	});
});

describe('the clock', () => {
	it.each([
		[[0, 600_000, -900], 'ok'],
		[[29_999], 'ok'],
		[[-30_000], 'warning'],
		[[300_000, 299_000, 300_500], 'problem'],
		[[-300_000, 0], 'problem'],
		[[0, 300_000], 'problem'],
	])('off by %j is %s', (skews, level) => expect(checkClock(skews)[0]!.level).toBe(level));
	it('is not judged when nobody told the time', () => expect(checkClock([null])).toEqual([]));
});

describe('what waits in the store', () => {
	const sealer = createSealer([{ id: 1, key: Buffer.alloc(32) }]);
	const none = {
		ready: 0,
		leased: 0,
		dead: 0,
		oldestDueAt: null,
		quarantined: 0,
		activeSubscriptions: 1,
		openBreakers: 0,
	};
	const NOW = Date.UTC(2026, 0, 5);
	const subscriptions = [aSubscription({ sealedSecret: sealer.seal('whsec_x') })];
	it.each([
		[{ dead: 1 }, 'warning', /1 delivery has been given up and is dead/],
		[{ dead: 2 }, 'warning', /2 deliveries have been given up and are dead/],
		[{ openBreakers: 2 }, 'warning', /2 receivers failed/],
		[{ ready: 3, oldestDueAt: NOW - 7_200_000 }, 'warning', /3 pending deliveries has been due for 2 h/],
		[{ quarantined: 1 }, 'note', /1 event is in quarantine/],
		[{ ready: 3, oldestDueAt: NOW - 60_000 }, 'ok', /3 pending, none of them/],
	])('%j', (more, level, sentence) => {
		const findings = checkContent({ stats: { ...none, ...more }, subscriptions }, sealer, NOW);
		expect(findings).toContainEqual(
			expect.objectContaining({ level, says: expect.stringMatching(sentence) }),
		);
	});
});

it('prints for people what there is to do', async () => {
	const relay = await aRelay();
	let text = '';
	const config = () => readConfig({ RELAY_DATA: relay.folder, RELAY_PORT: '2' });
	const code = await doctorCommand([], { config, env: {} }, (more) => (text += more));
	expect(code).toBe(0);
	expect(text).toMatch(/^ok +settings +Every setting is valid\.$/m);
	expect(text).toMatch(
		/^note +relay +No relay runs on http:\/\/127\.0\.0\.1:2 now .*\n +→ Start it by cleanlist-relay\.$/m,
	);
	expect(text).toMatch(/\n0 problems, 0 warnings\.\n$/);
});
