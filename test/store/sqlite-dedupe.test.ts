import { randomUUID } from 'node:crypto';
import { renameSync } from 'node:fs';
import { StatementSync } from 'node:sqlite';
import { createBatchRunner } from '../../relay/src/store/sqlite/batch.ts';
import type { Call } from '../../relay/src/store/sqlite/batch.ts';
import { openEngine, prepareOperations } from '../../relay/src/store/sqlite/engine.ts';
import { add, createFilterBlock, hashOf, segmentsOf } from '../../relay/src/store/sqlite/key-filters.ts';
import { anEvent, aSubscription } from './conformance.ts';
import { quarantinedEvent, T0 } from './conformance/fixtures.ts';
import { temporaryFile } from './sqlite-engine.ts';

const SEGMENT = 32_768;

describe('key filters', () => {
	const keys = (count: number) => Array.from({ length: count }, () => `workflow:${randomUUID()}`);

	it('never deny a key that a segment has, and seldom one that it has not', () => {
		const block = createFilterBlock();
		const had = [...keys(SEGMENT), '', 'workflow:🦊 Zoë', 'x'.repeat(500)];
		for (const key of had) add(block, 21, hashOf(key));
		expect(had.filter((key) => segmentsOf(block, 2, hashOf(key)).join() !== '21')).toEqual([]);
		// 0.24 % by the formula; by chance alone 1 % never comes.
		const strangers = keys(20_000).filter((key) => segmentsOf(block, 2, hashOf(key)).length > 0);
		expect(strangers.length).toBeLessThan(200);
	});

	it('tell the segments of a block apart', () => {
		const block = createFilterBlock();
		const [first, last, both, none] = keys(4).map(hashOf) as [number, number, number, number];
		for (const hash of [first, both]) add(block, 8, hash);
		for (const hash of [last, both]) add(block, 15, hash);
		expect([first, last, both, none].map((hash) => segmentsOf(block, 1, hash))).toEqual([
			[8],
			[15],
			[8, 15],
			[],
		]);
	});
});

