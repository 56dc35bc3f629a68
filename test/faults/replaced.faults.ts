import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRelayUnderTest } from './relay-under-test.ts';
import type { RelayUnderTest } from './relay-under-test.ts';

/**
 * The database's files taken from under the running relay. Writes to them go on working, into files without a name:
 * acknowledged, they would be lost with the process.
 */

let folder: string;
let relay: RelayUnderTest;
const file = (name: string) => join(folder, 'data', name);
const start = async () => {
	relay = await startRelayUnderTest({ dataFolder: join(folder, 'data') });
};
beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'relay-replaced-'));
	await start();
	expect((await relay.post('before')).status).toBe(200);
});
afterEach(async () => {
	await relay.dispose();
	rmSync(folder, { recursive: true });
});

async function expectRefused(): Promise<void> {
	const refused = { status: 503, code: 'store_failed', retryAfter: expect.stringMatching(/^\d+$/) };
	expect(await relay.post('after')).toEqual(refused);
	expect((await fetch(`${relay.url}/readyz`)).status).toBe(503);
	expect((await fetch(`${relay.url}/healthz`)).status).toBe(200);
	expect(JSON.stringify(relay.log)).toContain('deleted or replaced');
}

test.each(['relay.sqlite', 'relay.sqlite-wal'])(
	'with %s deleted, nothing more is acknowledged',
	async (name) => {
		rmSync(file(name));
		await expectRefused();
	},
);

test('with the database replaced by a copy, nothing more is acknowledged; after a restart the copy counts', async () => {
	copyFileSync(file('relay.sqlite'), file('copy'));
	copyFileSync(file('relay.sqlite-wal'), file('copy-wal'));
	renameSync(file('copy-wal'), file('relay.sqlite-wal'));
	renameSync(file('copy'), file('relay.sqlite'));
	await expectRefused();

	const { acknowledged } = relay;
	await relay.kill();
	await start();
	relay.acknowledged.set('before', acknowledged.get('before') ?? '');
	expect(await relay.missing()).toEqual([]);
	expect((await relay.post('after')).status).toBe(200);
});
