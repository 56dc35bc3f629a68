import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemIds } from '../../relay/src/ids.ts';
import { createLogger } from '../../relay/src/log.ts';
import { createRetention } from '../../relay/src/retention.ts';
import type { RetentionRules } from '../../relay/src/retention.ts';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import { StoreError } from '../../relay/src/store/port.ts';
import type { NewEvent, Store, SweepResult } from '../../relay/src/store/port.ts';
import { createTestClock } from '../support/test-clock.ts';
import { until } from '../support/until.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const RULES: RetentionRules = {
	pendingMs: 7 * DAY,
	deliveredMs: 30 * DAY,
	deadMs: 90 * DAY,
	keysMs: 180 * DAY,
};

let folder: string;
let store: Store;
let logs: { msg: string; [field: string]: unknown }[];
let clock: ReturnType<typeof createTestClock>;
beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'relay-retention-'));
	store = await openSqliteStore({ path: join(folder, 'relay.sqlite') });
	await store.putSource({ id: 'default', name: 'x', tokenHash: Buffer.from('h'), createdAt: 0 });
	logs = [];
	clock = createTestClock();
});
afterEach(async () => {
	jest.restoreAllMocks();
	await store.close();
	rmSync(folder, { recursive: true });
});

const log = createLogger({
	level: 'trace',
	format: 'json',
	output: { write: (line) => void logs.push(JSON.parse(line) as never) },
});
const retentionOf = (rules: RetentionRules = RULES, onDeleted?: (deleted: SweepResult) => void) =>
	createRetention({
		store,
		rules,
		clock,
		ids: { ...systemIds, fraction: () => 0.5 },
		log,
		...(onDeleted && { onDeleted }),
	});
const eventOf = (id: string, receivedAt: number, more: Partial<NewEvent> = {}): NewEvent => ({
	id,
	sourceId: 'default',
	origin: 'webhook',
	dedupeKey: `workflow:${id}`,
	state: 'accepted',
	quarantineReason: null,
	type: 'enrichment.completed',
	workflowId: id,
	attributes: {},
	body: Buffer.from('{}'),
	bodyKeyId: null,
	bytes: 2,
	contentType: 'application/json',
	truncated: 0,
	receivedAt,
	...more,
});
const eventIds = async () => (await store.listEvents({ limit: 100 })).map(({ id }) => id).sort();
/** Moves the clock, and waits for the sweeps it set off: the store answers in its own time. */
async function pass(ms: number): Promise<void> {
	await clock.advance(ms);
	await until('the next sweep is scheduled', () => clock.pending > 0);
}
/** From the start of the relay to the first sweep. */
const FIRST = 7.5 * MINUTE;

test('what is old goes, each kind after its own time, and its dedupe key stays longer', async () => {
	const now = clock.now();
	await store.ingest(eventOf('unwanted-new', now - 89 * DAY));
	await store.ingest(eventOf('unwanted-old', now - 91 * DAY));
	await store.ingest(
		eventOf('quarantined-old', now - 91 * DAY, { state: 'quarantined', quarantineReason: '?', type: null }),
	);
	await store.ingest(eventOf('ancient', now - 181 * DAY));
	const retention = retentionOf();
	retention.start();
	await pass(FIRST - 1);
	expect(await eventIds()).toHaveLength(4);
	await pass(1);
	expect(await eventIds()).toEqual(['unwanted-new']);
	expect(logs).toEqual([expect.objectContaining({ msg: 'deleted what was old', events: 3, dedupe_keys: 1 })]);

	// A late repeat of what is long gone is a duplicate still, until its key goes as well.
	const repeat = await store.ingest(eventOf('late', now, { dedupeKey: 'workflow:unwanted-old' }));
	expect(repeat).toEqual({ kind: 'duplicate', eventId: 'unwanted-old' });
	expect((await store.ingest(eventOf('again', now, { dedupeKey: 'workflow:ancient' }))).kind).toBe('stored');

	// Time passes while the store answers: the sweep after that is the one that sees it.
	await pass(2 * DAY);
	await pass(HOUR);
	expect(await eventIds()).toEqual(['again']);
	await retention.stop();
	expect(clock.pending).toBe(0);
});

