import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { doctorCommand } from '../../relay/src/cli/doctor.ts';
import { readConfig } from '../../relay/src/config.ts';
import type { Finding } from '../../relay/src/doctor/index.ts';
import { spawnRelay } from '../support/relay-process.ts';
import { until } from '../support/until.ts';
import { startRelayUnderTest } from './relay-under-test.ts';
import type { RelayUnderTest } from './relay-under-test.ts';
import { mountSmallDisk } from './small-disk.ts';
import type { SmallDisk } from './small-disk.ts';

/** Files that can be read and not written: also for root, to whom permission bits say nothing. */

let disk: SmallDisk;
let relay: RelayUnderTest;
const dataFolder = () => join(disk.path, 'data');
beforeEach(async () => {
	disk = mountSmallDisk(48);
	relay = await startRelayUnderTest({ dataFolder: dataFolder(), env: { RELAY_DISK_RESERVE_MIB: '0' } });
});
afterEach(async () => {
	await relay.dispose();
	disk.dispose();
});

/** Immutable, as `chattr +i` makes it: writes fail also for a process that has the file open. */
const immutable = (file: string, on: boolean) =>
	execFileSync('chattr', [on ? '+i' : '-i', join(dataFolder(), file)], { stdio: 'pipe' });

test('files that turn read-only under the running relay: 503 with Retry-After, and it recovers by itself', async () => {
	await relay.post('before');
	for (const file of ['relay.sqlite', 'relay.sqlite-wal']) immutable(file, true);
	try {
		const refused = { status: 503, code: 'store_failed', retryAfter: expect.stringMatching(/^\d+$/) };
		expect(await relay.post('wf-1')).toEqual(refused);
		expect((await fetch(`${relay.url}/readyz`)).status).toBe(503);
		expect((await fetch(`${relay.url}/healthz`)).status).toBe(200);
		expect(await relay.missing()).toEqual([]);
	} finally {
		for (const file of ['relay.sqlite', 'relay.sqlite-wal']) immutable(file, false);
	}
	expect((await relay.post('wf-1')).status).toBe(200);
	await until('it is ready', async () => (await fetch(`${relay.url}/readyz`)).status === 200);
	expect(await relay.missing()).toEqual([]);
});

/** What `doctor` finds wrong with the data. */
async function problems(): Promise<string[]> {
	const env = { RELAY_DATA: dataFolder(), RELAY_PORT: '1', RELAY_REFERENCE: 'off' };
	let text = '';
	await doctorCommand(['--json'], { config: () => readConfig(env), env }, (more) => (text += more));
	const { findings } = JSON.parse(text) as { findings: Finding[] };
	return findings
		.filter(({ about, level }) => level === 'problem' && (about === 'data folder' || about === 'database'))
		.map(({ says }) => says);
}

test('on a read-only file system it does not start, and says so in one sentence', async () => {
	await relay.post('before');
	await relay.stop();
	execFileSync('mount', ['-o', 'remount,ro', disk.path], { stdio: 'pipe' });
	const again = spawnRelay({ dataFolder: dataFolder() });
	expect(await again.exited).toEqual({ code: 1, signal: null });
	expect(again.output().stderr).toMatch(/^cleanlist-relay: The data folder .* can't be used \(.*\): .*\.\n$/);
	expect(again.output().stderr).toContain('read-only');
	expect(await problems()).toContain(`${dataFolder()} can't be written: the file system is read-only.`);
	execFileSync('mount', ['-o', 'remount,rw', disk.path], { stdio: 'pipe' });
	relay = await startRelayUnderTest({ dataFolder: dataFolder(), acknowledged: relay.acknowledged });
	expect(await relay.missing()).toEqual([]);
});

test('with a database file alone that can not be written it does not start either', async () => {
	await relay.post('before');
	await relay.stop();
	immutable('relay.sqlite', true);
	try {
		const again = spawnRelay({ dataFolder: dataFolder(), env: { RELAY_REFERENCE: 'off' } });
		expect(await again.exited).toEqual({ code: 1, signal: null });
		expect(again.output().stderr).toMatch(
			/^cleanlist-relay: The database .*relay\.sqlite can't be opened: .*; make it and its folder writable for this user\.\n$/,
		);
		expect(await problems()).toEqual([
			`${join(dataFolder(), 'relay.sqlite')} can't be written: permission denied.`,
		]);
	} finally {
		immutable('relay.sqlite', false);
	}
});
