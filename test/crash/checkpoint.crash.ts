import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRelayUnderTest } from '../faults/relay-under-test.ts';
import type { RelayUnderTest } from '../faults/relay-under-test.ts';
import { startReceiver } from '../relay/harness.ts';
import type { Receiver } from '../relay/harness.ts';
import { until } from '../support/until.ts';

/** Killed while the write-ahead log is copied back into the database's file: before, in the middle of it, and after. */

const FILLER = 'x'.repeat(60_000);
/** A call of SQLite can end between the first page that is seen to change and the kill; one of these is in the middle. */
const TRIES = 20;

let folder: string;
let receiver: Receiver;
let relay: RelayUnderTest;
/** Over all lives of one test. */
let acknowledged: Map<string, string>;
beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'relay-checkpoint-'));
	receiver = await startReceiver();
	acknowledged = new Map();
});
afterEach(async () => {
	await relay.dispose();
	await receiver.close();
	rmSync(folder, { recursive: true });
});

const armed = () => join(folder, 'armed');
const start = async (point: string) => {
	relay = await startRelayUnderTest({
		dataFolder: join(folder, 'data'),
		env: {
			NODE_OPTIONS: `--import=${join(import.meta.dirname, 'preload.ts')}`,
			CRASH_POINT: point,
			CRASH_ARMED: armed(),
		},
		acknowledged,
	});
};
let posted = 0;
/** Posts until the relay is dead: some 2 MiB make a checkpoint due. */
async function crash(point: string): Promise<void> {
	await start(point);
	if (acknowledged.size === 0) await relay.api('/subscriptions', { url: receiver.url });
	for (let n = 0; n < 20; n++) await relay.post(`wf-${posted++}`, FILLER);
	writeFileSync(armed(), '');
	let exit: unknown = null;
	void relay.exited.then((how) => (exit = how));
	await until(
		`it dies at "${point}"`,
		async () => {
			await relay.post(`wf-${posted++}`, FILLER).catch(() => undefined);
			return exit !== null;
		},
		30_000,
	);
	rmSync(armed());
	expect(exit).toEqual({ code: null, signal: 'SIGKILL' });
}
async function expectNothingLost(): Promise<void> {
	await start('');
	expect(await relay.missing()).toEqual([]);
	await relay.delivered();
	await relay.kill();
}

/**
 * Whether the last checkpoint began and did not end, from the index of the log (sqlite.org/walformat.html, 2.3): the frames
 * that are to be copied are noted before the first of them is, those that were copied once they are on disk.
 */
function cutInTheMiddle(): boolean {
	const index = readFileSync(join(folder, 'data', 'relay.sqlite-shm'));
	const [copied, attempted] = [index.readUInt32LE(96), index.readUInt32LE(128)];
	return attempted > copied;
}

test.each(['checkpoint: before it is written', 'checkpoint: written, not committed'])(
	'%s',
	async (point) => {
		await crash(point);
		expect(cutInTheMiddle()).toBe(false);
		await expectNothingLost();
	},
	120_000,
);

test('checkpoint: some of it copied', async () => {
	let middle = 0;
	for (let tries = 0; tries < TRIES && middle < 3; tries++) {
		await crash('checkpoint: some of it copied');
		if (cutInTheMiddle()) middle++;
		await expectNothingLost();
	}
	expect(middle).toBe(3);
}, 240_000);