test('it goes on in small batches with pauses until all is done, and says how much it was', async () => {
	const now = clock.now();
	for (let i = 0; i < 250; i++) await store.ingest(eventOf(`e-${i}`, now - 200 * DAY));
	const sweeps = jest.spyOn(store, 'sweep');
	const deleted: SweepResult[] = [];
	const retention = retentionOf(RULES, (batch) => deleted.push(batch));
	retention.start();
	await pass(FIRST);
	expect(sweeps.mock.calls.map(([{ limit }]) => limit)).toEqual([100]);
	expect(await eventIds()).toHaveLength(100);
	await pass(49);
	expect(sweeps).toHaveBeenCalledTimes(1);
	await pass(1);
	await pass(50);
	expect(await eventIds()).toEqual([]);
	expect(deleted).toEqual([100, 100, 50].map((n) => ({ events: n, dedupeKeys: n, more: n === 100 })));
	expect(logs).toEqual([expect.objectContaining({ events: 250, dedupe_keys: 250 })]);
	await pass(HOUR - 1);
	expect(sweeps).toHaveBeenCalledTimes(3);
	await pass(1);
	expect(sweeps).toHaveBeenCalledTimes(4);
	expect(logs).toHaveLength(1);
	await retention.stop();
});

test('it goes on after a batch that found nothing, where the store says that there may be more', async () => {
	const sweeps = jest.spyOn(store, 'sweep');
	for (const more of [true, true, false]) sweeps.mockResolvedValueOnce({ events: 0, dedupeKeys: 0, more });
	const retention = retentionOf();
	retention.start();
	await pass(FIRST);
	await pass(50);
	await pass(50);
	expect(sweeps).toHaveBeenCalledTimes(3);
	await pass(HOUR - 1);
	expect(sweeps).toHaveBeenCalledTimes(3);
	await retention.stop();
});

test('a webhook is taken in between two batches', async () => {
	const now = clock.now();
	for (let i = 0; i < 150; i++) await store.ingest(eventOf(`e-${i}`, now - 200 * DAY));
	const retention = retentionOf();
	retention.start();
	await pass(FIRST);
	expect((await store.ingest(eventOf('new', now))).kind).toBe('stored');
	await pass(50);
	expect(await eventIds()).toEqual(['new']);
	await retention.stop();
});

test('what is off is kept, whatever its age', async () => {
	await store.ingest(eventOf('ancient', 1));
	const retention = retentionOf({ pendingMs: null, deliveredMs: DAY, deadMs: null, keysMs: null });
	retention.start();
	await pass(FIRST);
	expect(await eventIds()).toEqual(['ancient']);
	expect((await store.ingest(eventOf('again', 2, { dedupeKey: 'workflow:ancient' }))).kind).toBe('duplicate');
	await retention.stop();

	retentionOf({ pendingMs: null, deliveredMs: null, deadMs: null, keysMs: null }).start();
	expect(clock.pending).toBe(0);
});

test('deliveries that wait for a receiver in vain are given up, in the same batches, and counted', async () => {
	const given = jest.spyOn(store, 'giveUp');
	for (const n of [100, 100, 7, 0]) given.mockResolvedValueOnce(n);
	const told: number[] = [];
	const retention = createRetention({
		...{ store, rules: RULES, clock, log, onGivenUp: (deliveries) => told.push(deliveries) },
		ids: { ...systemIds, fraction: () => 0.5 },
	});
	retention.start();
	await pass(FIRST);
	expect(given.mock.calls).toEqual([[{ before: clock.now() - 7 * DAY, limit: 100 }]]);
	await pass(50);
	await pass(50);
	expect(told).toEqual([100, 100, 7]);
	expect(logs).toEqual([
		expect.objectContaining({
			level: 40,
			msg: 'gave up deliveries whose receiver is down: re-drive them when it is back',
			deliveries: 207,
		}),
	]);
	await pass(HOUR);
	expect(given).toHaveBeenCalledTimes(4);
	expect(logs).toHaveLength(1);
	await retention.stop();
});

test('a store that fails is tried again an hour later', async () => {
	await store.ingest(eventOf('ancient', 1));
	jest.spyOn(store, 'sweep').mockRejectedValueOnce(new StoreError('full', 'told by the disk'));
	const retention = retentionOf();
	retention.start();
	await pass(FIRST);
	expect(logs.map(({ msg }) => msg)).toEqual(["what is old can't be deleted; trying again in an hour"]);
	await pass(HOUR);
	expect(await eventIds()).toEqual([]);
	await retention.stop();
});

test('stopped in the middle, it ends after the batch under way and begins no other', async () => {
	for (let i = 0; i < 150; i++) await store.ingest(eventOf(`e-${i}`, 1));
	const retention = retentionOf();
	retention.start();
	await clock.advance(FIRST);
	await retention.stop();
	expect(await eventIds()).toHaveLength(50);
	expect(clock.pending).toBe(0);
	expect(logs).toEqual([expect.objectContaining({ events: 100 })]);
});
