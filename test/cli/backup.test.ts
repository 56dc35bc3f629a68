import {
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backupCommand } from '../../relay/src/cli/backup.ts';
import { readConfig } from '../../relay/src/config.ts';
import { EventsResponse, SourcesResponse } from '../../relay/src/contract/relay-api.ts';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import { webhook } from '../relay/harness.ts';
import { startRelay } from '../support/relay-process.ts';
import type { RelayProcess } from '../support/relay-process.ts';

let folder: string;
let relay: RelayProcess;
let ingestUrl: string;

beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'backup-'));
	relay = await startRelay({ env: { RELAY_REFERENCE: 'off' } });
	const { sources } = SourcesResponse.parse(await relay.api('/sources'));
	ingestUrl = sources[0]!.ingest_url;
	// Nothing listens there, so what is ingested stays pending.
	await relay.api('/subscriptions', { url: 'http://127.0.0.1:2/webhook/x' });
});
afterEach(async () => {
	await relay.dispose();
	rmSync(folder, { recursive: true });
});

const ingest = async (workflowId: string) => {
	const response = await fetch(ingestUrl, { method: 'POST', body: webhook(workflowId) });
	expect(response.status).toBe(200);
};
const backup = async (...args: string[]) => {
	let text = '';
	await backupCommand(
		args,
		() => readConfig({ RELAY_DATA: relay.dataFolder }),
		(more) => (text += more),
	);
	return text;
};

it('copies a running relay under load, and the copy runs with all that was answered before', async () => {
	for (let n = 0; n < 20; n++) await ingest(`before_${n}`);
	let going = true;
	const load = (async () => {
		for (let n = 0; going; n++) await ingest(`meanwhile_${n}`);
	})();
	const said = await backup('--to', join(folder, 'a', 'b'), '--with-keys');
	going = false;
	await load;
	expect(said).toMatch(
		/relay\.sqlite: \d+ events, \d+ deliveries to go, 1 active subscriptions, \d+ KiB, verified/,
	);

	const restored = join(folder, 'a', 'b');
	expect(readdirSync(restored).sort()).toEqual(['keys', 'relay.sqlite']);
	expect((statSync(join(restored, 'keys', 'master-key')).mode & 0o077).toString(8)).toBe('0');
	const again = await startRelay({ dataFolder: restored, env: { RELAY_REFERENCE: 'off' } });
	try {
		expect(again.token).toBe(relay.token);
		for (let n = 0; n < 20; n++) {
			const found = EventsResponse.parse(await again.api(`/events?workflow_id=before_${n}`));
			expect(found.events).toHaveLength(1);
		}
	} finally {
		await again.dispose();
	}
});

it('copies a relay that was killed, with what is only in the write-ahead log', async () => {
	await ingest('last');
	await relay.kill();
	await backup('--to', folder);
	const store = await openSqliteStore({ path: join(folder, 'relay.sqlite') });
	expect(await store.listEvents({ limit: 10 })).toHaveLength(1);
	await store.close();
});

it('makes copies that are for this user alone, also in a folder that others can look into', async () => {
	chmodSync(folder, 0o755);
	await ingest('x');
	const before = process.umask(0o022);
	try {
		await backup('--to', folder, '--with-keys');
	} finally {
		process.umask(before);
	}
	for (const name of ['relay.sqlite', 'keys', 'keys/sealing-keys']) {
		expect([name, (statSync(join(folder, name)).mode & 0o077).toString(8)]).toEqual([name, '0']);
	}
});

it('leaves nothing behind when the keys can not be copied, so that it can be made again', async () => {
	mkdirSync(join(folder, 'keys'));
	writeFileSync(join(folder, 'keys', 'master-key'), 'of another relay');
	await expect(backup('--to', folder, '--with-keys')).rejects.toThrow(
		/^The backup failed: .*keys exists: name a new folder/,
	);
	expect(readdirSync(folder)).toEqual(['keys']);
	expect(readdirSync(join(folder, 'keys'))).toEqual(['master-key']);
});

it('opens the secrets with the keys that the relay has, also where RELAY_SEALING_KEYS gives them', async () => {
	const env = { RELAY_REFERENCE: 'off', RELAY_SEALING_KEYS: `1 ${Buffer.alloc(32, 5).toString('base64')}` };
	const other = await startRelay({ env });
	try {
		await other.api('/subscriptions', { url: 'http://127.0.0.1:2/webhook/x' });
		const config = () => readConfig({ RELAY_DATA: other.dataFolder, ...env });
		let said = '';
		await backupCommand(['--to', folder], config, (more) => (said += more));
		expect(said).toMatch(/1 active subscriptions, \d+ KiB, verified/);
		expect(said).toMatch(/RELAY_SEALING_KEYS/);
	} finally {
		await other.dispose();
	}
});

it('overwrites nothing', async () => {
	await backup('--to', folder);
	const before = readFileSync(join(folder, 'relay.sqlite'));
	await ingest('later');
	await expect(backup('--to', folder)).rejects.toThrow(
		/^The backup failed: .*relay\.sqlite exists: name a new/,
	);
	expect(readFileSync(join(folder, 'relay.sqlite'))).toEqual(before);
});

it('says so when the folder to copy to is a file', async () => {
	const file = join(folder, 'file');
	writeFileSync(file, '');
	for (const to of [file, join(file, 'below')]) {
		await expect(backup('--to', to)).rejects.toThrow(
			/^The backup failed: .*file.* can't be made a folder \(.*a file, not a folder\): name another one\.$/,
		);
	}
});

it('leaves nothing behind when the copy does not verify', async () => {
	await ingest('x');
	await relay.kill();
	// The folder of another relay: keys that don't open the secrets.
	writeFileSync(
		join(relay.dataFolder, 'keys', 'sealing-keys'),
		`1 ${Buffer.alloc(32, 1).toString('base64')}\n`,
	);
	await expect(backup('--to', folder)).rejects.toThrow(/does not open: the key file was replaced/);
	expect(readdirSync(folder)).toEqual([]);
});

it('reports a damaged database instead of keeping a damaged copy', async () => {
	for (let n = 0; n < 50; n++) await ingest(`w_${n}`);
	await relay.stop();
	const file = join(relay.dataFolder, 'relay.sqlite');
	const bytes = readFileSync(file);
	bytes.fill(0xff, 4096 * 3, bytes.length);
	writeFileSync(file, bytes);
	await expect(backup('--to', folder)).rejects.toThrow(/^The backup failed: /);
	expect(existsSync(join(folder, 'relay.sqlite'))).toBe(false);
});

it.each([
	[[], 'backup needs to know where to: --to <folder>'],
	[['--to'], '--to needs a value, as in --to <folder>.'],
	[['here'], 'backup takes no argument "here", only options.'],
])('says what is wrong with %j', async (args, sentence) => {
	await expect(backup(...args)).rejects.toThrow(sentence);
});

it('says so when there is no relay to back up', async () => {
	const nowhere = () => readConfig({ RELAY_DATA: join(folder, 'none') });
	await expect(backupCommand(['--to', folder], nowhere, () => {})).rejects.toThrow(
		/^There is no relay's data in .*none: set RELAY_DATA/,
	);
	expect(existsSync(join(folder, 'none'))).toBe(false);
});
