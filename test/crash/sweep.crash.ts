import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRelayUnderTest } from '../faults/relay-under-test.ts';
import type { RelayUnderTest } from '../faults/relay-under-test.ts';
import { startReceiver } from '../relay/harness.ts';
import type { Receiver } from '../relay/harness.ts';
import { startPostgres } from '../support/postgres.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

/** Killed while it deletes what is old: that is there or not, whole, and what is new is all there. */

/** Past the 30 days that delivered events are kept, before the time that dedupe keys are. */
const LATER_MS = 31 * 24 * 60 * 60 * 1_000;
const OLD = Array.from({ length: 20 }, (_, n) => `old-${n}`);
const NEW = Array.from({ length: 10 }, (_, n) => `new-${n}`);

let postgres: TestPostgres;
let folder: string;
let receiver: Receiver;
let relay: RelayUnderTest;
beforeAll(async () => {
	postgres = await startPostgres();
});
afterAll(() => postgres.dispose());
beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'relay-sweep-'));
	receiver = await startReceiver();
});
afterEach(async () => {
	await relay.dispose();
	await receiver.close();
	rmSync(folder, { recursive: true });
});

const SQLITE = ['before it is written', 'written, not committed', 'before COMMIT', 'after COMMIT'];
const POSTGRES = ['before it is written', 'sent', 'after COMMIT'];

test.each([
	...SQLITE.map((point) => ({ engine: 'SQLite', point })),
	...POSTGRES.map((point) => ({ engine: 'PostgreSQL', point })),
])(
	'$engine, $point',
	async ({ engine, point }) => {
		const armed = join(folder, 'armed');
		const store: Record<string, string> =
			engine === 'SQLite' ? {} : { DATABASE_URL: await postgres.createDatabase() };
		const start = async (env: Record<string, string>) => {
			const preload = `--import=${join(import.meta.dirname, 'preload.ts')}`;
			relay = await startRelayUnderTest({
				dataFolder: join(folder, 'data'),
				env: { ...store, NODE_OPTIONS: preload, CRASH_ARMED: armed, ...env },
			});
		};
		await start({});
		await relay.api('/subscriptions', { url: receiver.url });
		await Promise.all(OLD.map((workflow) => relay.post(workflow)));
		await relay.delivered();
		await relay.stop();

		const later = { CRASH_CLOCK_MS: String(LATER_MS) };
		await start({ ...later, CRASH_SOON: 'yes', CRASH_POINT: `sweep: ${point}` });
		await Promise.all(NEW.map((workflow) => relay.post(workflow)));
		const { acknowledged } = relay;
		expect([...acknowledged.keys()].sort()).toEqual(NEW);
		writeFileSync(armed, '');
		let exit: unknown = null;
		void relay.exited.then((how) => (exit = how));
		await until(`it dies at "${point}"`, () => exit !== null, 30_000);
		expect(exit).toEqual({ code: null, signal: 'SIGKILL' });

		await start({ CRASH_CLOCK_MS: String(LATER_MS + 61_000) });
		for (const [workflow, id] of acknowledged) relay.acknowledged.set(workflow, id);
		expect(await relay.missing()).toEqual([]);
		await relay.delivered();
		// Old ones went together or not at all; gone or not, they are known when they come again.
		const kept = await relay.workflows();
		expect(OLD.filter((workflow) => kept.has(workflow)).length % OLD.length).toBe(0);
		const received = receiver.received.length;
		await Promise.all(OLD.map((workflow) => relay.post(workflow)));
		expect((await relay.workflows()).size).toBe(kept.size);
		expect(receiver.received.length).toBe(received);
	},
	120_000,
);