describe('dedupe keys on SQLite', () => {
	let file: Awaited<ReturnType<typeof temporaryFile>>;
	let engines: ReturnType<typeof openEngine>[];
	beforeEach(async () => {
		file = await temporaryFile();
		engines = [];
	});
	afterEach(() => {
		for (const { db } of engines) db.close();
		return file.remove();
	});

	function relay() {
		const engine = openEngine(file.path);
		engines.push(engine);
		const runner = createBatchRunner(engine);
		const run = (...calls: Call[]) =>
			runner(calls).map((outcome) => {
				if ('error' in outcome) throw new Error(outcome.error.message);
				return outcome.value as Record<string, unknown>;
			});
		run({
			name: 'putSource',
			args: [{ id: 'default', name: 'x', tokenHash: Buffer.from('h'), createdAt: 0 }],
		});
		return { engine, run };
	}
	type Relay = ReturnType<typeof relay>;

	const ingest = (event: ReturnType<typeof anEvent>): Call => ({ name: 'ingest', args: [event] });
	const again = (event: ReturnType<typeof anEvent>): Call => ingest({ ...event, id: `evt_${randomUUID()}` });
	const sweep = (
		before: { deliveredBefore?: number; deadBefore?: number; keysBefore?: number },
		limit = 100,
	): Call => ({
		name: 'sweep',
		args: [{ deliveredBefore: 0, deadBefore: 0, keysBefore: 0, ...before, limit }],
	});
	const kinds = (outcomes: Record<string, unknown>[]) => outcomes.map(({ kind }) => kind);
	/** As if so many events had come and gone before. */
	const startAfter = ({ engine }: Relay, seq: number) =>
		engine.db.exec(`UPDATE progress SET keys_up_to = ${seq}, rest_up_to = ${seq}`);
	const rows = ({ engine }: Relay, sql: string) =>
		engine.db
			.prepare(sql)
			.all()
			.map((row) => ({ ...row }));
	const segments = (of: Relay) => rows(of, 'SELECT segment, oldest_at FROM dedupe_segments ORDER BY segment');

	it('finds a repeat in whichever segment its key is, after a start as well', () => {
		const first = relay();
		startAfter(first, SEGMENT - 3);
		const events = Array.from({ length: 6 }, (_, n) => anEvent({ receivedAt: T0 + n }));
		first.run(...events.slice(0, 4).map(ingest));
		first.engine.keys.fold();
		first.run(...events.slice(4).map(ingest));
		first.engine.keys.fold();
		expect(segments(first)).toEqual([
			{ segment: 0, oldest_at: T0 },
			{ segment: 1, oldest_at: T0 },
		]);
		const count = 'SELECT segment, count(*) AS n FROM dedupe_keys GROUP BY segment';
		expect(rows(first, count)).toEqual([
			{ segment: 0, n: 2 },
			{ segment: 1, n: 4 },
		]);
		for (const one of [first, relay()]) {
			expect(kinds(one.run(...events.map(again)))).toEqual(events.map(() => 'duplicate'));
			expect(
				one.run({ name: 'listEvents', args: [{ limit: 9, workflowId: events[1]!.workflowId }] }),
			).toEqual([[expect.objectContaining({ id: events[1]!.id })]]);
		}
	});

	it('knows what another process has written to them since', () => {
		const [one, other] = [relay(), relay()];
		const [before, after] = [anEvent(), anEvent()];
		one.run(ingest(before));
		other.run(ingest(after));
		other.engine.keys.fold();
		expect(kinds(one.run(again(before), again(after)))).toEqual(['duplicate', 'duplicate']);
		one.run(ingest(anEvent()));
		// What it writes itself is known to the filters of both, and so is what came to the other meanwhile.
		const late = anEvent();
		other.run(ingest(late));
		one.engine.keys.fold();
		expect(kinds(relay().run(again(late), again(before)))).toEqual(['duplicate', 'duplicate']);
	});

	it('knows the key that an event got when it was taken out of quarantine, in the segment of the event', () => {
		const one = relay();
		const odd = quarantinedEvent();
		startAfter(one, SEGMENT);
		one.run(ingest(odd));
		startAfter(one, 2 * SEGMENT);
		const read = {
			dedupeKey: 'workflow:w',
			type: 'enrichment.completed',
			workflowId: 'w',
			attributes: {},
			truncated: 0,
		};
		expect(one.run({ name: 'acceptQuarantined', args: [odd.id, read, T0] })).toMatchObject([
			{ kind: 'stored' },
		]);
		for (const relayed of [one, relay()]) {
			expect(relayed.run(again(anEvent({ workflowId: 'w' })))).toEqual([
				{ kind: 'duplicate', eventId: odd.id },
			]);
		}
		expect(rows(one, 'SELECT DISTINCT segment FROM dedupe_keys')).toEqual([{ segment: 1 }]);
	});

	it('knows a key that was committed though its webhook was refused, because the files were away meanwhile', () => {
		const one = relay();
		const event = anEvent();
		const files = ['', '-wal'].map((end) => file.path + end);
		for (const path of files) renameSync(path, `${path}.away`);
		expect(() => one.run(ingest(event), ingest(anEvent()))).toThrow(/deleted or replaced/);
		for (const path of files) renameSync(`${path}.away`, path);
		expect(kinds(one.run(again(event)))).toEqual(['duplicate']);
		one.engine.keys.fold();
		expect(segments(one)).toEqual([{ segment: 0, oldest_at: event.receivedAt }]);
		expect(kinds(one.run(again(event)))).toEqual(['duplicate']);
	});

	it('finds the events of a workflow by one look-up for each source and segment, however many keys there are', () => {
		const one = relay();
		const prepare = jest.spyOn(one.engine.db, 'prepare');
		prepareOperations(one.engine.db);
		const sql = prepare.mock.calls.map(([text]) => text).find((text) => text.includes('dedupe_keys k'));
		const plan = rows(one, `EXPLAIN QUERY PLAN ${sql}`).map(({ detail }) => detail);
		expect(plan).toContain('SEARCH k USING PRIMARY KEY (segment=? AND source_id=? AND key=?)');
	});

	it('forgets those that are old, one segment after the other, and with the last one its segment', () => {
		const one = relay();
		// The last segment of a block of filters, and the first of the next.
		startAfter(one, 8 * SEGMENT - 4);
		// Young ones among the old.
		const events = [0, 900, 1, 2, 901, 3].map((n) => anEvent({ receivedAt: T0 + n }));
		one.run(...events.map(ingest));
		const old = { keysBefore: T0 + 10 };
		expect(one.run(sweep({ keysBefore: T0 }))).toMatchObject([{ dedupeKeys: 0, more: false }]);
		expect(one.run(sweep(old, 2))).toMatchObject([{ dedupeKeys: 2, more: true }]);
		expect(one.run(sweep(old, 2))).toMatchObject([{ dedupeKeys: 0, more: true }]);
		expect(one.run(sweep(old, 2))).toMatchObject([{ dedupeKeys: 2, more: true }]);
		expect(one.run(sweep(old, 2))).toMatchObject([{ dedupeKeys: 0, more: false }]);
		expect(segments(one)).toEqual([
			{ segment: 7, oldest_at: T0 + 900 },
			{ segment: 8, oldest_at: T0 + 901 },
		]);
		expect(kinds(one.run(again(events[1]!), again(events[4]!)))).toEqual(['duplicate', 'duplicate']);
		expect(one.run(sweep({ keysBefore: T0 + 901 }))).toMatchObject([{ dedupeKeys: 1, more: false }]);
		expect(segments(one)).toEqual([{ segment: 8, oldest_at: T0 + 901 }]);
		// The filters of what is gone, 512 KiB, go with the next sweep: nothing is looked up there any more.
		one.run(sweep({}));
		const get = jest.spyOn(StatementSync.prototype, 'get');
		expect(kinds(one.run(again(events[1]!), again(events[4]!)))).toEqual(['stored', 'duplicate']);
		const lookedUp = get.mock.calls.filter((values) => values.length === 3).map(([segment]) => segment);
		expect(lookedUp).toEqual([8]);
		get.mockRestore();
	});

	it('never gives an event the number of one that was deleted: a repeat would be taken for the other', () => {
		const one = relay();
		const [first, second] = [anEvent({ receivedAt: T0 }), anEvent({ receivedAt: T0 + 9 })];
		one.run(ingest(first));
		expect(one.run(sweep({ deadBefore: T0 + 1 }))).toMatchObject([{ events: 1 }]);
		one.run(ingest(second));
		expect(rows(one, 'SELECT seq FROM events ORDER BY seq')).toEqual([{ seq: 2 }]);
		// Neither in the same transaction, nor after one that was undone.
		const third = anEvent({ receivedAt: T0 });
		one.run({ name: 'createSubscription', args: [aSubscription({ id: 'sub' })] });
		const cancelled: Call = { name: 'deleteSubscription', args: ['sub'] };
		const swept = one.run(ingest(third), cancelled, sweep({ deliveredBefore: T0 + 1 })).at(-1);
		expect(swept).toMatchObject({ events: 0 });
		expect(() => one.run(ingest(anEvent()), ingest(anEvent({ sourceId: 'none' })))).toThrow();
		one.run(ingest(anEvent()));
		expect(rows(one, 'SELECT seq FROM events ORDER BY seq')).toEqual([2, 3, 4, 5].map((seq) => ({ seq })));
		expect(kinds(one.run(again(first), again(second), again(third)))).toEqual([
			'duplicate',
			'duplicate',
			'duplicate',
		]);
	});

	it('looks a bounded number of events at a time for those without a delivery', () => {
		const one = relay();
		one.run(...Array.from({ length: 2_500 }, () => ingest(anEvent({ receivedAt: T0 }))));
		expect(one.run(sweep({}))).toMatchObject([{ events: 0, more: true }]);
		expect(one.run(sweep({}))).toMatchObject([{ events: 0, more: false }]);
		expect(one.run(sweep({ deadBefore: T0 + 1 }, 5_000))).toMatchObject([{ events: 2_500, more: false }]);
	});
});
