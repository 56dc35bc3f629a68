import fc from 'fast-check';
import { openSqliteStore } from '../../relay/src/store/sqlite/index.ts';
import type { Claim, Store } from '../../relay/src/store/port.ts';
import {
	anEvent,
	aSubscription,
	BREAKER,
	LEASE_MS,
	outcome,
	quarantinedEvent,
	T0,
} from './conformance/fixtures.ts';

/** A method of a store and what it is called with. Ids are given, or numbers that SQLite gives in order: two stores have the same. */
type Call = { [Name in keyof Store]: [Name, ...Parameters<Store[Name]>] }[keyof Store];

const n = (below: number) => fc.nat(below - 1);
const sub = n(3).map((one) => `sub_${one}`);
const workflowId = n(3).map((one) => `workflow_${one}`);
const claim = fc.record({ deliveryId: n(8).map((one) => `dlv_${one + 1}`), attempt: fc.constantFrom(1, 2) });
const time = n(4).map((minutes) => T0 + minutes * LEASE_MS);
const type = 'enrichment.completed' as const;
const ends = {
	delivered: { state: 'delivered' },
	dead: { state: 'dead' },
	retry: { state: 'ready', at: T0 + LEASE_MS, scheduled: 1, conflictSince: null },
	gone: { state: 'cancelled', endSubscription: true },
} as const;

const call: fc.Arbitrary<Call> = fc.oneof<fc.MaybeWeightedArbitrary<Call>[]>(
	{
		weight: 6,
		arbitrary: fc
			.tuple(n(1_000_000), workflowId, n(2), time)
			.map(([id, workflow, truncated, receivedAt]) => [
				'ingest',
				anEvent({ id: `evt_${id}`, workflowId: workflow, truncated, receivedAt }),
			]),
	},
	fc
		.tuple(n(3), workflowId, n(2), time)
		.map(([id, workflow, truncated, now]) => [
			'acceptQuarantined',
			`evt_odd_${id}`,
			{ dedupeKey: `workflow:${workflow}`, type, workflowId: workflow, attributes: {}, truncated },
			now,
		]),
	{
		weight: 2,
		arbitrary: fc
			.tuple(sub, n(2))
			.map(([id, url]) => [
				'createSubscription',
				aSubscription({ id, url: `http://127.0.0.1/${url}`, concurrency: 2 }),
			]),
	},
	fc
		.tuple(sub, fc.constantFrom(1, 2, 3), fc.option(fc.constantFrom(1, 130)))
		.map(([id, concurrency, perMinute]) => ['changeSubscription', id, { concurrency, perMinute }]),
	fc.tuple(fc.constant('deleteSubscription'), sub),
	{
		weight: 4,
		arbitrary: fc
			.tuple(time, fc.constantFrom(1, 2, 3))
			.map(([now, limit]) => ['claim', { now, leaseMs: LEASE_MS, limit }]),
	},
	{
		weight: 4,
		arbitrary: fc.tuple(claim, time, fc.constantFrom(...Object.values(ends))).map(([of, startedAt, next]) => [
			'settle',
			outcome(of as Claim, next, {
				startedAt,
				breaker: { ...BREAKER, threshold: 2 },
			}),
		]),
	},
	fc.tuple(claim, time).map(([of, now]) => ['release', [of], now]),
	fc.tuple(
		fc.constant('cancel'),
		claim.map(({ deliveryId }) => deliveryId),
	),
	fc.tuple(claim, time).map(([{ deliveryId }, now]) => ['replay', deliveryId, now]),
	time.map((now) => ['redrive', { limit: 2, now }]),
	time.map((before) => ['giveUp', { before, limit: 2 }]),
);
/** By themselves: of an event that is being stored nobody knows the id yet, and it is not old enough to be deleted. */
const apart: fc.Arbitrary<Call> = fc.oneof<fc.MaybeWeightedArbitrary<Call>[]>(
	fc
		.tuple(n(3), time)
		.map(([id, receivedAt]) => [
			'ingest',
			quarantinedEvent({ id: `evt_odd_${id}`, dedupeKey: `body:${id}`, receivedAt }),
		]),
	fc
		.tuple(time, time, time)
		.map(([deliveredBefore, deadBefore, keysBefore]) => [
			'sweep',
			{ deliveredBefore, deadBefore, keysBefore, limit: 100 },
		]),
);
const turn = fc.oneof(
	{ weight: 4, arbitrary: fc.array(call, { minLength: 1, maxLength: 15, size: 'max' }) },
	fc.tuple(apart),
);

async function opened(): Promise<Store> {
	const store = await openSqliteStore({ path: ':memory:' });
	await store.putSource({ id: 'default', name: 'x', tokenHash: Buffer.from('h'), createdAt: T0 });
	return store;
}

/** What a call came to. */
const said = (store: Store, [name, ...args]: Call) =>
	(store[name] as (...args: unknown[]) => Promise<unknown>)(...args).then(
		(value) => ({ value }),
		({ code }: { code: string }) => ({ code }),
	);

const content = async (store: Store) => ({
	stats: await store.stats(),
	subscriptions: await store.listSubscriptions(),
	events: await store.listEvents({ limit: 1_000 }),
	deliveries: await store.listDeliveries({ limit: 1_000 }),
	dueAt: await store.nextDueAt(),
});

test('calls that share batches say and leave what the same calls one after the other do', async () => {
	await fc.assert(
		fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 12, size: 'max' }), async (turns) => {
			const [together, alone] = [await opened(), await opened()];
			try {
				for (const calls of turns) {
					const answers = await Promise.all(calls.map((one) => said(together, one)));
					const expected: unknown[] = [];
					for (const one of calls) expected.push(await said(alone, one));
					expect(answers).toEqual(expected);
				}
				expect(await content(together)).toEqual(await content(alone));
			} finally {
				await together.close();
				await alone.close();
			}
		}),
		{ numRuns: 25, interruptAfterTimeLimit: 110_000 },
	);
}, 120_000);
