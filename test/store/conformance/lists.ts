import { BREAKER, dead, delivered, quarantinedEvent, retried, T0 } from './fixtures.ts';
import type { Engine } from './fixtures.ts';
import { useStore } from './use-store.ts';

const ids = (list: { id: string }[]) => list.map((entry) => entry.id);

export function listConformance(engine: Engine): void {
	describe('the list of events', () => {
		const t = useStore(engine);

		it('goes newest first by pages that hold still while events come in', async () => {
			const events: string[] = [];
			for (let n = 0; n < 5; n++) events.unshift((await t.ingest()).id);
			const first = await t.store.listEvents({ limit: 2 });
			expect(ids(first)).toEqual(events.slice(0, 2));
			await t.ingest();
			const before = first[1]?.id ?? '';
			expect(ids(await t.store.listEvents({ limit: 2, before }))).toEqual(events.slice(2, 4));
			expect(ids(await t.store.listEvents({ limit: 10, before }))).toEqual(events.slice(2));
			expect(await t.store.listEvents({ limit: 10, before: events[4]! })).toEqual([]);
		});

		it('goes on behind an event that retention took meanwhile', async () => {
			// Ids begin with the time (see ids.ts), so they tell the place of one that is gone.
			for (const n of [1, 2, 3, 4]) await t.ingest({ id: `evt_${n}`, receivedAt: n === 3 ? T0 - 1 : T0 });
			expect(ids(await t.store.listEvents({ limit: 2 }))).toEqual(['evt_4', 'evt_3']);
			await t.store.sweep({ deliveredBefore: T0, deadBefore: T0, keysBefore: 0, limit: 9 });
			expect(await t.store.getEvent('evt_3')).toBeNull();
			const rest = await t.store.listEvents({ limit: 2, before: 'evt_3' });
			expect(ids(rest)).toEqual(['evt_2', 'evt_1']);
			expect(await t.store.listEvents({ limit: 2, before: 'evt_0' })).toEqual([]);
		});

		it('finds the events of a workflow, whatever their state and source', async () => {
			await t.store.putSource({ id: 'two', name: 'Two', tokenHash: Buffer.from('two'), createdAt: T0 });
			const event = await t.ingest({ workflowId: 'w' });
			const odd = quarantinedEvent({ workflowId: 'w' });
			await t.store.ingest(odd);
			const other = await t.ingest({ workflowId: 'w', sourceId: 'two' });
			await t.ingest();
			const of = (more: object) => t.store.listEvents({ limit: 10, workflowId: 'w', ...more });
			expect(ids(await of({}))).toEqual([other.id, odd.id, event.id]);
			expect(ids(await of({ limit: 1, before: other.id }))).toEqual([odd.id]);
			expect(ids(await of({ state: 'accepted' }))).toEqual([other.id, event.id]);
			expect(ids(await of({ state: 'quarantined' }))).toEqual([odd.id]);
			expect(await of({ workflowId: 'none' })).toEqual([]);
			expect(await of({ workflowId: "w' OR 1=1 --" })).toEqual([]);
		});

		it('shows what is in quarantine, or what is not', async () => {
			const odd: string[] = [];
			const good: string[] = [];
			for (let n = 0; n < 3; n++) {
				const event = quarantinedEvent();
				await t.store.ingest(event);
				odd.unshift(event.id);
				good.unshift((await t.ingest()).id);
			}
			expect(ids(await t.store.listEvents({ limit: 2, state: 'quarantined' }))).toEqual(odd.slice(0, 2));
			const before = odd[1]!;
			expect(ids(await t.store.listEvents({ limit: 2, state: 'quarantined', before }))).toEqual([odd[2]]);
			expect(ids(await t.store.listEvents({ limit: 9, state: 'accepted' }))).toEqual(good);
		});
	});

	describe('the list of deliveries', () => {
		const t = useStore(engine);

		it('goes newest first by pages that hold still while deliveries are made and settled', async () => {
			await t.subscribe();
			const made: string[] = [];
			for (let n = 0; n < 5; n++) made.unshift((await t.deliveryOf((await t.ingest()).id)).id);
			const first = await t.store.listDeliveries({ limit: 2 });
			expect(ids(first)).toEqual(made.slice(0, 2));
			await t.ingest();
			for (const claim of await t.claim({ limit: 3 })) await t.store.settle(delivered(claim));
			const before = first[1]?.id ?? '';
			expect(ids(await t.store.listDeliveries({ limit: 2, before }))).toEqual(made.slice(2, 4));
			expect(ids(await t.store.listDeliveries({ limit: 9, before }))).toEqual(made.slice(2));
			for (const none of ['dlv_0', 'none']) {
				expect(await t.store.listDeliveries({ limit: 9, before: none })).toEqual([]);
			}
		});

		it('is filtered by event, subscription and state, alone and together', async () => {
			const [one, two] = [await t.subscribe({ concurrency: 5 }), await t.subscribe({ concurrency: 5 })];
			const settle = [delivered, dead, (c: Parameters<typeof dead>[0]) => retried(c, T0 + 5)];
			const events: string[] = [];
			for (const settlement of settle) {
				events.push((await t.ingest()).id);
				for (const claim of await t.claim()) await t.store.settle(settlement(claim));
			}
			events.push((await t.ingest()).id);
			await t.claim();
			events.push((await t.ingest()).id);
			for (const { id } of await t.deliveriesOf(events[4]!)) await t.store.cancel(id);
			const states = ['delivered', 'dead', 'ready', 'leased', 'cancelled'] as const;

			for (const [n, state] of states.entries()) {
				const ofState = await t.store.listDeliveries({ limit: 9, state });
				expect(ofState.map((d) => [d.eventId, d.state])).toEqual([
					[events[n], state],
					[events[n], state],
				]);
				const last = ofState[0]!;
				expect(await t.store.listDeliveries({ limit: 9, state, before: last.id })).toEqual([ofState[1]]);
				for (const { id } of [one, two]) {
					const both = { limit: 9, state, subscriptionId: id };
					const expected = ofState.filter((d) => d.subscriptionId === id);
					expect(await t.store.listDeliveries(both)).toEqual(expected);
					expect(await t.store.listDeliveries({ ...both, eventId: events[n]! })).toEqual(expected);
					expect(await t.store.listDeliveries({ ...both, eventId: events[(n + 1) % 5]! })).toEqual([]);
				}
			}
			const mine = await t.store.listDeliveries({ limit: 9, subscriptionId: one.id });
			expect(mine.map((d) => d.eventId)).toEqual([...events].reverse());
			expect(await t.store.listDeliveries({ limit: 9, subscriptionId: 'sub_none' })).toEqual([]);
			expect(await t.store.listDeliveries({ limit: 9, eventId: 'evt_none' })).toEqual([]);
		});

		it('has no delivery under an id that none has', async () => {
			for (const id of ['dlv_999999', 'dlv_', 'x', '']) expect(await t.store.getDelivery(id)).toBeNull();
		});
	});

	describe('the numbers', () => {
		const t = useStore(engine);

		it('are nought at first', async () => {
			expect(await t.store.stats()).toEqual({
				ready: 0,
				leased: 0,
				dead: 0,
				oldestDueAt: null,
				quarantined: 0,
				activeSubscriptions: 0,
				openBreakers: 0,
			});
		});

		it('count what waits, and what needs the operator', async () => {
			await t.end(await t.subscribe());
			const subscription = await t.subscribe({ concurrency: 3 });
			await t.ingest();
			await t.store.settle(delivered(await t.claimOne()));
			for (let n = 0; n < 6; n++) await t.ingest({ receivedAt: T0 + n });
			await t.store.ingest(quarantinedEvent());
			const [a, b, c] = await t.claim({ now: T0 + 9 });
			await t.store.settle(dead(a!, { breaker: { ...BREAKER, threshold: 1 } }));
			await t.store.settle(retried(b!, T0 + 60));
			expect(c).toBeDefined();
			expect(await t.store.stats()).toEqual({
				ready: 4,
				leased: 1,
				dead: 1,
				oldestDueAt: T0 + 3,
				quarantined: 1,
				activeSubscriptions: 1,
				openBreakers: 1,
			});
			await t.store.deleteSubscription(subscription.id);
			expect(await t.store.stats()).toMatchObject({
				ready: 0,
				leased: 0,
				dead: 1,
				oldestDueAt: null,
				activeSubscriptions: 0,
				openBreakers: 0,
			});
		});
	});
}
